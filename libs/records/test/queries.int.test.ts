import { randomUUID } from 'node:crypto';
import { wasteIn } from '@bandeng/testing/queries';
import { type Document, Timestamp } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { authorsIndex, sweepOf, writtenBy } from '../src/index.ts';
import { context, type Errands, type House, house, opening, plainly } from './errands.ts';

/** What records itself asks goes by an index, among many aggregates of which few wait for anything. */

const number = 5_000;
const now = new Date('2026-03-10T08:00:00.000Z');

let home: House;
let errands: Errands;

const numbered = (index: number): string => `N-${String(index).padStart(6, '0')}`;

beforeAll(async () => {
  home = await house();
  ({ errands } = home);
  await home.database.collection('errands').createIndexes([authorsIndex]);
  const entry = (id: string, seq: number): Document => ({
    seq,
    id: `${id}:${seq}`,
    at: now,
    actor: { person: 'p1' },
    command: `command-${seq}`,
    type: 'noted',
    data: { note: `note-${seq}` },
  });
  const documents = Array.from({ length: number }, (_, index) => {
    const _id = `errand-${index}`;
    return {
      _id,
      version: 30,
      written: new Timestamp({ t: 1_000 + index, i: 1 }),
      number: numbered(index),
      status: 'open',
      openedAt: now,
      place: '459902001001',
      notes: [],
      derived: ['territories'],
      territories: ['4599', '459902', '459902001001'],
      ...(index % 100 === 1 ? { due: now, nextDue: new Date(now.getTime() - index) } : {}),
      ...(index % 100 === 2 ? { due: now, nextDue: new Date(now.getTime() + index) } : {}),
      words: { note: { by: `person-${index % 50}`, text: 'a word' } },
      search: { by: [`person-${index % 50}`] },
      historyFrom: 11,
      history: Array.from({ length: 20 }, (_entry, seq) => entry(_id, seq + 11)),
    };
  });
  await home.database.collection('errands').insertMany(documents as never[]);
  const old = Array.from({ length: number }, (_, index) => {
    const { id: _id, ...rest } = entry(`errand-${Math.floor(index / 10)}`, (index % 10) + 1);
    return { ...rest, _id, aggregate: `errand-${Math.floor(index / 10)}` };
  });
  await home.database.collection('errands_history').insertMany(old as never[]);
  await home.database.collection('errands_history').createIndexes([
    { name: 'command', key: { aggregate: 1, command: 1, seq: 1 }, unique: true },
    { name: 'order', key: { aggregate: 1, seq: 1 } },
  ]);
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

it('commands, also one that happened before and whose entry has moved out', async () => {
  const waste = await wasteIn(home.database, async () => {
    await errands.run('fresh', context(), opening('N-fresh'));
    await errands.run('fresh', context(), plainly({ type: 'note', note: 'note' }));
    const again = await errands.run('errand-7', context({ id: 'command-3' }), plainly({ type: 'note', note: 'again' }));
    expect(again).toMatchObject({ replayed: true });
    expect(await errands.history('errand-7')).toHaveLength(30);
    expect(await writtenBy(errands, 'person-3')).toHaveLength(number / 50);
    await home.records.serials('errands').next();
    await errands.run('doubled', context(), opening('N-000001'));
  });
  expect(waste).toEqual([]);
});

it('the relay, of what was written since and of what turned up late', async () => {
  const { outbox } = home.records;
  const waste = await wasteIn(home.database, async () => {
    await home.tell();
    expect((await outbox.backlog()).documents).toBe(0);
    const following = outbox.follow<string>({ errands: new Timestamp({ t: 1_000 + number - 51, i: 1 }) });
    const found: string[] = [];
    for await (const documents of following.news(20)) found.push(...documents.map(({ id }) => id));
    expect(found.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, index) => `errand-${number - 50 + index}`));
    expect(await following.late()).toEqual([]);
    expect(await following.again('errands', ['errand-7', 'errand-8'])).toHaveLength(2);
    await following.close();
    const lease = outbox.lease(randomUUID());
    await lease.acquire();
    await lease.renew();
    await lease.release();
  });
  expect(waste).toEqual([]);
});

it('a sweep, of what is due and not of what is open', async () => {
  const sweep = sweepOf(errands, {
    actor: { system: 'system:records' },
    now: () => now,
    due: () => [{ deadline: 'handling', instant: now.toISOString(), prepare: plainly({ type: 'lapse' }) }],
  });
  const waste = await wasteIn(home.database, async () => {
    expect(await sweep.run(new AbortController().signal)).toBe(number / 100);
  });
  expect(waste).toEqual([]);
});
