/** A small town around the service: who is posted where, who signs tokens, what goes over the bus, and a clock on the wall. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rpcs, type ServiceName } from '@bandeng/contracts';
import { Posting, type Role_Value, Territory, Unit } from '@bandeng/contracts/orggraph';
import { kindOf, parentOf } from '@bandeng/directory';
import { type CloudEvent, connectBus } from '@bandeng/events';
import { RpcFailure, rawClient, serviceTokens, startServer } from '@bandeng/rpc';
import { addressOf, issuerOf, type RunningService } from '@bandeng/service';
import { openLogger } from '@bandeng/telemetry';
import { eventually, type Parts, parts } from '@bandeng/testing';
import { identityWith, standIn } from '@bandeng/testing/stand-in';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { tickets } from '../src/main.ts';

export const community = '459902001001';
export const grid = `${community}001`;
export const building = `${community}501001`;
export const elsewhere = '459902001002';
export const category = '城乡建设.市政管理.园林绿化';

const validFrom = new Date('2026-01-01T00:00:00Z');
const territories = [
  '45',
  '4599',
  '459902',
  '459902001',
  community,
  elsewhere,
  `${elsewhere}501`,
  `${community}501`,
  building,
  grid,
];
const posts: readonly [person: string, role: Role_Value, at: { territory: string } | { unit: string }][] = [
  ['wang', 'COMMUNITY_DISPATCHER', { territory: community }],
  ['other-dispatcher', 'COMMUNITY_DISPATCHER', { territory: elsewhere }],
  ['li', 'ORGAN_LIAISON', { unit: 'parks' }],
  ['zhao', 'MEMBER', { territory: community }],
  ['qian', 'MEMBER', { territory: community }],
  ['sun', 'GRID_WORKER', { territory: grid }],
  ['zhou', 'AUDITOR', { territory: '4599' }],
  ['wu', 'ADMINISTRATOR', { territory: '4599' }],
  ['zheng', 'STREET_OFFICER', { territory: '459902001' }],
  ['twice', 'COMMUNITY_DISPATCHER', { territory: community }],
  ['twice', 'COMMUNITY_SECRETARY', { territory: community }],
];

const graph = {
  territories: territories.map((id) =>
    Territory.fromJSON({
      id,
      version: 1,
      kind: kindOf(id)?.toUpperCase(),
      name: `territory ${id}`,
      parent: parentOf(id) ?? '',
      covers: id === grid ? [building] : [],
      validFrom,
    }),
  ),
  units: [
    Unit.fromPartial({ id: 'parks', version: 1, kind: 'CITY_ORGAN', name: '园林局', territory: '4599', validFrom }),
    Unit.fromPartial({ id: 'far', version: 1, kind: 'CITY_ORGAN', name: '外市', territory: '4501', validFrom }),
  ],
  postings: posts.map(([person, role, at], index) =>
    Posting.fromPartial({ id: `posting-${index}`, version: 1, person, role, ...at, validFrom }),
  ),
};

/** When the clock of the town starts. */
export const tuesday = '2026-11-24T10:00:00+08:00';

/** What Mei orders. */
export const order = {
  text: '小区大门口的路灯坏了三天',
  territory: building,
  category,
  place: '东门',
  displayName: '梅阿姨',
};

/** Somebody or something that can be dispatched to, as the contract says it. */
export const dispatchTo = (choice: { $case: string; value: string }) => ({ handler: { handler: choice } });
export const toParks = dispatchTo({ $case: 'unit', value: 'parks' });
export const openCall = dispatchTo({ $case: 'openCall', value: community });

let keys = 0;
/** An Idempotency-Key that was not sent before. */
export const fresh = () => ({ key: `an-idempotency-key-${++keys}` });

type Environment = Record<string, string>;
/** Neighbours that answer what this service asks, and a signer of tokens. */
async function startNeighbours(environment: Environment) {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const keySet = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' }] });
  const identity = identityWith({
    listNames: async ({ people }) => ({ names: Object.fromEntries(people.map((id) => [id, `name of ${id}`])) }),
    getKeySet: async () => ({ json: keySet }),
  });
  const orggraph = standIn('orggraph', {
    listChanges: async () => ({ ...graph, nextPageToken: '', asOf: new Date() }),
  });
  const log = openLogger('neighbours', 'silent');
  const verify = async () => ({ kind: 'service', name: 'tickets' }) as const;
  const servers = await Promise.all(
    [identity, orggraph].map((implementation) =>
      startServer({
        address: addressOf(implementation.service, environment),
        implementations: [implementation],
        verify,
        log,
      }),
    ),
  );
  const sign = (claims: object, subject: string): Promise<string> =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'test' })
      .setIssuer(issuerOf(environment))
      .setAudience('bandeng')
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(privateKey);
  return {
    person: (id: string) => sign({ client_id: 'console' }, id),
    client: (id: string, scope: string, territory: string) => sign({ client_id: id, scope, territory }, id),
    stop: () => Promise.all(servers.map((server) => server.stop())),
  };
}

export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field in tests
  readonly body: any;
  readonly replayed: boolean;
  /** 200, or the status of the problem. */
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly string[];
}

export interface Headers {
  readonly key?: string;
  readonly actingAs?: string;
  readonly ifMatch?: string;
}

/** The service in its town. The clock stands at Tuesday, 24 November 2026, 10:00 in China, and goes as it is set. */
export async function startTown() {
  const world: Parts = await parts();
  const { environment } = world;
  const neighbours = await startNeighbours(environment);
  let ahead = Date.parse(tuesday) - Date.now();
  const now = () => new Date(Date.now() + ahead);
  const service: RunningService = await tickets.start(environment, now);
  await eventually(async () => {
    if (!(await service.ready())) throw new Error('not ready');
  });
  const key = readFileSync(join(environment.BANDENG_DATA ?? '', 'keys', 'service-gateway.jwk'), 'utf8');
  const client = rawClient({
    address: (name: ServiceName) => addressOf(name, environment),
    token: serviceTokens({ service: 'gateway', privateKey: JSON.parse(key) }),
  });
  const bus = connectBus({ url: world.natsUrl, name: 'another system', log: openLogger('bus', 'silent') });
  const events: CloudEvent[] = [];
  const subscription = bus.live('tickets', { after: 'start' }, { event: ({ event }) => void events.push(event) });
  const tokens = new Map<string, string>();

  async function call(
    token: string | undefined,
    name: string,
    request: object,
    headers: Headers = {},
  ): Promise<Answer> {
    const rpc = rpcs.find((one) => one.service === 'tickets' && one.name === name);
    if (rpc === undefined) throw new Error(`no RPC ${name}`);
    const { key, actingAs, ifMatch } = headers;
    try {
      const { message, replayed } = await client.call(
        rpc,
        rpc.request.encode(rpc.request.fromPartial(request)).finish(),
        {
          // A machine that runs tests is slow.
          timeoutMs: 15_000,
          headers: {
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(key === undefined ? {} : { idempotencyKey: key }),
            ...(actingAs === undefined ? {} : { actingAs }),
            ...(ifMatch === undefined ? {} : { ifMatch }),
          },
        },
      );
      return { body: rpc.response.toJSON(message), replayed, status: 200, reason: '', fields: [] };
    } catch (failure) {
      if (!(failure instanceof RpcFailure)) throw failure;
      const { status, reason, fields } = failure.problem;
      return { body: undefined, replayed: false, status, reason, fields: fields.map(({ field }) => field) };
    }
  }

  async function as(person: string, name: string, request: object, headers?: Headers): Promise<Answer> {
    const token = tokens.get(person) ?? (await neighbours.person(person));
    tokens.set(person, token);
    return call(token, name, request, headers);
  }

  async function ordered(): Promise<string> {
    const { body, reason } = await as('mei', 'OrderTicket', order, fresh());
    if (reason !== '') throw new Error(reason);
    return body.id;
  }

  const registered = await as('wu', 'RegisterCategory', { path: category.split('.'), externalCode: 'YL-01' });
  if (registered.status !== 200) throw new Error(registered.reason);

  return {
    environment,
    events,
    as,
    /** The id of a ticket that Mei has ordered. */
    ordered,
    /** The id of a ticket that Wang has dispatched to the parks and Li has accepted. */
    async inProgress(): Promise<string> {
      const id = await ordered();
      await as('wang', 'DispatchTicket', { id, ...toParks });
      const { reason } = await as('li', 'AcceptTicket', { id });
      if (reason !== '') throw new Error(reason);
      return id;
    },
    /** Lets the clock jump to an instant, for example `2026-11-25T10:00:00+08:00`. */
    setClock(instant: string) {
      ahead = Date.parse(instant) - Date.now();
    },
    async asClient(scope: string, name: string, request: object, headers?: Headers): Promise<Answer> {
      return call(await neighbours.client('hotline', scope, '4599'), name, request, headers);
    },
    asGuest: (name: string, request: object, headers?: Headers) => call(undefined, name, request, headers),
    /** Types of the public events of a ticket, in their order. */
    told: (ticket: string) => events.filter(({ subject }) => subject === ticket).map(({ type }) => type.split('.')[2]),
    async stop() {
      await subscription.close();
      await bus.close();
      client.close();
      await service.stop();
      await neighbours.stop();
      await world.dispose();
    },
  };
}
