import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorsIndex, authorsOf, erasedWords, type Words, writtenBy } from '../src/index.ts';
import { at, context, type Errands, errandDefinition, type House, house, plainly } from './errands.ts';

let home: House;
let letters: Errands;

beforeAll(async () => {
  home = await house();
  letters = await home.records.define({
    ...errandDefinition,
    name: 'letters',
    search: (_, words) => ({ by: authorsOf(words) }),
    indexes: [authorsIndex],
    refusals: {},
  });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

const said: Words = {
  text: { by: 'mei', text: '灯坏了' },
  'note-2': { by: 'wang', text: '明天来' },
  'note-3': { by: 'mei', text: '好的' },
};

describe('words of a person', () => {
  it('are found by who wrote them, by an index', async () => {
    for (const [id, words] of [
      ['one', said],
      ['two', { text: { by: 'wang', text: '别的' } }],
    ] as const) {
      await letters.run(id, context(), plainly({ type: 'open', number: id, place: '459902001001', at }, words));
    }
    expect(await writtenBy(letters, 'mei')).toEqual(['one']);
    expect(await writtenBy(letters, 'wang')).toEqual(['one', 'two']);
    const plan = await letters.collection.find({ 'search.by': 'mei' }).explain('queryPlanner');
    expect(JSON.stringify(plan.queryPlanner.winningPlan)).toContain('"indexName":"written-by"');
  });

  it('are marked when they are erased, and found no more; those of others stay', async () => {
    await letters.run('one', context(), (current) => ({
      command: { type: 'note', note: 'erased' },
      words: erasedWords(current?.words ?? {}, 'mei'),
    }));
    const gone = { by: 'mei', text: '', erased: true };
    expect((await letters.read('one'))?.words).toEqual({ text: gone, 'note-2': said['note-2'], 'note-3': gone });
    expect(await writtenBy(letters, 'mei')).toEqual([]);
    expect(await writtenBy(letters, 'wang')).toEqual(['one', 'two']);
  });

  it('are erased once', async () => {
    expect(erasedWords((await letters.read('one'))?.words ?? {}, 'mei')).toEqual({});
  });
});
