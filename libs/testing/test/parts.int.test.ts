import { existsSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { MongoClient } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { killableParts, parts } from '../src/index.ts';

const connectTo = (url: string): Promise<NatsConnection> => {
  const { host, username, password } = new URL(url);
  return connect({ servers: host, user: username, pass: password });
};

const streamNames = async (url: string): Promise<string[]> => {
  const connection = await connectTo(url);
  try {
    const names: string[] = [];
    for await (const name of (await jetstreamManager(connection)).streams.names()) names.push(name);
    return names;
  } finally {
    await connection.close();
  }
};

const addStream = async (url: string): Promise<void> => {
  const connection = await connectTo(url);
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'EV_TRY', subjects: ['ev.try.>'], allow_atomic: true, max_bytes: 10_000_000_000 });
  await jetstream(connection).publish('ev.try.made', 'x');
  await connection.close();
};

describe('the parts of a test', () => {
  it('are real servers: a transaction commits and a stream keeps a message', async () => {
    await using own = await parts();
    const client = new MongoClient(own.mongodbUri);
    const things = client.db(`${own.databasePrefix}_try`).collection('things');
    await client.withSession((session) => session.withTransaction(() => things.insertOne({ a: 1 }, { session })));
    expect(await things.countDocuments()).toBe(1);
    await client.close();
    await addStream(own.natsUrl);
    expect(await streamNames(own.natsUrl)).toEqual(['EV_TRY']);
  });

  it('are seen by nobody else at the same time', async () => {
    await using mine = await parts();
    await using yours = await parts();
    await addStream(mine.natsUrl);
    expect(await streamNames(yours.natsUrl)).toEqual([]);
    expect(mine.databasePrefix).not.toBe(yours.databasePrefix);
    expect(mine.environment.BANDENG_RUN).not.toBe(yours.environment.BANDENG_RUN);
  });

  it('leave nothing behind after dispose', async () => {
    const own = await parts();
    const client = new MongoClient(own.mongodbUri);
    await client.db(`${own.databasePrefix}_try`).collection('things').insertOne({ a: 1 });
    await addStream(own.natsUrl);
    await own.dispose();
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
    expect(databases.filter(({ name }) => name.startsWith(own.databasePrefix))).toEqual([]);
    await client.close();
    expect(await streamNames(own.natsUrl)).toEqual([]);
    expect(existsSync(own.directory)).toBe(false);
  });

  it('can be lent more often than there are accounts', async () => {
    for (let times = 0; times < 70; times++) await (await parts()).dispose();
  });
});

describe('killable parts', () => {
  it('come back under their address with what was acknowledged', async () => {
    await using own = await killableParts();
    const client = new MongoClient(own.mongodbUri, { writeConcern: { w: 'majority', journal: true } });
    const things = client.db('bandeng_try').collection('things');
    await things.insertOne({ a: 1 });
    await addStream(own.natsUrl);
    await Promise.all([own.mongod.kill(), own.natsServer.kill()]);
    await Promise.all([own.mongod.start(), own.natsServer.start()]);
    expect(await things.countDocuments()).toBe(1);
    expect(await streamNames(own.natsUrl)).toEqual(['EV_TRY']);
    await client.close();
  });
});
