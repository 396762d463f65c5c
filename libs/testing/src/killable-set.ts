import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, REPLICA_SET, startMongod, startNatsServer } from '@bandeng/deploy';
import { type Db, MongoClient } from 'mongodb';
import { eventually } from './eventually.ts';
import { type Killable, killable } from './killable.ts';
import { type Parts, partsOf } from './parts.ts';

/** A test's own MongoDB set and nats-server, ended by `dispose`. */
export interface KillableSet extends Parts {
  /** The three members. */
  readonly mongods: readonly Killable[];
  readonly natsServer: Killable;
  /** Waits until one of the members that answer is primary, and answers which. */
  primary(): Promise<Killable>;
}

/** Like `killableParts()`, with a MongoDB set of three, of which one may be away. */
export async function killableSet(): Promise<KillableSet> {
  const directory = await mkdtemp(join(tmpdir(), `bandeng-test-${process.pid}-`));
  const storeDirectory = join(directory, 'nats');
  const nats = await startNatsServer({ storeDirectory });
  const natsServer = killable(nats, () => startNatsServer({ storeDirectory, port: nats.port }));
  const members = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      const options = { dataDirectory: join(directory, `mongod-${name}`), member: true };
      const first = await startMongod({ ...options, port: await freePort() });
      return { port: first.port, mongod: killable(first, () => startMongod({ ...options, port: first.port })) };
    }),
  );
  await initiate(members.map(({ port }) => port));
  const primary = (): Promise<Killable> =>
    eventually(
      async () => {
        const told = await Promise.all(members.map(({ port }) => isPrimary(port).catch(() => false)));
        const found = members[told.indexOf(true)];
        if (found === undefined) throw new Error('no member of the set is primary');
        return found.mongod;
      },
      { within: 30_000 },
    );
  await primary();
  const hosts = members.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const mongodbUri = `mongodb://${hosts}/?replicaSet=${REPLICA_SET}`;
  const share = { mongodbUri, natsUrl: nats.url, databasePrefix: 'bandeng', directory };
  const parts = await partsOf(share, async () => {
    await Promise.all([natsServer.kill(), ...members.map(({ mongod }) => mongod.kill())]);
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  });
  return { ...parts, mongods: members.map(({ mongod }) => mongod), natsServer, primary };
}

/** Elections as quick as those of a set on one machine may be. */
const settings = { electionTimeoutMillis: 2_000, heartbeatIntervalMillis: 500 };

async function initiate(ports: readonly number[]): Promise<void> {
  const members = ports.map((port, _id) => ({ _id, host: `127.0.0.1:${port}` }));
  await asked(ports[0], (admin) => admin.command({ replSetInitiate: { _id: REPLICA_SET, members, settings } }));
}

async function isPrimary(port: number): Promise<boolean> {
  return asked(port, async (admin) => (await admin.command({ hello: 1 })).isWritablePrimary === true);
}

async function asked<Answer>(port: number | undefined, ask: (admin: Db) => Promise<Answer>): Promise<Answer> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 1_000,
    socketTimeoutMS: 2_000,
  });
  try {
    return await ask(client.db('admin'));
  } finally {
    await client.close();
  }
}
