import { setTimeout as sleep } from 'node:timers/promises';
import { isRefused } from '@bandeng/decider';
import { eventually } from '@bandeng/testing';
import { Timestamp } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, type Following, openRecords, type Place, type WrittenDocument } from '../src/index.ts';
import { context, type Errands, errandDefinition, type House, house, opening, plainly } from './errands.ts';

let home: House;
let errands: Errands;
let followings: Following[] = [];

beforeAll(async () => {
  home = await house();
  errands = home.errands;
});
afterAll(async () => {
  for (const one of followings) await one.close();
  followings = [];
  await home[Symbol.asyncDispose]();
});

function follow(from: Place, settlesAfter?: number): Following<string> {
  const one = home.records.outbox.follow<string>(from, settlesAfter === undefined ? {} : { settlesAfter });
  followings.push(one);
  return one;
}

async function readsOf(following: Following<string>, atATime = 10): Promise<(readonly WrittenDocument[])[]> {
  const reads: (readonly WrittenDocument[])[] = [];
  for await (const read of following.news(atATime)) reads.push(read);
  return reads;
}

const newsOf = async (following: Following<string>): Promise<WrittenDocument[]> => (await readsOf(following)).flat();

/** All that has been written so far. */
async function now(): Promise<Place> {
  const following = follow({});
  await newsOf(following);
  return following.place;
}

describe('following', () => {
  it('never sees what is private', async () => {
    const home = await house({ private: true });
    try {
      const { errands, records } = home;
      await errands.run('x', context(), opening('N-x'));
      await errands.run('x', context(), plainly({ type: 'remark', remark: 'quiet' }));
      expect(records.outbox.collections).toStrictEqual([]);
      const kept = await errands.collection.findOne({ _id: 'x' });
      expect(kept).toMatchObject({ version: 2 });
      expect(kept).not.toHaveProperty('written');
      expect((await errands.history('x')).map((entry) => entry.silent)).toStrictEqual([undefined, undefined]);
      expect((await errands.collection.indexes()).map(({ name }) => name)).not.toContain('written');
      for (const one of (await records.audit()).values()) expect(one.faultCount).toBe(0);
    } finally {
      await home[Symbol.asyncDispose]();
    }
  });

  it('reads in the order of writing, without the words of people', async () => {
    const following = follow({});
    for (const id of ['b', 'c', 'a']) await errands.run(id, context(), opening(`N-${id}`));
    await errands.run('a', context(), plainly({ type: 'note', note: 'n1' }, { n1: { by: 'p1', text: '秘密' } }));
    const reads = await readsOf(following, 2);
    expect(reads.map((documents) => documents.map(({ id }) => id))).toStrictEqual([['b', 'c'], ['a']]);
    const last = reads.at(-1)?.[0];
    expect(last).toMatchObject({
      collection: 'errands',
      id: 'a',
      version: 2,
      territories: ['4599', '459902', '459902001001'],
    });
    expect(following.place).toStrictEqual({ errands: last?.written });
    expect(last?.state).toStrictEqual((await errands.read('a'))?.state);
    expect([0, 1, 2, 3].map((seq) => last?.entry(seq))).toStrictEqual([
      undefined,
      ...((await errands.read('a'))?.history ?? []),
      undefined,
    ]);
    expect(JSON.stringify(last)).not.toContain('秘密');
    expect(await home.records.outbox.backlog()).toStrictEqual({ documents: 3, oldestSeconds: expect.any(Number) });
    expect(await readsOf(following)).toStrictEqual([]);
    await errands.run('c', context(), plainly({ type: 'note', note: 'n2' }));
    expect((await newsOf(following)).map(({ id, version }) => ({ id, version }))).toStrictEqual([
      { id: 'c', version: 2 },
    ]);
  });

  it('knows of each entry whether it was written after a place, by what its command met', async () => {
    const places = [await now()];
    const behind = follow(await now());
    const steps = [
      () => errands.run('s', context(), opening('N-s')),
      () => errands.run('s', context(), plainly({ type: 'note', note: 'n' })),
      () => errands.run('s', context({ silent: true }), plainly({ type: 'note', note: 'silent' })),
      () => errands.run('s', context(), plainly({ type: 'finish' })),
    ];
    for (const step of steps) {
      expect(isRefused(await step())).toBe(false);
      places.push(await now());
    }
    const following = follow(await now());
    const [document] = await following.again('errands', ['s']);
    // The third entry was silent; the last command has two.
    expect(places.map((place) => document?.firstAfter(place))).toStrictEqual([1, 2, 4, 4, 6]);
    expect(document?.firstAfter({})).toBe(1);
    expect(document?.version).toBe(5);
    // Whoever has been handed out nothing of it gets nothing of it again.
    expect(await behind.again('errands', ['s'])).toMatchObject([{ version: 0 }]);
  });

  it('has nothing of old times, and of what follows them only that', async () => {
    const following = follow(await now());
    await errands.run('old', context({ silent: true }), opening('N-old'));
    await errands.run('old', context({ silent: true }), plainly({ type: 'note', note: 'a' }));
    expect(await newsOf(following)).toStrictEqual([]);
    await errands.run('old', context(), plainly({ type: 'note', note: 'b' }));
    const [document] = await newsOf(following);
    const entries = [1, 2, 3].map((seq) => document?.entry(seq));
    expect(entries.map((entry) => entry?.silent)).toStrictEqual([true, true, undefined]);
  });

  it('finds what turns up behind its place, once', async () => {
    const following = follow(await now());
    await errands.run('first', context(), opening('N-first'));
    await errands.run('late', context(), opening('N-late'));
    const [first, late] = await newsOf(following);
    expect(await following.late()).toStrictEqual([]);
    // As if it had got its instant before both and been seen after them.
    const before = new Timestamp({ t: first?.written?.t ?? 0, i: (first?.written?.i ?? 0) - 1 });
    await errands.run('later', context(), opening('N-later'));
    await errands.collection.updateOne({ _id: 'later' }, { $set: { written: before } });
    expect(await newsOf(following)).toStrictEqual([]);
    expect((await following.late()).map(({ id }) => id)).toStrictEqual(['later']);
    expect(await following.late()).toStrictEqual([]);
    expect(await following.late()).toStrictEqual([]);
    expect(following.place).toStrictEqual({ errands: late?.written });
  });

  it('goes on after whoever broke off in the middle, with what nobody has got yet, of each kind', async () => {
    const { database } = home;
    const records = await openRecords({ database });
    const kinds = ['left', 'right'] as const;
    for (const name of kinds) {
      const kind = await records.define({ ...errandDefinition, name });
      for (let index = 0; index < 7; index += 1)
        await kind.run(`${name}${index}`, context(), opening(`${name}${index}`));
    }
    const following = records.outbox.follow<string>({});
    followings.push(following);
    const got: string[] = [];
    for (let most = 1; most < 4; most += 1) {
      let reads = 0;
      for await (const documents of following.news(2)) {
        got.push(...documents.map(({ id }) => id));
        reads += 1;
        if (reads === most) break;
      }
    }
    got.push(...(await newsOf(following)).map(({ id }) => id));
    expect(got.filter((id) => id.startsWith('left'))).toStrictEqual(Array.from({ length: 7 }, (_, at) => `left${at}`));
    expect(got.filter((id) => id.startsWith('right'))).toStrictEqual(
      Array.from({ length: 7 }, (_, at) => `right${at}`),
    );
  });

  it('keeps the place of a kind that it does not know', async () => {
    const other = new Timestamp({ t: 7, i: 1 });
    const following = follow({ ...(await now()), other });
    expect(following.final).toMatchObject({ other });
    await errands.run('known', context(), opening('N-known'));
    await newsOf(following);
    expect(following.place).toMatchObject({ other });
  });

  it('says so when the clock of the database stands before what has been written', async () => {
    const following = follow({ errands: new Timestamp({ t: Math.floor(Date.now() / 1_000) + 3_600, i: 1 }) });
    await expect(following.late()).rejects.toThrow(/clock of the database stands before/);
  });

  it('is final where everything has been dealt with, after a while, when the log is visible so far', async () => {
    const from = await now();
    const following = follow(from, 300);
    await errands.run('f1', context(), opening('N-f1'));
    await newsOf(following);
    const { place } = following;
    following.landmark('one');
    await following.late();
    await following.late();
    await newsOf(following);
    // Nobody knows yet what is on its way.
    expect(following.advance()).toBeUndefined();
    expect(following.final).toStrictEqual(from);
    await errands.run('f2', context(), opening('N-f2'));
    await newsOf(following);
    following.landmark('two');
    await sleep(320);
    let reached: string | undefined;
    await eventually(async () => {
      // Something is written all the time where there are leases.
      await errands.run('f3', context(), async (current) =>
        current === undefined ? opening('N-f3')() : { command: { type: 'note', note: 'n' } },
      );
      await following.late();
      await newsOf(following);
      await following.late();
      reached = following.advance();
      expect(reached).toBe('two');
    });
    expect(following.pending).toBe(false);
    expect(place.errands?.lessThan(following.final.errands ?? 0)).toBe(true);
  });

  it('strands nothing when writers race, whatever is seen and final when', async () => {
    const following = follow(await now(), 40);
    let writing = true;
    let finals = 0;
    const writers = Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let round = 0; round < 60; round += 1) {
          const id = `r${(writer + round) % 6}`;
          await errands.run(id, context(), async (current) =>
            current === undefined ? opening(`R-${id}`)() : { command: { type: 'note', note: `${writer}:${round}` } },
          );
        }
      }),
    ).finally(() => {
      writing = false;
    });
    const told = new Map<string, number>();
    const tell = (documents: readonly WrittenDocument[]): void => {
      for (const document of documents) {
        const from = Math.max((told.get(document.id) ?? 0) + 1, document.firstAfter(following.final));
        for (let seq = from; seq <= document.version; seq += 1) expect(document.entry(seq)).toMatchObject({ seq });
        expect(from).toBe((told.get(document.id) ?? 0) + 1);
        told.set(document.id, Math.max(document.version, told.get(document.id) ?? 0));
      }
    };
    while (writing) {
      for await (const documents of following.news(3)) tell(documents);
      tell(await following.late());
      if (following.advance() !== undefined) finals += 1;
      following.landmark('all is told');
    }
    expect(finals).toBeGreaterThan(0);
    await writers;
    tell(await newsOf(following));
    tell(await following.late());
    for (const id of ['r0', 'r1', 'r2', 'r3', 'r4', 'r5']) {
      expect(told.get(id)).toBe((await errands.read(id))?.version);
    }
    expect(await audit(errands)).toMatchObject({ faultCount: 0 });
  });

  it('is asked by its index alone', async () => {
    for (let index = 0; index < 200; index += 1) {
      await errands.run(`old${index}`, context({ silent: true, expectNew: true }), opening(`S-${index}`));
    }
    const { errands: since = new Timestamp({ t: 0, i: 0 }) } = await now();
    await errands.run('new', context(), opening('S-new'));
    const plan = await errands.collection
      .find({ written: { $gt: since } })
      .sort({ written: 1 })
      .explain('executionStats');
    expect(plan.executionStats).toMatchObject({ nReturned: 1, totalDocsExamined: 1 });
    expect(JSON.stringify(plan.queryPlanner.winningPlan)).not.toMatch(/"SORT"|COLLSCAN/);
  });
});

describe('an aggregate', () => {
  it('does not grow without end while the bus is away', async () => {
    await errands.run('big', context(), opening('BIG'));
    const outcomes = [];
    for (let index = 0; index < 30; index += 1) {
      outcomes.push(await errands.run('big', context(), plainly({ type: 'note', note: 'x'.repeat(250_000) })));
    }
    const refusals = outcomes.map((outcome) => (isRefused(outcome) ? outcome.refused : 'stored'));
    // It is weighed at each eighth entry, the opening being the first.
    expect(refusals.lastIndexOf('stored')).toBe(21);
    expect(refusals.slice(22)).toStrictEqual(Array(8).fill('too-much-unpublished'));
    await home.tell();
    expect(isRefused(await errands.run('big', context(), plainly({ type: 'note', note: 'y' })))).toBe(false);
    expect((await errands.collection.findOne({ _id: 'big' }))?.history).toHaveLength(20);
  });
});

describe('a definition', () => {
  it('that contradicts itself is not taken', async () => {
    const records = await openRecords({ database: home.database });
    const define = (more: object) => records.define({ ...errandDefinition, ...more });
    await expect(define({ name: 'errands_history' })).rejects.toThrow(TypeError);
    await expect(define({ name: 'leases' })).rejects.toThrow(TypeError);
    await expect(define({ refusals: { elsewhere: 'number-taken' } })).rejects.toThrow(/no unique index/);
    await expect(define({ indexes: [{ name: 'due', key: { x: 1 } }], refusals: {} })).rejects.toThrow(TypeError);
    await define({});
    await expect(define({})).rejects.toThrow(/already/);
  });
});
