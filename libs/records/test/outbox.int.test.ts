import { setTimeout as sleep } from 'node:timers/promises';
import { isRefused } from '@bandeng/decider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, type Outbox, openRecords, type UnpublishedDocument } from '../src/index.ts';
import { context, type Errands, errandDefinition, type House, house, opening, plainly } from './errands.ts';

let home: House;
let errands: Errands;
let outbox: Outbox;

beforeAll(async () => {
  home = await house();
  errands = home.errands;
  outbox = home.records.outbox;
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

async function readsOf(atATime: number): Promise<(readonly UnpublishedDocument[])[]> {
  const reads: (readonly UnpublishedDocument[])[] = [];
  for await (const read of outbox.unpublished(atATime)) reads.push(read);
  return reads;
}

/** All that waits, so many read at a time. */
async function waiting(atATime = 10): Promise<UnpublishedDocument[]> {
  return (await readsOf(atATime)).flat();
}

async function publishAll(): Promise<void> {
  const documents = await waiting();
  await outbox.markPublished(documents.map(({ collection, id, version }) => ({ collection, id, upTo: version })));
}

describe('the outbox', () => {
  it('never has what is private: its entries wait for nobody', async () => {
    const home = await house({ private: true });
    try {
      const { errands, records } = home;
      await errands.run('x', context(), opening('N-x'));
      await errands.run('x', context(), plainly({ type: 'remark', remark: 'quiet' }));
      expect(records.outbox.collections).toStrictEqual([]);
      const kept = await errands.collection.findOne({ _id: 'x' });
      expect(kept).toMatchObject({ version: 2, published: 2 });
      expect(kept).not.toHaveProperty('unpublishedSince');
      expect((await errands.history('x')).map((entry) => entry.silent)).toStrictEqual([undefined, undefined]);
      expect((await errands.collection.indexes()).map(({ name }) => name)).not.toContain('unpublished');
      for (const one of (await records.audit()).values()) expect(one.faultCount).toBe(0);
    } finally {
      await home[Symbol.asyncDispose]();
    }
  });

  it('gives what is unpublished, the longest waiting first, without the words of people', async () => {
    for (const id of ['b', 'c', 'a']) {
      await errands.run(id, context(), opening(`N-${id}`));
      await sleep(3);
    }
    await errands.run('a', context(), plainly({ type: 'note', note: 'n1' }, { n1: { by: 'p1', text: '秘密' } }));
    const reads = await readsOf(2);
    expect(reads.map((documents) => documents.map(({ id }) => id))).toStrictEqual([['b', 'c'], ['a']]);
    const last = reads.at(-1)?.[0];
    expect(last).toMatchObject({
      collection: 'errands',
      id: 'a',
      version: 2,
      published: 0,
      territories: ['4599', '459902', '459902001001'],
    });
    expect(last?.state).toStrictEqual((await errands.read('a'))?.state);
    expect([0, 1, 2, 3].map((seq) => last?.entry(seq))).toStrictEqual([
      undefined,
      ...((await errands.read('a'))?.history ?? []),
      undefined,
    ]);
    expect(JSON.stringify(last)).not.toContain('秘密');
    expect(await outbox.backlog()).toStrictEqual({ documents: 3, oldestSeconds: expect.any(Number) });
  });

  it('keeps an aggregate that was written after it was read, and never goes back', async () => {
    await publishAll();
    expect(await outbox.backlog()).toStrictEqual({ documents: 0, oldestSeconds: 0 });
    await errands.run('a', context(), plainly({ type: 'note', note: 'n2' }));
    const [seen] = await waiting(1);
    expect(seen).toMatchObject({ id: 'a', version: 3, published: 2 });
    await errands.run('a', context(), plainly({ type: 'note', note: 'n3' }));
    await outbox.markPublished([{ collection: 'errands', id: 'a', upTo: 3 }]);
    expect(await waiting(1)).toMatchObject([{ id: 'a', version: 4, published: 3 }]);
    await outbox.markPublished([{ collection: 'errands', id: 'a', upTo: 4 }]);
    await outbox.markPublished([{ collection: 'errands', id: 'a', upTo: 1 }]);
    expect(await errands.collection.findOne({ _id: 'a' })).toMatchObject({ version: 4, published: 4 });
    expect(await waiting(1)).toStrictEqual([]);
  });

  it('strands nothing when writers race with the marker', async () => {
    let writing = true;
    const writers = Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let round = 0; round < 25; round += 1) {
          await errands.run(`r${round % 3}`, context(), async (current) =>
            current === undefined
              ? opening(`R-${round % 3}`)()
              : { command: { type: 'note', note: `${writer}:${round}` } },
          );
        }
      }),
    ).finally(() => {
      writing = false;
    });
    const seen = new Map<string, number>();
    while (writing || (await outbox.backlog()).documents > 0) {
      const documents = await waiting();
      for (const { id, published, version, entry } of documents) {
        const last = seen.get(id) ?? 0;
        expect(published).toBeGreaterThanOrEqual(last);
        for (let seq = published + 1; seq <= version; seq += 1) expect(entry(seq)).toMatchObject({ seq });
        seen.set(id, version);
      }
      await outbox.markPublished(documents.map(({ collection, id, version }) => ({ collection, id, upTo: version })));
    }
    await writers;
    for (const id of ['r0', 'r1', 'r2']) {
      const document = await errands.collection.findOne({ _id: id });
      expect(document).toMatchObject({ published: document?.version, version: seen.get(id) });
      expect(document).not.toHaveProperty('unpublishedSince');
    }
    expect(await audit(errands)).toMatchObject({ faultCount: 0 });
  });

  it('is asked by its index alone', async () => {
    for (let index = 0; index < 200; index += 1) {
      await errands.run(`old${index}`, context({ silent: true, expectNew: true }), opening(`S-${index}`));
    }
    await errands.run('new', context(), opening('S-new'));
    const plan = await errands.collection
      .find({ unpublishedSince: { $exists: true } })
      .sort({ unpublishedSince: 1 })
      .explain('executionStats');
    expect(plan.executionStats).toMatchObject({ nReturned: 1, totalDocsExamined: 1 });
    expect(JSON.stringify(plan.queryPlanner.winningPlan)).not.toMatch(/"SORT"|COLLSCAN/);
  });

  it('does not let an aggregate grow without end while the bus is away', async () => {
    await errands.run('big', context(), opening('BIG'));
    const outcomes = [];
    for (let index = 0; index < 22; index += 1) {
      outcomes.push(await errands.run('big', context(), plainly({ type: 'note', note: 'x'.repeat(250_000) })));
    }
    const refusals = outcomes.map((outcome) => (isRefused(outcome) ? outcome.refused : 'stored'));
    expect(refusals.lastIndexOf('stored')).toBe(15);
    expect(refusals.slice(16)).toStrictEqual(Array(6).fill('too-much-unpublished'));
    await publishAll();
    expect(isRefused(await errands.run('big', context(), plainly({ type: 'note', note: 'y' })))).toBe(false);
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
