import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contracts, RpcContract } from '../../libs/contracts/src/index.ts';
import { code, page, partsOfComment, root, table } from './pages.ts';
import { commonRefusals, gatewayRefusals, refusalsOf, refusalTable } from './refusals.ts';

function accessOf({ access }: RpcContract): string {
  switch (access?.kind) {
    case 'public':
      return 'anybody';
    case 'action':
      return code(access.action ?? '');
    case 'internal':
      return 'services';
    default:
      return 'signed in';
  }
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
}

interface Document {
  readonly info: { readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Routes that are no call of the contracts, from the OpenAPI document: streams, uploads and the like. */
function routesByHand({ rpcs }: Contracts, { paths }: Document): string[][] {
  const called = new Set(rpcs.map(({ http }) => `${http?.verb} ${http?.path}`));
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([verb]) => !called.has(`${verb.toUpperCase()} ${path}`))
      .map(([verb, { summary = '', description = '' }]) => {
        const refusals = /^Refused: (.+)\.$/m.exec(description)?.[1] ?? '';
        const who = /\b(?:Needs|Open to) (?:an? |the right )?(.+?)[.;]?$/m.exec(description)?.[1] ?? '';
        return [`${verb.toUpperCase()} ${code(path)}`, who.split(';', 1)[0] ?? '', `${summary}.`, refusals];
      }),
  );
}

/** Routes by service, who may call them, and what is refused. */
export function httpPage(contracts: Contracts): string {
  const { rpcs, services, comment } = contracts;
  const document: Document = JSON.parse(readFileSync(join(root, 'proto/openapi.json'), 'utf8'));
  const parts = services.map(({ name: service, descriptor }) => {
    const rows = rpcs
      .filter((rpc) => rpc.service === service && rpc.http !== undefined)
      .map((rpc) => {
        const { text, refusals } = partsOfComment(rpc.comment);
        return [`${rpc.http?.verb} ${code(rpc.http?.path ?? '')}`, accessOf(rpc), text, refusals];
      });
    const own = refusalsOf(service);
    return [
      `## ${service}`,
      comment(descriptor).replaceAll('\n', ' '),
      table(['route', 'who', 'what', 'refused'], rows),
      ...(own.length === 0 ? [] : [refusalTable(own)]),
    ].join('\n\n');
  });
  return page(
    'HTTP',
    `Every route, by the service that answers it. Fields and their rules are in [openapi.json](../../proto/openapi.json) and at \`/docs\` of a running gateway.

**Who**: \`anybody\`, anybody \`signed in\`, or whoever may do the action named (see [roles](roles.md)). **Refused** names refusals special to a route; every command can also be refused by the common ones below. Its type is \`urn:bandeng:problem:<refusal>\`.

${document.info.description}`,
    ...parts,
    '## Streams, files and pages',
    table(
      ['route', 'who', 'what', 'refused'],
      [
        ...routesByHand(contracts, document),
        [`GET ${code('/openapi.json')}, ${code('/docs/')}`, 'anybody', 'The contract, and its viewer.', ''],
        [`GET ${code('/livez')}, ${code('/readyz')}`, 'anybody', 'Whether it lives; whether it can work.', ''],
        [code('/oidc/*'), 'anybody', 'Signing in (OpenID Connect).', ''],
      ],
    ),
    '## What every service can refuse',
    refusalTable(commonRefusals()),
    '## What the gateway refuses',
    refusalTable(gatewayRefusals()),
  );
}

/** gRPC services, for those who call from within. */
export function grpcPage({ rpcs, services, comment }: Contracts): string {
  const parts = services.map(({ name: service, descriptor }) => {
    const rows = rpcs
      .filter((rpc) => rpc.service === service)
      .map((rpc) => {
        const { input, output } = rpc.descriptor;
        return [
          code(rpc.name),
          `${code(input.name)} → ${code(output.name)}`,
          accessOf(rpc),
          partsOfComment(rpc.comment).text,
        ];
      });
    return [
      `## ${descriptor.typeName}`,
      comment(descriptor).replaceAll('\n', ' '),
      table(['RPC', 'request → answer', 'who', 'what'], rows),
    ].join('\n\n');
  });
  return page(
    'gRPC',
    'Services talk to each other by these calls; the contracts are in [proto/](../../proto/). A call with `services` is for services alone and has no HTTP route. Each service answers at `BANDENG_<SERVICE>_ADDRESS`, with the standard health service, and with reflection when `BANDENG_REFLECTION` is `on`.',
    table(
      ['metadata', 'meaning'],
      [
        [
          code('service-authorization'),
          'Bearer token of the calling service, made for the called one; an internal call needs it',
        ],
        [code('authorization'), 'Bearer token of the person or system on whose behalf it is called'],
        [code('acting-as'), 'id of the posting in which the person acts'],
        [code('own-account'), '`true`: a service calls for itself, not for a guest who sent no token'],
        [code('idempotency-key'), 'the same key: one effect'],
        [code('if-match'), 'refused when the version is another'],
        [code('accept-language'), '`zh-CN` or `en`'],
      ],
    ),
    'A failure carries `bandeng.problems.v1.Problem` in the trailer `problem-bin`. A repeated command answers `idempotency-replayed: true`. Every call has a deadline.',
    ...parts,
  );
}
