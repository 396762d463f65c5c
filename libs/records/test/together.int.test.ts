import { isRefused } from '@bandeng/decider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { context, type House, house, opening, plainly } from './errands.ts';

let home: House;

beforeAll(async () => {
  home = await house();
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

/** The same documents, as another process knows them. */
const others = () => home.database.collection<{ _id: string; version: number; history: object[] }>('errands');

async function openMany(prefix: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, number) => `${prefix}${number}`);
  const outcomes = await Promise.all(ids.map((id) => home.errands.run(id, context(), opening(id))));
  expect(outcomes.filter(isRefused)).toEqual([]);
  return ids;
}

describe('commands at the same time', () => {
  it('are each written', async () => {
    const ids = await openMany('many', 80);
    await Promise.all(ids.map((id) => home.errands.run(id, context(), plainly({ type: 'note', note: 'n' }))));
    const stored = await home.errands.collection.find({ _id: { $in: ids } }).toArray();
    expect(stored.map(({ version }) => version)).toEqual(ids.map(() => 2));
    expect(stored.map(({ history }) => history.length)).toEqual(ids.map(() => 2));
  });

  it('are refused each for itself when one meets a duplicate', async () => {
    const outcomes = await Promise.all(
      ['taken', 'free', 'taken', 'other'].map((number, index) =>
        home.errands.run(`dup${index}`, context({ expectNew: true }), opening(number)),
      ),
    );
    expect(outcomes.map((outcome) => (isRefused(outcome) ? outcome.refused : outcome.stored.version))).toEqual([
      1,
      1,
      'number-taken',
      1,
    ]);
  });

  it('hold or are tried again each for itself when somebody else was faster with some of them', async () => {
    const ids = await openMany('race', 20);
    const outcomes = await Promise.all(
      ids.map((id, index) => {
        let tries = 0;
        return home.errands.run(id, context({ id: `mine:${id}` }), async () => {
          tries += 1;
          // Another process is faster with every third of them.
          if (index % 3 === 0 && tries === 1) {
            const stranger = { seq: 2, id: `${id}:2`, at: new Date(), actor: {}, command: `theirs:${id}`, data: {} };
            await others().updateOne(
              { _id: id },
              { $inc: { version: 1 }, $push: { history: { ...stranger, type: 'noted' } } },
            );
          }
          return { command: { type: 'note' as const, note: 'mine' } };
        });
      }),
    );
    for (const [index, outcome] of outcomes.entries()) {
      expect(outcome).toMatchObject({ replayed: false, stored: { version: index % 3 === 0 ? 3 : 2 } });
    }
    const stored = await home.errands.collection.find({ _id: { $in: ids } }).toArray();
    for (const { _id, history } of stored) {
      expect(history.filter(({ command }) => command === `mine:${_id}`)).toHaveLength(1);
    }
    await home.errands.collection.deleteMany({ _id: { $in: ids } });
  });

  it('of which each comes twice have each one effect and one repeat', async () => {
    const ids = await openMany('twice', 60);
    const note = (id: string) =>
      home.errands.run(id, context({ id: `note:${id}` }), plainly({ type: 'note', note: 'n' }));
    const outcomes = await Promise.all([...ids, ...ids].map(note));
    expect(outcomes.filter((outcome) => !isRefused(outcome) && outcome.replayed)).toHaveLength(60);
    const stored = await home.errands.collection.find({ _id: { $in: ids } }).toArray();
    expect(stored.map(({ version }) => version)).toEqual(ids.map(() => 2));
  });
});
