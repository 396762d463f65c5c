import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rpcs, type ServiceName } from '@bandeng/contracts';
import { RpcFailure, rawClient, serviceTokens, startServer } from '@bandeng/rpc';
import { addressOf, issuerOf, type RunningService, visit } from '@bandeng/service';
import { openLogger } from '@bandeng/telemetry';
import { eventually, type Parts } from '@bandeng/testing';
import { identityWith } from '@bandeng/testing/stand-in';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect } from 'vitest';
import { orggraph } from '../src/main.ts';
import { seed } from '../src/seed.ts';

type Environment = Record<string, string>;

/** An identity that knows some people, and signs tokens for whom it is asked to. */
async function startIdentity(environment: Environment, people: readonly string[]) {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const keySet = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' }] });
  const implementation = identityWith({
    listNames: async (request) => ({
      names: Object.fromEntries(request.people.filter((id) => people.includes(id)).map((id) => [id, `name of ${id}`])),
    }),
    getKeySet: async () => ({ json: keySet }),
  });
  const server = await startServer({
    address: addressOf('identity', environment),
    implementations: [implementation],
    // Who asks matters to nobody here.
    verify: async (token) => {
      const { sub = '' } = decodeJwt(token);
      return sub.startsWith('service:') ? { kind: 'service', name: 'orggraph' } : { kind: 'person', id: sub };
    },
    log: openLogger('identity', 'silent'),
  });
  return {
    token: (person: string): Promise<string> =>
      new SignJWT({ client_id: 'console' })
        .setProtectedHeader({ alg: 'EdDSA', kid: 'test' })
        .setIssuer(issuerOf(environment))
        .setAudience('bandeng')
        .setSubject(person)
        .setIssuedAt()
        .setExpirationTime('10m')
        .sign(privateKey),
    stop: () => server.stop(),
  };
}

/** Calls RPCs as people do through the gateway. */
function gateway(environment: Environment) {
  const key = readFileSync(join(environment.BANDENG_DATA ?? '', 'keys', 'service-gateway.jwk'), 'utf8');
  const client = rawClient({
    address: (service: ServiceName) => addressOf(service, environment),
    token: serviceTokens({ service: 'gateway', privateKey: JSON.parse(key) }),
  });
  return {
    close: () => client.close(),
    /** The answer as proto JSON, or the problem. */
    async call(
      name: string,
      request: object,
      headers: { token?: string; key?: string; actingAs?: string; ifMatch?: string } = {},
    ) {
      const rpc = rpcs.find((one) => one.service === 'orggraph' && one.name === name);
      if (rpc === undefined) throw new Error(`no RPC ${name}`);
      try {
        const { message, replayed } = await client.call(rpc, rpc.request.fromPartial(request), {
          headers: {
            ...(headers.token === undefined ? {} : { authorization: `Bearer ${headers.token}` }),
            ...(headers.key === undefined ? {} : { idempotencyKey: headers.key }),
            ...(headers.actingAs === undefined ? {} : { actingAs: headers.actingAs }),
            ...(headers.ifMatch === undefined ? {} : { ifMatch: headers.ifMatch }),
          },
        });
        // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field in tests
        return { body: rpc.response.toJSON(message) as any, replayed, status: 200, reason: '', fields: [] as string[] };
      } catch (failure) {
        if (!(failure instanceof RpcFailure)) throw failure;
        const { status, reason, fields } = failure.problem;
        return { body: undefined, replayed: false, status, reason, fields: fields.map(({ field }) => field) };
      }
    },
  };
}

type Gateway = ReturnType<typeof gateway>;
type Seeded = Parameters<typeof seed>[1];

/** The service on real parts, with a graph and people who may ask it. */
export interface Stand {
  /** Another one after it was stopped and started. */
  service: RunningService;
  readonly caller: Gateway;
  /** Asks as one of the people. */
  as(
    person: string,
    name: string,
    request: object,
    headers?: Parameters<Gateway['call']>[2],
  ): ReturnType<Gateway['call']>;
  stop(): Promise<void>;
}

/** Opens it, and waits until what was seeded is known: `admin` may see the last of the postings. */
export async function openStand(given: Parts, people: readonly string[], graph: Seeded): Promise<Stand> {
  const { environment } = given;
  const identity = await startIdentity(environment, people);
  const tokens = new Map<string, string>();
  for (const person of people) tokens.set(person, await identity.token(person));
  const service = await orggraph.start(environment);
  const caller = gateway(environment);
  const stand: Stand = {
    service,
    caller,
    as: (person, name, request, headers = {}) =>
      caller.call(name, request, { ...headers, token: tokens.get(person) ?? '' }),
    async stop() {
      caller.close();
      await stand.service.stop();
      await identity.stop();
    },
  };
  await visit('orggraph', environment, (house) => seed(house, graph));
  // Somebody else's posting: one's own is shown before the directory knows of any.
  const { id } = graph.postings.at(-1) ?? {};
  await eventually(async () => expect(await stand.as('admin', 'GetPosting', { id })).toMatchObject({ status: 200 }), {
    within: 10_000,
  });
  return stand;
}
