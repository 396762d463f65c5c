import { isRefused } from '@bandeng/decider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PublishedEntry } from '../src/index.ts';
import { context, type ErrandCommand, type House, house, opening, plainly } from './errands.ts';

let home: House;
let opened = 0;

beforeAll(async () => {
  home = await house();
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

/** At so many seconds past eight. */
const second = (seconds: number): string => new Date(Date.UTC(2026, 2, 1, 8, 0, seconds)).toISOString();

async function open(id: string, seconds: number, silent = false): Promise<void> {
  opened += 1;
  await home.errands.run(id, context({ at: second(seconds), silent }), opening(`P-${opened}`));
}

async function run(id: string, seconds: number, command: ErrandCommand, silent = false): Promise<void> {
  const outcome = await home.errands.run(id, context({ at: second(seconds), silent }), plainly(command));
  if (isRefused(outcome)) throw new Error(outcome.refused);
}

async function published(): Promise<PublishedEntry[]> {
  const found: PublishedEntry[] = [];
  for await (const batch of home.records.outbox.published()) found.push(...batch);
  return found;
}

const idsOf = (found: readonly PublishedEntry[]): string[] => found.map(({ entry }) => entry.id);

describe('what has gone over the bus', () => {
  it('comes by time, of each aggregate by seq, without what was silent and what still waits', async () => {
    await open('b', 1);
    await open('a', 2);
    await run('b', 3, { type: 'note', note: 'n' });
    // The clock of the process that wrote it was behind: it stays after b:2 all the same.
    await run('b', 0, { type: 'note', note: 'late clock' });
    await run('a', 4, { type: 'note', note: 'n' });
    await open('old', 1, true);
    await run('old', 2, { type: 'note', note: 'silent too' }, true);
    await run('old', 6, { type: 'note', note: 'loud' });
    await run('old', 7, { type: 'note', note: 'silent again' }, true);
    expect(await published()).toEqual([]);
    await home.tell();
    await run('a', 5, { type: 'note', note: 'waits' });
    const found = await published();
    expect(idsOf(found)).toEqual(['b:1', 'a:1', 'b:2', 'b:3', 'a:2', 'old:3']);
    const document = found.find(({ entry }) => entry.id === 'b:1')?.document;
    expect(document).toMatchObject({ collection: 'errands', state: { notes: ['n', 'late clock'] } });
    expect([1, 2, 3, 4].map((seq) => document?.entry(seq)?.seq)).toEqual([1, 2, 3, undefined]);
    await home.tell([{ collection: 'errands', id: 'b', seq: 2, since: new Date() }]);
    expect(idsOf(await published())).toEqual(['b:1', 'a:1', 'a:2', 'a:3', 'old:3']);
    expect(await home.records.outbox.backlog()).toMatchObject({ documents: 1 });
    await home.tell();
  });

  it('has what moved out once, also when the move broke off', async () => {
    await open('long', 10);
    for (let index = 0; index < 99; index += 1) await run('long', 10, { type: 'note', note: 'n' });
    await home.tell();
    await run('long', 11, { type: 'note', note: 'moves' });
    await home.tell();
    expect(await home.errands.collection.findOne({ _id: 'long' })).toMatchObject({ historyFrom: 82 });
    const moved = home.database.collection<{ _id: string; seq: number; aggregate: string }>('errands_history');
    const stayed = await home.errands.collection.findOne({ _id: 'long' }, { projection: { history: { $slice: 1 } } });
    const { id, ...entry } = stayed?.history[0] ?? {};
    await moved.insertOne({ ...entry, _id: String(id), seq: 82, aggregate: 'long' });
    const found = (await published()).filter(({ document }) => document.id === 'long');
    expect(found.map(({ entry: { seq } }) => seq)).toEqual(Array.from({ length: 101 }, (_, index) => index + 1));
    expect([1, 81, 82, 101, 102].map((seq) => found[0]?.document.entry(seq)?.seq)).toEqual([1, 81, 82, 101, undefined]);
  });

  it('can be sampled, as each kind can be audited', async () => {
    const sample = await home.records.outbox.samplePublished(100);
    expect(idsOf(sample).sort()).toEqual(idsOf(await published()).sort());
    expect((await home.records.outbox.samplePublished(1)).length).toBeGreaterThan(0);
    expect(await home.records.audit()).toEqual(new Map([['errands', { documents: 4, faultCount: 0, faults: [] }]]));
    expect((await home.records.audit({ sample: 2 })).get('errands')?.documents).toBe(2);
  });
});
