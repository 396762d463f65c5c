import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { streamOf } from '@bandeng/events';
import type { Db, Document } from '@bandeng/records';
import { JetStreamApiCodes, JetStreamApiError, jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { messageOf } from '../embedded/fault.ts';
import { type Databases, type Installation, publishers } from '../installation.ts';
import { bytesOf, type Check, type Finding, fail, note, ok, some, warn } from './finding.ts';
import { roomOf } from './machine.ts';

/** MongoDB: versions, the set and its promise, its clock, its disk. */
export function databaseChecks({ layout }: Installation, databases: Databases): Check[] {
  const database = (): Promise<Db> => databases.of('tickets');
  return [
    { name: 'mongod', look: async () => mongod(await database()) },
    { name: 'replica set', look: async () => replicaSet(await database(), !layout.environment.MONGODB_URI) },
    { name: 'write concern', look: async () => writeConcern(await database()) },
    { name: 'clock of mongod', look: async () => [await clock('clock of mongod', () => timeOfMongod(database))] },
    { name: 'disk of mongod', look: async () => diskOfMongod(await database()) },
  ];
}

async function mongod(database: Db): Promise<Finding[]> {
  const { version } = await database.command({ buildInfo: 1 });
  const major = Number(String(version).split('.')[0]);
  const says = `version ${version}`;
  return [major >= 6 ? ok('mongod', says) : fail('mongod', `${says}: 6 or newer is needed`)];
}

async function replicaSet(database: Db, embedded: boolean): Promise<Finding[]> {
  const hello = await database.command({ hello: 1 });
  if (typeof hello.setName !== 'string') return [fail('replica set', 'mongod is no member of a replica set')];
  const hosts: string[] = hello.hosts ?? [];
  if (!hello.primary) return [fail('replica set', `${hello.setName} has no primary`)];
  const says = `${hello.setName}, ${hosts.length} members, primary ${hello.primary}`;
  const admin = database.client.db('admin');
  const status = await admin.command({ replSetGetStatus: 1 }).catch(() => undefined);
  const ill = (status?.members ?? [])
    .filter(({ state }: Document) => ![1, 2, 7].includes(state))
    .map(({ name, stateStr }: Document) => `${name} is ${stateStr}`);
  if (ill.length > 0) return [fail('replica set', `${says}: ${some(ill)}`)];
  const alone = hosts.length < 3 && !embedded;
  return [
    alone ? warn('replica set', `${says}: three are needed to outlive the loss of one`) : ok('replica set', says),
  ];
}

const SLOW_MS = 250;

/** Writes and removes one document as every command is written. */
async function writeConcern(database: Db): Promise<Finding[]> {
  const admin = database.client.db('admin');
  const { config } = await admin.command({ replSetGetConfig: 1 }).catch(() => ({ config: undefined }));
  if (config?.writeConcernMajorityJournalDefault === false) {
    return [fail('write concern', 'writeConcernMajorityJournalDefault is off: what is acknowledged may get lost')];
  }
  const operations = database.collection<Document & { _id: string }>('operations');
  const _id = `doctor:${randomUUID()}`;
  const since = performance.now();
  await operations.insertOne({ _id });
  const took = Math.round(performance.now() - since);
  await operations.deleteOne({ _id });
  const says = `a majority has a write in its journal after ${took} ms`;
  return [took > SLOW_MS ? warn('write concern', `${says}: slow`) : ok('write concern', says)];
}

async function timeOfMongod(database: () => Promise<Db>): Promise<number> {
  const { localTime } = await (await database()).command({ hello: 1 });
  return localTime.getTime();
}

async function diskOfMongod(database: Db): Promise<Finding[]> {
  const { fsTotalSize, fsUsedSize } = await database.command({ dbStats: 1 });
  return [roomOf('disk of mongod', fsTotalSize - fsUsedSize, fsTotalSize)];
}

/** NATS: version, JetStream, how the streams are kept, its clock. */
export function busChecks({ layout }: Installation, connection: NatsConnection): Check[] {
  return [
    { name: 'nats-server', look: () => natsServer(connection) },
    { name: 'sync of nats-server', look: () => sync(layout.environment.NATS_URL ? undefined : layout.data) },
    ...publishers.map((service) => ({
      name: `stream of ${service}`,
      look: async () => [
        await stream(`stream of ${service}`, connection, streamOf(service), layout.environment.BANDENG_STREAM_REPLICAS),
      ],
    })),
    {
      name: 'clock of nats-server',
      look: async () => [await clock('clock of nats-server', () => timeOfNats(connection))],
    },
  ];
}

async function natsServer(connection: NatsConnection): Promise<Finding[]> {
  const version = connection.info?.version ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const manager = await jetstreamManager(connection);
  const { storage, limits } = await manager.getAccountInfo();
  const room = limits.max_storage > 0 ? ` of ${bytesOf(limits.max_storage)}` : '';
  const says = `version ${version}, JetStream holds ${bytesOf(storage)}${room}`;
  if (major < 2 || (major === 2 && minor < 12)) return [fail('nats-server', `${says}: 2.15 or newer is needed`)];
  if (major === 2 && minor < 15) {
    return [warn('nats-server', `${says}: before 2.15 a batch may hold duplicates, so events go out one by one`)];
  }
  const full = limits.max_storage > 0 && storage > limits.max_storage * 0.7;
  return [full ? warn('nats-server', `${says}: soon full`) : ok('nats-server', says)];
}

/** No client can ask for it; of the embedded server the configuration is at hand. */
async function sync(data: string | undefined): Promise<Finding[]> {
  const file = data === undefined ? undefined : join(data, 'nats/nats-server.conf');
  const configuration = file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
  if (configuration === undefined) {
    const why = 'its sync_interval cannot be read over a connection';
    return [note('sync of nats-server', `${why}: see that its configuration says 'always', or acks are not on disk`)];
  }
  return [
    /sync_interval: always/.test(configuration)
      ? ok('sync of nats-server', 'every acknowledged message is on disk')
      : fail('sync of nats-server', `${file} does not say sync_interval: always`),
  ];
}

const HALF_A_YEAR_NANOS = 180 * 86_400e9;

async function stream(
  check: string,
  connection: NatsConnection,
  name: string,
  replicas: string | undefined,
): Promise<Finding> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  let info: StreamInfo;
  try {
    info = await manager.streams.info(name);
  } catch (thrown) {
    const missing = thrown instanceof JetStreamApiError && thrown.code === JetStreamApiCodes.StreamNotFound;
    return fail(check, missing ? `${name} is missing: it is made when the service starts` : messageOf(thrown));
  }
  const { config, state, cluster } = info;
  const faults = [
    ...(config.storage === 'file' ? [] : ['is kept in memory']),
    ...(config.retention === 'limits' ? [] : [`has retention ${config.retention}`]),
    ...(config.discard === 'new' ? [] : ['throws away old messages when it is full']),
    ...(config.max_msgs > 0 ? [`keeps ${config.max_msgs} messages only`] : []),
    ...(config.max_age === 0 || config.max_age >= HALF_A_YEAR_NANOS ? [] : ['keeps messages less than 180 days']),
    ...(config.deny_delete && config.deny_purge ? [] : ['lets messages be deleted']),
    ...(config.allow_atomic ? [] : ['takes no atomic batches']),
    ...(cluster?.leader === undefined && cluster !== undefined ? ['has no leader'] : []),
    ...(cluster?.replicas ?? []).filter(({ current }) => !current).map((replica) => `${replica.name} is behind`),
  ];
  const says = `${name}: ${state.messages} messages, ${bytesOf(state.bytes)}, made ${new Date(info.created).toISOString()}`;
  if (faults.length > 0) return fail(check, `${says}; it ${faults.join(', ')}`);
  const kept = config.num_replicas;
  if (replicas !== undefined && replicas !== String(kept)) {
    return warn(check, `${says}: kept ${times(kept)}, not ${replicas} times as BANDENG_STREAM_REPLICAS says`);
  }
  if (cluster?.name !== undefined && kept < 3) {
    return warn(
      check,
      `${says}: kept ${times(kept)} in a cluster: BANDENG_STREAM_REPLICAS=3 outlives the loss of a server`,
    );
  }
  const full = config.max_bytes > 0 && state.bytes > config.max_bytes * 0.7;
  return full ? warn(check, `${says}: soon full (${bytesOf(config.max_bytes)})`) : ok(check, says);
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

async function timeOfNats(connection: NatsConnection): Promise<number> {
  const answer = await connection.request(`$JS.API.STREAM.INFO.${streamOf('orggraph')}`, '', { timeout: 2_000 });
  const { ts } = answer.json<{ ts?: string }>();
  if (ts === undefined) throw new Error('nats-server does not tell its time');
  return Date.parse(ts);
}

const SKEW_MS = 1_000;
const MUCH_SKEW_MS = 10_000;

/** How far a server's clock is from ours, as well as half a round trip can tell. */
async function clock(check: string, timeOf: () => Promise<number>): Promise<Finding> {
  await timeOf(); // the first answer may have waited for a connection
  const asked = Date.now();
  const theirs = await timeOf();
  const skew = Math.round(theirs - (asked + Date.now()) / 2);
  const says = `${Math.abs(skew)} ms ${skew < 0 ? 'behind' : 'ahead of'} ours`;
  if (Math.abs(skew) > MUCH_SKEW_MS) return fail(check, `${says}: tokens and deadlines go wrong`);
  return Math.abs(skew) > SKEW_MS ? warn(check, says) : ok(check, says);
}
