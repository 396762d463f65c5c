import { Posting } from '@bandeng/contracts/orggraph';
import { connectMongo, type Db, type MongoClient } from '@bandeng/records';
import { type Parts, parts } from '@bandeng/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Graph } from '../src/graph.ts';
import { openStore } from '../src/store.ts';

let shared: Parts;
let mongo: MongoClient;
let database: Db;

beforeAll(async () => {
  shared = await parts();
  mongo = await connectMongo(shared.mongodbUri);
  database = mongo.db(`${shared.databasePrefix}_anyone`);
});
afterAll(async () => {
  await mongo?.close();
  await shared?.dispose();
});

const at = new Date('2026-05-01T00:00:00.000Z');
const posting = (id: string, version: number, validUntil?: Date) =>
  Posting.fromPartial({
    id,
    version,
    person: `person of ${id}`,
    role: 'MEMBER',
    territory: '459902001001',
    validFrom: new Date('2026-01-01T00:00:00.000Z'),
    ...(validUntil === undefined ? {} : { validUntil }),
  });

test('an older version that another process keeps late does not overwrite a newer one', async () => {
  const store = openStore(database);
  await store.keep(new Graph().take({ postings: [posting('p', 2, at), posting('q', 1)] }));
  await store.keep(new Graph().take({ postings: [posting('p', 1), posting('r', 1)] }));
  const graph = new Graph();
  expect(await store.load(graph)).toBeUndefined();
  expect(graph.size().postings).toBe(3);
  expect(graph.postingsOf('person of p', at)).toEqual([]);
  expect(graph.postingsOf('person of q', at)).toEqual([{ id: 'q', role: 'member', territory: '459902001001' }]);
});

test('what is kept furthest counts, whichever process says so last', async () => {
  const store = openStore(database);
  await store.keptUntil(at);
  await store.keptUntil(new Date(at.getTime() - 60_000));
  expect(await store.load(new Graph())).toEqual(at);
});

test('a city of 12,000 postings is kept and loaded in seconds, and answers in microseconds', async () => {
  const many = Array.from({ length: 12_000 }, (_, n) => posting(`m${n}`, 1));
  const store = openStore(database);
  let begin = performance.now();
  const took = (): string => {
    const text = `${(performance.now() - begin).toFixed(0)} ms`;
    begin = performance.now();
    return text;
  };
  await store.keep(new Graph().take({ postings: many }));
  const keeping = took();
  const graph = new Graph();
  await store.load(graph);
  const loading = took();
  for (let n = 0; n < 100_000; n++) graph.postingsOf(`person of m${n % 12_000}`, at);
  const asking = performance.now() - begin;
  process.stdout.write(
    `directory: kept in ${keeping}, loaded in ${loading}, ${(asking / 100).toFixed(2)} µs a question\n`,
  );
  expect(graph.size().postings).toBeGreaterThanOrEqual(12_000);
});
