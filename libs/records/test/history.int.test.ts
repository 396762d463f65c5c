import { isRefused } from '@bandeng/decider';
import fc from 'fast-check';
import { Collection } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { audit, progressOf } from '../src/index.ts';
import { at, context, type ErrandCommand, type Errands, type House, house, opening, plainly } from './errands.ts';

let home: House;
let errands: Errands;

beforeAll(async () => {
  home = await house();
  errands = home.errands;
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

async function note(id: string, times: number, text = 'n'): Promise<void> {
  for (let index = 0; index < times; index += 1) {
    const outcome = await errands.run(id, context(), plainly({ type: 'note', note: text }));
    if (isRefused(outcome)) throw new Error(outcome.refused);
  }
}

describe('a long history', () => {
  it('moves out but for the last 20, once it is on the bus, and nothing is forgotten', async () => {
    const first = context({ request: 'r1' });
    await errands.run('long', first, opening('L-1'));
    const early = context({ request: 'r2' });
    await errands.run('long', early, plainly({ type: 'note', note: 'early' }));
    await note('long', 98);
    await home.tell();
    expect(await errands.collection.findOne({ _id: 'long' })).not.toHaveProperty('historyFrom');
    await note('long', 1);
    expect(await errands.collection.findOne({ _id: 'long' })).toMatchObject({ version: 101, historyFrom: 82 });
    expect((await errands.read('long'))?.history.map((entry) => entry.seq)).toStrictEqual(
      Array.from({ length: 20 }, (_, index) => 82 + index),
    );
    const history = await errands.history('long');
    expect(history.map((entry) => entry.seq)).toStrictEqual(Array.from({ length: 101 }, (_, index) => 1 + index));
    expect(history[0]).toMatchObject({ id: 'long:1', at, command: first.id, request: 'r1', type: 'opened' });

    const again = await errands.run('long', early, plainly({ type: 'note', note: 'early' }));
    expect(again).toMatchObject({ replayed: true, stored: { version: 101 } });
    const other = await errands.run('long', { ...first, request: 'r3' }, opening('L-2'));
    expect(other).toStrictEqual({ refused: 'key-reused' });
    expect(await audit(errands)).toMatchObject({ faultCount: 0 });
  });

  it('keeps what the relay still needs in the document', async () => {
    await errands.run('queued', context(), opening('Q-1'));
    await note('queued', 10);
    await home.tell();
    const { final = {} } = (await progressOf(home.database)) ?? {};
    await note('queued', 100);
    const document = await errands.collection.findOne({ _id: 'queued' });
    expect(document).toMatchObject({ version: 111, historyFrom: 12 });
    expect(document?.history).toHaveLength(100);
    const following = home.records.outbox.follow({});
    for await (const _ of following.news(100));
    const [waiting] = await following.again('errands', ['queued', 'nobody']);
    await following.close();
    expect(waiting?.firstAfter(final)).toBe(12);
    expect([11, 12, 111, 112].map((seq) => waiting?.entry(seq)?.seq)).toStrictEqual([undefined, 12, 111, undefined]);
  });

  it('moves out by weight too', async () => {
    await errands.run('heavy', context(), opening('H-1'));
    for (let index = 0; index < 48; index += 1) {
      await note('heavy', 1, 'x'.repeat(10_000));
      await home.tell();
    }
    const document = await errands.collection.findOne({ _id: 'heavy' });
    expect(document?.historyFrom).toBeGreaterThan(1);
    expect(document?.history.length).toBeLessThan(40);
    expect(await errands.history('heavy')).toHaveLength(49);
  });

  it('moves out later when the database was away at the first time', async () => {
    await using away = await house();
    const make = async (times: number) => {
      for (let index = 0; index < times; index += 1) {
        await away.errands.run('late', context(), plainly({ type: 'note', note: 'n' }));
      }
    };
    await away.errands.run('late', context(), opening('late-1'));
    await make(99);
    await away.tell();
    const refusing = vi.spyOn(Collection.prototype, 'createIndexes').mockRejectedValueOnce(new Error('it is away'));
    await make(1);
    expect(refusing).toHaveBeenCalledTimes(1);
    refusing.mockRestore();
    expect(await away.errands.collection.findOne({ _id: 'late' })).not.toHaveProperty('historyFrom');
    await make(1);
    expect(await away.errands.collection.findOne({ _id: 'late' })).toMatchObject({ version: 102, historyFrom: 83 });
  });

  it('that broke off between inserting and pulling is moved whole by the next command', async () => {
    await errands.run('broken', context(), opening('B-1'));
    await note('broken', 99);
    await home.tell();
    await note('broken', 1);
    // As if the pull had not happened: the moved entries are back in the document too.
    const moved = (await errands.history('broken')).slice(0, 81);
    const back = moved.map((entry) => ({ ...entry, at: new Date(entry.at) }));
    await errands.collection.updateOne({ _id: 'broken' }, [
      { $set: { history: { $concatArrays: [{ $literal: back }, '$history'] } } },
      { $unset: 'historyFrom' },
    ]);
    expect(await errands.history('broken')).toHaveLength(101);
    await note('broken', 1);
    const history = await errands.history('broken');
    expect(history.map((entry) => entry.seq)).toStrictEqual(Array.from({ length: 102 }, (_, index) => 1 + index));
    expect((await errands.read('broken'))?.history.length).toBeLessThan(30);
  });
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('2026-05-01T00:00:00.000Z', '2026-05-01', '$set', ''),
);
const instant = fc.constantFrom('2026-05-01T00:00:00.000Z', '2026-06-01T12:34:56.789Z');
const command: fc.Arbitrary<ErrandCommand> = fc.oneof(
  text.map((note): ErrandCommand => ({ type: 'note', note })),
  fc.option(text, { nil: undefined }).map((remark): ErrandCommand => ({ type: 'remark', remark })),
  instant.map((until): ErrandCommand => ({ type: 'lapse', until })),
  fc.constant<ErrandCommand>({ type: 'lapse' }),
  fc.constant<ErrandCommand>({ type: 'finish' }),
);

describe('the state', () => {
  it('is the fold of the history, and what was answered is what is stored, whatever is commanded', async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 12 }), async (commands) => {
        count += 1;
        const id = `any${count}`;
        await errands.run(id, context({ expectNew: true }), opening(`ANY-${count}`));
        for (const one of commands) {
          const outcome = await errands.run(id, context(), plainly(one));
          if (!isRefused(outcome)) expect(await errands.read(id)).toStrictEqual(outcome.stored);
        }
      }),
      { numRuns: 40 },
    );
    expect(await audit(errands)).toMatchObject({ faultCount: 0 });
  });

  it('that contradicts its history is found', async () => {
    await errands.run('tampered', context(), opening('X-1'));
    await errands.collection.updateOne({ _id: 'tampered' }, { $set: { status: 'done' } });
    await errands.run('stranded', context(), opening('X-2'));
    await errands.collection.updateOne({ _id: 'stranded' }, { $unset: { written: '' }, $set: { version: 2 } });
    const { faults } = await audit(errands);
    expect(faults).toStrictEqual([
      { collection: 'errands', id: 'tampered', fault: 'state-is-not-fold-of-history', detail: 'status' },
      { collection: 'errands', id: 'stranded', fault: 'version-is-not-last-seq', detail: '2, 1' },
      { collection: 'errands', id: 'stranded', fault: 'not-for-the-bus', detail: '1' },
    ]);
  });
});
