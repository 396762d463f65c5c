import { isRefused, refuse } from '@bandeng/decider';
import { Timestamp } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, derivedId, type Words } from '../src/index.ts';
import {
  context,
  type ErrandCommand,
  type Errands,
  errandDefinition,
  type House,
  house,
  opening,
  plainly,
} from './errands.ts';

let home: House;
let errands: Errands;
let count = 0;

beforeAll(async () => {
  home = await house();
  errands = home.errands;
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

/** A new errand; its id. */
async function opened(): Promise<string> {
  count += 1;
  const id = `e${count}`;
  const outcome = await errands.run(id, context(), opening(`N-${count}`));
  if (isRefused(outcome)) throw new Error(outcome.refused);
  return id;
}

async function stored(id: string) {
  const found = await errands.read(id);
  if (found === undefined) throw new Error(`${id} is not stored`);
  return found;
}

describe('a command', () => {
  it('stores state, entry, queue place and derived fields in one document', async () => {
    const more = context({ request: 'open', trace: '00-1-2-01' });
    const due = '2026-03-02T08:00:00.000Z';
    const outcome = await errands.run('whole', more, () => ({
      command: { type: 'open', number: 'W-1', place: '459902001001', at: more.at, due },
      words: { text: { by: 'p1', text: '灯坏了 2026-03-02T08:00:00.000Z' }, stamp: { by: 'p1', text: due } },
    }));
    const document = await errands.collection.findOne({ _id: 'whole' });
    expect(document).toStrictEqual({
      _id: 'whole',
      version: 1,
      written: expect.any(Timestamp),
      number: 'W-1',
      place: '459902001001',
      due: new Date(due),
      status: 'open',
      openedAt: new Date(more.at),
      notes: [],
      territories: ['4599', '459902', '459902001001'],
      derived: ['territories'],
      nextDue: new Date(due),
      words: { text: { by: 'p1', text: '灯坏了 2026-03-02T08:00:00.000Z' }, stamp: { by: 'p1', text: due } },
      history: [
        {
          seq: 1,
          id: 'whole:1',
          at: new Date(more.at),
          actor: { person: 'p1', posting: 'k1' },
          command: more.id,
          request: more.request,
          trace: '00-1-2-01',
          type: 'opened',
          data: { number: 'W-1', place: '459902001001', at: new Date(more.at), due: new Date(due) },
        },
      ],
    });
    expect(outcome).toStrictEqual({ stored: await errands.read('whole'), replayed: false });
  });

  it('changes only what it changes, removes what is gone, and adds its words', async () => {
    const id = await opened();
    await errands.run(id, context(), plainly({ type: 'remark', remark: 'soon' }));
    await errands.run(id, context(), plainly({ type: 'note', note: 'n1' }, { n1: { by: 'p2', text: '修好了' } }));
    await errands.run(id, context(), plainly({ type: 'remark', remark: undefined }));
    const { state, words, version, territories } = await stored(id);
    expect(state).not.toHaveProperty('remark');
    expect(state).not.toHaveProperty('lastNote');
    expect(state.notes).toStrictEqual(['n1']);
    expect(words).toStrictEqual({ n1: { by: 'p2', text: '修好了' } });
    expect(territories).toStrictEqual(['4599', '459902', '459902001001']);
    expect(version).toBe(4);
    expect(await errands.collection.countDocuments({ _id: id, lastNote: 'n1' })).toBe(1);
  });

  it('of several events is one write, and only its first entry carries the request', async () => {
    const id = await opened();
    await errands.run(id, context({ request: 'r' }), plainly({ type: 'finish' }));
    const { history, version } = await stored(id);
    expect(version).toBe(3);
    expect(history.map(({ seq, type, request }) => [seq, type, request])).toStrictEqual([
      [1, 'opened', undefined],
      [2, 'noted', 'r'],
      [3, 'finished', undefined],
    ]);
  });

  it('may be done in a capacity that follows from what was read', async () => {
    const id = await opened();
    const actor = { person: 'p1', posting: 'k2' };
    await errands.run(id, context(), () => ({ command: { type: 'note', note: 'n' }, actor }));
    expect((await stored(id)).history.map((entry) => entry.actor)).toStrictEqual([
      { person: 'p1', posting: 'k1' },
      actor,
    ]);
  });

  it('that is refused stores nothing, whoever refuses it', async () => {
    const id = await opened();
    const before = await errands.collection.findOne({ _id: id });
    const wakes = home.wakes();
    expect(await errands.run(id, context(), opening('N-x'))).toStrictEqual({ refused: 'there-already' });
    const mine = await errands.run(id, context(), () => refuse('no-such-unit', { field: 'unit' }));
    expect(mine).toStrictEqual({ refused: 'no-such-unit', field: 'unit' });
    expect(await errands.run('nobody', context(), plainly({ type: 'finish' }))).toStrictEqual({ refused: 'not-there' });
    expect(await errands.collection.findOne({ _id: id })).toStrictEqual(before);
    expect(await errands.read('nobody')).toBeUndefined();
    expect(home.wakes()).toBe(wakes);
  });

  it('without events stores nothing and answers what is stored', async () => {
    const id = await opened();
    const outcome = await errands.run(id, context(), plainly({ type: 'remark', remark: undefined }));
    expect(outcome).toStrictEqual({ stored: await stored(id), replayed: false });
    expect((await stored(id)).version).toBe(1);
  });

  it('may name the version that it has seen', async () => {
    const id = await opened();
    const note = plainly({ type: 'note', note: 'n' });
    expect(await errands.run(id, context({ ifMatch: 1 }), note)).toMatchObject({ replayed: false });
    expect(await errands.run(id, context({ ifMatch: 1 }), note)).toStrictEqual({
      refused: 'stale-version',
      values: { version: 2 },
    });
  });

  it('is recognised before its version is compared', async () => {
    const id = await opened();
    const again = context({ ifMatch: 1 });
    await errands.run(id, again, plainly({ type: 'note', note: 'n' }));
    expect(await errands.run(id, again, plainly({ type: 'note', note: 'n' }))).toMatchObject({ replayed: true });
  });

  it('is told of a duplicate in a unique index by the refusal named for it', async () => {
    const [one, other] = [await opened(), await opened()];
    const { number } = (await stored(one)).state;
    expect(await errands.run('third', context(), opening(number))).toStrictEqual({ refused: 'number-taken' });
    expect(await errands.run('third', context({ expectNew: true }), opening(number))).toStrictEqual({
      refused: 'number-taken',
    });
    expect(await errands.run(other, context(), plainly({ type: 'renumber', number }))).toStrictEqual({
      refused: 'number-taken',
    });
    expect(await errands.read('third')).toBeUndefined();
    expect((await stored(other)).version).toBe(1);
  });

  it('of several that go together is refused alone, and the others have happened', async () => {
    const ids = ['together-0', 'together-1', 'together-2', 'together-3'];
    for (const id of ids) await errands.run(id, context(), opening(`N-${id}`));
    const outcomes = await Promise.all(
      ids.map((id, index) => {
        const command: ErrandCommand =
          index === 1 ? { type: 'renumber', number: 'N-together-0' } : { type: 'note', note: 'n' };
        return errands.run(id, context(), plainly(command));
      }),
    );
    expect(outcomes.map((outcome) => (isRefused(outcome) ? outcome.refused : outcome.stored.version))).toEqual([
      2,
      'number-taken',
      2,
      2,
    ]);
  });

  it('with a text under a name that is no id, or an instant that is none, is a mistake of ours', async () => {
    const id = await opened();
    const words = { '$where.x': { by: 'p1', text: 'x' } };
    await expect(errands.run(id, context(), plainly({ type: 'note', note: 'n' }, words))).rejects.toThrow(TypeError);
    await expect(errands.run(id, context({ at: 'now' }), plainly({ type: 'finish' }))).rejects.toThrow(TypeError);
    expect((await stored(id)).version).toBe(1);
  });

  it('of old history is not for the bus', async () => {
    const wakes = home.wakes();
    await errands.run('old', context({ silent: true }), opening('O-1'));
    await errands.run('old', context({ silent: true }), plainly({ type: 'note', note: 'a' }));
    const silent = await errands.collection.findOne({ _id: 'old' });
    expect(silent).toMatchObject({ version: 2 });
    expect(silent).not.toHaveProperty('written');
    expect(home.wakes()).toBe(wakes);
    await errands.run('old', context(), plainly({ type: 'note', note: 'b' }));
    await errands.run('old', context({ silent: true }), plainly({ type: 'note', note: 'c' }));
    const loud = await errands.collection.findOne({ _id: 'old' });
    expect(loud).toMatchObject({ version: 4, written: expect.any(Timestamp) });
    expect((await errands.history('old')).map((entry) => entry.silent)).toStrictEqual([true, true, undefined, true]);
    expect(home.wakes()).toBe(wakes + 1);
  });
});

describe('the same command again', () => {
  it('50 times at once is one effect', async () => {
    const again = context({ request: 'same' });
    const id = derivedId('p1', 'test', again.id);
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        errands.run(id, { ...again, expectNew: index % 2 === 0 }, opening('once')),
      ),
    );
    const kinds = outcomes.map((outcome) => (isRefused(outcome) ? outcome.refused : outcome.replayed));
    expect(kinds.filter((kind) => kind === false)).toHaveLength(1);
    expect(kinds.filter((kind) => kind === true)).toHaveLength(49);
    expect((await stored(id)).history).toHaveLength(1);

    const note = context();
    await Promise.all(Array.from({ length: 50 }, () => errands.run(id, note, plainly({ type: 'note', note: 'n' }))));
    expect((await stored(id)).state.notes).toStrictEqual(['n']);
  });

  it('answers the aggregate as it is now', async () => {
    const id = await opened();
    const first = context();
    await errands.run(id, first, plainly({ type: 'note', note: 'a' }));
    await errands.run(id, context(), plainly({ type: 'finish' }));
    const outcome = await errands.run(id, first, plainly({ type: 'note', note: 'a' }));
    expect(outcome).toStrictEqual({ stored: await stored(id), replayed: true });
  });

  it('with another request is refused', async () => {
    const id = await opened();
    const first = context({ request: 'a' });
    await errands.run(id, first, plainly({ type: 'note', note: 'a' }));
    const other = await errands.run(id, { ...first, request: 'b' }, plainly({ type: 'note', note: 'b' }));
    expect(other).toStrictEqual({ refused: 'key-reused' });
    expect((await stored(id)).state.notes).toStrictEqual(['a']);
  });

  it('is known even if it would be refused by now', async () => {
    const first = context({ expectNew: true });
    await errands.run('gone', first, opening('G-1'));
    expect(await errands.run('gone', first, () => refuse('category-retired'))).toMatchObject({ replayed: true });
  });
});

describe('the terms by which it is found', () => {
  let spoken: Errands;
  beforeAll(async () => {
    spoken = await home.records.define({
      ...errandDefinition,
      name: 'spoken_errands',
      search: (_, words) => ({ terms: Object.values(words).flatMap(({ text }) => text.split(' ')) }),
    });
  });
  const termsOf = async (id: string) => (await spoken.collection.findOne({ _id: id }))?.search?.terms;
  const open = (number: string, words: Words) =>
    plainly({ type: 'open', number, place: '459902', at: '2026-03-01T08:00:00.000Z' }, words);
  const note = (words: Words) => plainly({ type: 'note', note: Object.keys(words).join() }, words);

  it('follow from its words, and go when these are erased', async () => {
    await spoken.run('leak', context(), open('S-1', { first: { by: 'p1', text: 'water leaks' } }));
    expect(await termsOf('leak')).toStrictEqual(['water', 'leaks']);
    await spoken.run('leak', context(), note({ second: { by: 'p2', text: 'mended' } }));
    expect(await termsOf('leak')).toStrictEqual(['water', 'leaks', 'mended']);
    await spoken.run('leak', context(), note({ first: { by: '', text: '' } }));
    expect(await termsOf('leak')).toStrictEqual(['', 'mended']);
  });

  it('stay as they are when a command brings no words, and are not of the state', async () => {
    await spoken.run('silent', context(), open('S-2', { first: { by: 'p1', text: 'light' } }));
    await spoken.run('silent', context(), plainly({ type: 'finish' }));
    expect(await termsOf('silent')).toStrictEqual(['light']);
    expect((await spoken.read('silent'))?.state).not.toHaveProperty('search');
  });
});

describe('a rehearsal', () => {
  it('says how it would be or why not, and leaves nothing behind', async () => {
    const rehearsal = (more: object = {}) => context({ rehearsal: true, expectNew: true, ...more });
    const would = await errands.run('rehearsed', rehearsal(), opening('R-1'));
    expect(would).toMatchObject({ stored: { id: 'rehearsed', version: 1, state: { number: 'R-1' } }, replayed: false });
    expect(await errands.read('rehearsed')).toBeUndefined();
    expect(await errands.run('rehearsed', rehearsal(), plainly({ type: 'finish' }))).toMatchObject({
      refused: 'not-there',
    });
    const first = context({ request: 'one' });
    await errands.run('rehearsed', first, opening('R-1'));
    const again = rehearsal({ id: first.id, request: 'one' });
    expect(await errands.run('rehearsed', again, opening('R-1'))).toMatchObject({ replayed: true });
    const other = rehearsal({ id: first.id, request: 'other' });
    expect(await errands.run('rehearsed', other, opening('R-1'))).toMatchObject({ refused: 'key-reused' });
    expect((await stored('rehearsed')).version).toBe(1);
  });
});

describe('50 who race on one record', () => {
  it('have one winner for each version, and every accepted command is in the history', async () => {
    const id = await opened();
    const commands = Array.from({ length: 50 }, (_, index) => context({ id: `race:${index}` }));
    let tries = 0;
    const outcomes = await Promise.all(
      commands.map((one, index) =>
        errands.run(id, one, () => {
          tries += 1;
          return { command: { type: 'note', note: String(index) } };
        }),
      ),
    );
    const accepted = commands.filter((_, index) => !isRefused(outcomes[index]));
    for (const outcome of outcomes) if (isRefused(outcome)) expect(outcome.refused).toBe('busy');
    const { history, version, state } = await stored(id);
    expect(version).toBe(accepted.length + 1);
    expect(history.map((entry) => entry.seq)).toStrictEqual(Array.from({ length: version }, (_, index) => index + 1));
    expect(new Set(history.slice(1).map((entry) => entry.command))).toStrictEqual(
      new Set(accepted.map((one) => one.id)),
    );
    expect(state.notes).toHaveLength(accepted.length);
    expect(accepted.length).toBeGreaterThan(25);
    expect(tries).toBeLessThanOrEqual(50 * 11);
  });
});

describe('everything stored above', () => {
  it('is the fold of its history', async () => {
    expect(await audit(errands)).toMatchObject({ faults: [], faultCount: 0 });
  });
});
