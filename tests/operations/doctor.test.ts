import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { openDeadLetters } from '@bandeng/events';
import { connectMongo, type MongoClient } from '@bandeng/records';
import { eventually } from '@bandeng/testing';
import { type Town, town } from '@bandeng/testing/town';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bandeng } from './bandeng.ts';

let city: Town;
let mongo: MongoClient;
beforeAll(async () => {
  city = await town();
  mongo = await connectMongo(city.parts.mongodbUri);
});
afterAll(async () => {
  await mongo?.close();
  await city?.stop();
});

interface Finding {
  readonly check: string;
  readonly verdict: string;
  readonly says: string;
}

const call = (...args: string[]) =>
  bandeng({ ...city.parts.environment, BANDENG_URL: city.address }, 'doctor', ...args);
const database = (service: string) => mongo.db(`${city.parts.databasePrefix}_${service}`);
const broken = (findings: readonly Finding[]) => findings.filter(({ verdict }) => verdict === 'FAIL');

test('finds nothing broken in a town that runs', async () => {
  const { code, said } = await call();
  expect(said).toMatch(/nothing is broken\n$/);
  expect(code).toBe(0);
  const lines = said.trim().split('\n');
  const has = (start: RegExp): void => expect(lines.some((line) => start.test(line))).toBe(true);
  has(/^ok +versions +Bandeng \d.* Node 24/);
  has(/^ok +gateway .* is ready$/);
  has(/^note +e-mail +off: BANDENG_SMTP_URL is not set/);
  has(/^ok +replica set +bandeng, 1 members|^warn +replica set/);
  has(/^(ok|warn) +write concern +a majority has a write in its journal after \d+ ms/);
  has(/^note +sync of nats-server .*cannot be read/);
  has(/^ok +clock of mongod +\d+ ms/);
  has(/^ok +clock of nats-server +\d+ ms/);
  has(/^ok +keys +\d+ in .*readable by their owner alone$/);
  for (const service of ['identity', 'notifications', 'orggraph', 'tickets']) {
    for (const check of ['dead letters', 'directory', 'histories']) has(new RegExp(`^ok +${check} of ${service} `));
  }
  for (const service of ['identity', 'orggraph', 'tickets']) {
    for (const check of ['stream', 'relay', 'events']) has(new RegExp(`^ok +${check} of ${service} `));
  }
  has(/histories of tickets +a sample of \d+ aggregates/);
  has(/events of tickets +a sample of \d+ public entries have one message each/);
}, 60_000);

test('names what is broken, each thing in a line, and answers 1', async () => {
  const tickets = database('tickets').collection<{ _id: string; number: string }>('tickets');
  const changed = await tickets.findOneAndUpdate({}, { $set: { number: 'by hand' } });
  await (await openDeadLetters(database('notifications'))).store({
    ...{ event: '/bandeng/tickets t:1', reaction: 'tell-concerned', reason: 'failed', problem: 'x', type: '' },
    ...{ aggregate: 't', stream: 'EV_TICKETS', sequence: 1, at: new Date().toISOString(), tries: 5, raw: '' },
  });
  const key = join(city.parts.directory, 'data/keys/pages.key');
  await chmod(key, 0o644);
  await database('tickets').collection('directory').deleteMany({ of: 'posting' });
  // What changed in the last 15 s may still be on its way to a directory.
  await eventually(
    async () => {
      const young = { changedAt: { $gt: new Date(Date.now() - 15_000) } };
      expect(await database('orggraph').collection('postings').countDocuments(young)).toBe(0);
    },
    { within: 20_000, every: 1_000 },
  );
  const { code, json } = await call('--all', '--json');
  expect(code).toBe(1);
  const whole = json().find(({ check }: Finding) => check === 'events of tickets');
  expect(whole).toMatchObject({ verdict: 'ok', says: expect.stringMatching(/^all \d+ public entries/) });
  const found: Finding[] = broken(json());
  expect(found.map(({ check }) => check).toSorted()).toEqual([
    'dead letters of notifications',
    'directory of tickets',
    'histories of tickets',
    'keys',
  ]);
  const says = Object.fromEntries(found.map((finding) => [finding.check, finding.says]));
  expect(says.keys).toContain(`${key} has mode 644`);
  expect(says['histories of tickets']).toContain(`tickets/${changed?._id} state-is-not-fold-of-history (number)`);
  expect(says['dead letters of notifications']).toBe('1 are open: ./bandeng dead-letters list');
}, 60_000);

test('says what cannot be reached, and in time', async () => {
  const nowhere = { ...city.parts.environment, NATS_URL: 'nats://127.0.0.1:9', BANDENG_URL: 'http://127.0.0.1:9' };
  const { code, said } = await bandeng(nowhere, 'doctor');
  expect(code).toBe(1);
  expect(said).toMatch(/^FAIL +nats-server +it cannot be reached/m);
  expect(said).toMatch(/^note +gateway .*does not answer/m);
  expect(said).toMatch(/^FAIL +events of tickets +NATS is away$/m);
}, 60_000);
