import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunningMongod, type RunningNatsServer, startMongod, startNatsServer } from '@bandeng/deploy';
import { JetStreamApiCodes, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { MongoClient } from 'mongodb';

/** What one test gets of a pair: nobody else uses this account, this prefix or this directory meanwhile. */
export interface Share {
  mongodbUri: string;
  natsUrl: string;
  databasePrefix: string;
  directory: string;
}

/** One mongod and one nats-server with accounts, of which shares are given to tests. */
export interface Pair {
  lend(): Promise<Share>;
  /** Drops the share's databases, streams and directory, then its account can be lent again. */
  takeBack(share: Share): Promise<void>;
  close(): Promise<void>;
}

const accounts: readonly string[] = Array.from({ length: 64 }, (_, index) => `t${index + 1}`);

/** Starts a pair whose data lies in the directory. */
export async function startPair(directory: string): Promise<Pair> {
  await mkdir(directory, { recursive: true });
  const [mongod, nats] = await Promise.all([
    startMongod({ dataDirectory: join(directory, 'mongod') }),
    startNatsServer({ storeDirectory: join(directory, 'nats'), accounts }),
  ]);
  const client = new MongoClient(mongod.uri);
  const free = [...accounts];
  let lent = 0;
  return {
    async lend() {
      const account = free.shift();
      if (!account) throw new Error(`all ${accounts.length} accounts are lent: a test forgets to dispose of its parts`);
      const databasePrefix = `${account}x${++lent}`;
      const share = join(directory, databasePrefix);
      await mkdir(share);
      return { mongodbUri: mongod.uri, natsUrl: nats.accountUrl(account), databasePrefix, directory: share };
    },
    async takeBack(share) {
      await Promise.all([
        dropDatabases(client, share.databasePrefix),
        deleteStreams(share.natsUrl),
        rm(share.directory, { recursive: true, force: true, maxRetries: 3 }),
      ]);
      free.push(new URL(share.natsUrl).username);
    },
    async close() {
      await client.close();
      await endBoth(mongod, nats);
    },
  };
}

// The data goes with the directory: there is nothing that an orderly end would save.
async function endBoth(mongod: RunningMongod, nats: RunningNatsServer): Promise<void> {
  mongod.kill();
  nats.kill();
  await Promise.all([mongod.child.ended, nats.child.ended]);
}

async function dropDatabases(client: MongoClient, prefix: string): Promise<void> {
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  const own = databases.filter(({ name }) => name.startsWith(`${prefix}_`));
  await Promise.all(own.map(({ name }) => client.db(name).dropDatabase()));
}

async function deleteStreams(url: string): Promise<void> {
  const { host, username, password } = new URL(url); // the client takes no user from the address
  const connection = await connect({ servers: host, user: username, pass: password, noAsyncTraces: true });
  try {
    const manager = await jetstreamManager(connection);
    for await (const name of manager.streams.names()) await manager.streams.delete(name).catch(unlessMissing);
  } finally {
    await connection.close();
  }
}

function unlessMissing(thrown: unknown): boolean {
  if (thrown instanceof JetStreamApiError && thrown.code === JetStreamApiCodes.StreamNotFound) return false;
  throw thrown;
}
