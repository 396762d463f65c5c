/**
 * What is measured: every service in a process of its own as they run in production, with tokens, validation, telemetry, relay
 * and reactions, on a mongod and a nats-server of their own, with a small demo city.
 */
import { join } from 'node:path';
import type { CityPlan } from '@bandeng/city';
import { freePort, startingOrder } from '@bandeng/deploy';
import { settled } from '@bandeng/testing';
import { type Db, type Document, MongoClient } from 'mongodb';
import { type Child, startChild, untilReady } from '../../deploy/src/embedded/child.ts';
import { seedCity } from '../../deploy/src/seeding.ts';
import { signIn } from '../../deploy/src/sign-in.ts';
import { type Connection, expected, openConnections } from './connections.ts';
import { connections } from './loops.ts';
import type { Processes } from './processor-time.ts';
import { type Servers, startServers } from './servers.ts';

const root = join(import.meta.dirname, '../..');
const scale = 0.02;

export interface Ground {
  readonly plan: CityPlan;
  /** As many as the bench has; one request at a time on each. */
  readonly lines: readonly Connection[];
  /** Of the gateway. */
  readonly port: number;
  /** With the write concern of the services and nothing else set: the bare driver. */
  readonly driver: MongoClient;
  /** The process ids, to tell where the time goes. */
  readonly processes: Processes;
  /** The database of a service. */
  database(service: string): Db;
  /** A token for one of the demo logins. */
  token(role: string): Promise<string>;
  /** Waits until relays and reactions have nothing left to do; answers how many milliseconds that took. */
  settle(): Promise<number>;
}

/** Starts everything, hands it over, and ends it all. */
export async function onGround<Result>(
  work: (ground: Ground) => Promise<Result>,
  options: { cacheGigabytes?: number; environment?: Readonly<Record<string, string>> } = {},
): Promise<Result> {
  await using servers = await startServers(options);
  const environment = { ...(await environmentFor(servers)), ...options.environment };
  const plan = await seedCity(environment, { scale, now: new Date() });
  if (plan === undefined) throw new Error('the demo city was not made');
  const services = await startServices(environment, servers.directory);
  const driver = new MongoClient(servers.mongod.uri, {
    maxPoolSize: connections,
    writeConcern: { w: 'majority', journal: true },
    readConcern: { level: 'majority' },
  });
  const lines: Connection[] = [];
  try {
    await driver.connect();
    const port = Number(environment.BANDENG_PORT);
    lines.push(...(await openConnections(port, connections)));
    const passwords = new Map(plan.logins.map(({ role, login, password }) => [String(role), { login, password }]));
    return await work({
      plan,
      lines,
      port,
      driver,
      processes: { ...pidsOf(services), mongod: servers.mongod.pid, nats: servers.nats.pid, load: process.pid },
      database: (service) => driver.db(`bandeng_${service}`),
      async token(role) {
        const { login = '', password = '' } = passwords.get(role) ?? {};
        return signIn(`http://localhost:${port}/oidc`, login, password);
      },
      settle: () => settled({ mongodbUri: servers.mongod.uri, natsUrl: servers.nats.url, databasePrefix: 'bandeng' }),
    });
  } finally {
    for (const line of lines) line.close();
    await driver.close();
    await Promise.all([...services.values()].map((service) => service.stop(10_000)));
  }
}

async function environmentFor({ directory, mongod, nats }: Servers): Promise<Record<string, string>> {
  return {
    PATH: process.env.PATH ?? '',
    NODE_ENV: 'production',
    MONGODB_URI: mongod.uri,
    NATS_URL: nats.url,
    BANDENG_DATABASE_PREFIX: 'bandeng',
    BANDENG_DATA: join(directory, 'data'),
    BANDENG_RUN: join(directory, 'run'),
    BANDENG_PORT: String(await freePort()),
    BANDENG_CITY: '4599',
    BANDENG_LOG_LEVEL: 'error',
    // One address asks more here than any address may.
    BANDENG_RATE_LIMIT: 'off',
  };
}

/** As `up --processes` does, without its supervisor. */
async function startServices(environment: Record<string, string>, directory: string): Promise<Map<string, Child>> {
  const profile = process.env.BANDENG_BENCH_PROFILE;
  const services = new Map(
    startingOrder.map((name) => [
      name,
      startChild({
        command: process.execPath,
        arguments: [
          '--disable-warning=ExperimentalWarning',
          ...(profile === undefined
            ? []
            : ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${name}.cpuprofile`]),
          '--import',
          join(root, 'libs/telemetry/src/register.ts'),
          join(root, `services/${name}/src/main.ts`),
        ],
        log: join(directory, `${name}.log`),
        // Seeding is quiet; the services log as they do in production.
        environment: { ...environment, BANDENG_LOG_LEVEL: 'info' },
        workingDirectory: root,
      }),
    ]),
  );
  const origin = `http://localhost:${environment.BANDENG_PORT}`;
  // Each process is ready for itself: that of the gateway, and behind it the sign-in.
  const probes = [`${origin}/readyz`, `${origin}/oidc/.well-known/openid-configuration`];
  const gateway = services.get('gateway');
  if (gateway === undefined) throw new Error('no gateway');
  await untilReady('the gateway', gateway, join(directory, 'gateway.log'), async () =>
    (await Promise.all(probes.map((probe) => fetch(probe)))).every(({ ok }) => ok),
  );
  return services;
}

function pidsOf(services: ReadonlyMap<string, Child>): Processes {
  return Object.fromEntries([...services].map(([name, { pid }]) => [name, pid]));
}

/** The notices, whose arrival is the effect of a ticket's event in another service. */
export function noticesOf(driver: MongoClient) {
  return driver.db('bandeng_notifications').collection<Document & { postedAt: Date }>('notices');
}

/** Orders a ticket and answers its document, as the service stored it. */
export async function orderOne(ground: Ground, body: string, token: string): Promise<Document> {
  const [line] = ground.lines;
  if (line === undefined) throw new Error('no connection');
  const { id } = JSON.parse(expected(await line.ask('POST', '/v1/tickets', token, body), 201));
  const document = await ground.database('tickets').collection<{ _id: string }>('tickets').findOne({ _id: id });
  if (document === null) throw new Error(`${id} is not stored`);
  return document;
}

/** What the demo city's resident orders, and where the people are who work on it. */
export function sceneOf({ accounts, postings, stories, territories }: CityPlan) {
  const person = accounts.find(({ login }) => login === 'resident')?.id;
  const building = postings.find((posting) => posting.person === person)?.territory ?? '';
  const community = building.slice(0, 12);
  const grid = territories.find(({ code, covers }) => code.startsWith(community) && covers.length > 0)?.code ?? '';
  const [story] = stories;
  if (building === '' || grid === '' || story === undefined) throw new Error('the demo city lacks what is measured');
  const { text, place, category } = story;
  const order = JSON.stringify({ text, place, category, territory: building, displayName: '王阿姨' });
  return { order, community, grid };
}
