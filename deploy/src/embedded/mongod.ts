import { mkdir, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { MongoClient } from 'mongodb';
import { type Child, startChild, untilReady } from './child.ts';
import { locate } from './parts.ts';
import { portAnswers, rememberedPort } from './ports.ts';

/** A server of ours that is ready for its clients. */
export interface RunningMongod {
  /** With `replicaSet`: transactions and change streams work. */
  readonly uri: string;
  readonly pid: number;
  readonly port: number;
  readonly child: Child;
  /** SIGTERM and wait. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): void;
}

export interface MongodOptions {
  /** Holds the database, the log and the remembered port; made when it is not there. */
  dataDirectory: string;
  port?: number;
  /** Log file; `mongod.log` in the data directory by default. */
  log?: string;
  /** WiredTiger's cache in gigabytes, at least 0.25, which it is by default. */
  cacheGigabytes?: number;
  whenOrphaned?: 'SIGTERM' | 'SIGKILL';
  /** One of several, ready as soon as it answers: whoever starts them all initiates the set. */
  member?: boolean;
}

export const REPLICA_SET = 'bandeng';

/**
 * How much of the cache, in per cent, may wait for a checkpoint. WiredTiger begins to write pages at a twentieth, which in a cache of gigabytes is
 * never reached between two of them; in a small one the pages of the search, to which each ticket adds, are written again and again.
 */
const unwritten =
  'eviction_dirty_target=30,eviction_dirty_trigger=60,eviction_updates_target=30,eviction_updates_trigger=60';

/** The cache of a city's own mongod, in gigabytes: a twentieth of the machine's memory, for all the rest runs on it too. */
export function cityCache(): number {
  return Math.max(0.25, Math.floor(totalmem() / 20 / 2 ** 20) / 1_024);
}

/**
 * Starts mongod on 127.0.0.1 as a replica set of one and waits until it takes writes. Without `port` it keeps the port
 * of its last start when that is still free; a `member` of a larger set does not wait for its election. Throws `Mendable`.
 */
export async function startMongod(options: MongodOptions): Promise<RunningMongod> {
  const executable = await locate('mongod');
  const data = join(options.dataDirectory, 'db');
  await mkdir(data, { recursive: true });
  const log = options.log ?? join(options.dataDirectory, 'mongod.log');
  const port = options.port ?? (await rememberedPort(options.dataDirectory));
  const child = startChild({
    command: executable,
    arguments: [
      ...['--dbpath', data, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket'],
      ...['--replSet', REPLICA_SET, '--oplogSize', '990'],
      ...['--wiredTigerCacheSizeGB', String(options.cacheGigabytes ?? 0.25)],
      ...['--wiredTigerEngineConfigString', unwritten],
      ...['--setParameter', 'diagnosticDataCollectionEnabled=false', '--quiet'],
    ],
    log,
    whenOrphaned: options.whenOrphaned ?? 'SIGKILL',
  });
  await untilReady('mongod', child, log, () => (options.member === true ? portAnswers(port) : takesWrites(port)));
  await writeFile(join(options.dataDirectory, 'port'), String(port));
  return {
    uri: `mongodb://127.0.0.1:${port}/?replicaSet=${REPLICA_SET}`,
    pid: child.pid,
    port,
    child,
    stop: () => child.stop(),
    kill: () => child.kill(),
  };
}

/** One step towards a writable primary: initiates the set when it is new, renames its member when the port changed. */
async function takesWrites(port: number): Promise<boolean> {
  if (!(await portAnswers(port))) return false; // cheaper than a driver that waits for its server
  const { MongoClient } = await import('mongodb'); // most who start a mongod live longer than they need the driver
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 1000,
  });
  try {
    const admin = client.db('admin');
    const hello = await admin.command({ hello: 1 });
    const host = `127.0.0.1:${port}`;
    if (hello.isWritablePrimary === true && hello.me === host) return true;
    if (hello.isreplicaset === true) {
      await initiate(admin, host);
    }
    return false;
  } finally {
    await client.close();
  }
}

async function initiate(admin: ReturnType<MongoClient['db']>, host: string): Promise<void> {
  const members = [{ _id: 0, host }];
  const settings = { electionTimeoutMillis: 1000, heartbeatIntervalMillis: 500 };
  try {
    await admin.command({ replSetInitiate: { _id: REPLICA_SET, members, settings } });
  } catch {
    // Initiated before under another port: the member no longer finds itself in its own configuration.
    const { config } = await admin.command({ replSetGetConfig: 1 });
    if (config?.members?.[0]?.host === host) return;
    await admin.command({ replSetReconfig: { ...config, version: config.version + 1, members }, force: true });
  }
}
