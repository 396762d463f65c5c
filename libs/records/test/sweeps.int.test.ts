import { refuse } from '@bandeng/decider';
import { Timestamp } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SweepOptions, sweepOf } from '../src/index.ts';
import {
  context,
  type Errand,
  type ErrandCommand,
  type ErrandEvent,
  type Errands,
  type House,
  house,
  opening,
  plainly,
} from './errands.ts';

let home: House;
let errands: Errands;
let now = new Date('2026-03-10T08:00:00.000Z');
const signal = new AbortController().signal;

beforeAll(async () => {
  home = await house();
  errands = home.errands;
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

type Options = SweepOptions<Errand, ErrandCommand, ErrandEvent>;

function lapses(more: Partial<Options> = {}) {
  return sweepOf(errands, {
    actor: { system: 'system:records' },
    now: () => now,
    due: ({ state }) => [{ deadline: 'handling', instant: state.due ?? '', prepare: plainly({ type: 'lapse' }) }],
    ...more,
  });
}

describe('a sweep', () => {
  it('turns what is due into commands named by deadline and instant, once', async () => {
    await errands.run('due', context(), opening('D-1', '2026-03-10T07:59:59.999Z'));
    await errands.run('now', context(), opening('D-2', now.toISOString()));
    await errands.run('later', context(), opening('D-3', '2026-03-10T08:00:00.001Z'));
    await errands.run('never', context(), opening('D-4'));
    expect(await lapses().run(signal)).toBe(2);
    expect((await errands.read('due'))?.history.at(-1)).toStrictEqual({
      seq: 2,
      follows: expect.any(Timestamp),
      id: 'due:2',
      at: now.toISOString(),
      actor: { system: 'system:records' },
      command: 'due:handling:2026-03-10T07:59:59.999Z',
      type: 'lapsed',
      data: {},
    });
    expect((await errands.read('later'))?.version).toBe(1);
    expect(await lapses().run(signal)).toBe(0);
    now = new Date('2026-03-10T08:00:00.001Z');
    expect(await lapses().run(signal)).toBe(1);
  });

  it('run by two at once has each effect once', async () => {
    for (let index = 0; index < 40; index += 1) {
      await errands.run(`twice${index}`, context(), opening(`T-${index}`, '2026-03-09T08:00:00.000Z'));
    }
    const effects = await Promise.all([lapses().run(signal), lapses().run(signal)]);
    expect(effects.reduce((sum, one) => sum + one, 0)).toBe(40);
    for (let index = 0; index < 40; index += 1) expect((await errands.read(`twice${index}`))?.version).toBe(2);
  });

  it('goes on when one fails, and leaves that one alone for a while', async () => {
    const failures: [string, unknown][] = [];
    const broken = new Error('broken');
    for (const id of ['bad', 'refused', 'idle', 'good']) {
      await errands.run(id, context(), opening(`F-${id}`, '2026-03-09T08:00:00.000Z'));
    }
    const sweep = lapses({
      due(stored) {
        if (stored.id === 'bad') throw broken;
        const prepare = stored.id === 'refused' ? () => refuse('no-calendar') : plainly({ type: 'lapse' });
        return stored.id === 'idle' ? [] : [{ deadline: 'handling', instant: stored.state.due ?? '', prepare }];
      },
      failed: (id, reason) => failures.push([id, reason]),
    });
    expect(await sweep.run(signal)).toBe(1);
    const all: [string, unknown][] = [
      ['bad', broken],
      ['refused', { refused: 'no-calendar' }],
      ['idle', 'nothing-moved'],
    ];
    expect(failures).toHaveLength(3);
    expect(failures).toStrictEqual(expect.arrayContaining(all));
    expect(await sweep.run(signal)).toBe(0);
    expect(failures).toHaveLength(3);
    expect(await lapses().run(signal)).toBe(3);
  });

  it('costs what is due, not what is open', async () => {
    for (let index = 0; index < 300; index += 1) {
      const due = index < 10 ? '2026-03-09T08:00:00.000Z' : '2026-04-09T08:00:00.000Z';
      await errands.run(`open${index}`, context({ expectNew: true }), opening(`O-${index}`, due));
    }
    const plan = await errands.collection
      .find({ nextDue: { $lte: now } }, { sort: { nextDue: 1 } })
      .explain('executionStats');
    expect(plan.executionStats).toMatchObject({ nReturned: 10, totalDocsExamined: 10 });
    expect(JSON.stringify(plan.queryPlanner.winningPlan)).not.toMatch(/"SORT"|COLLSCAN/);
    expect(await lapses().run(signal)).toBe(10);
  });

  it('stops when it is told to', async () => {
    await errands.run('left', context(), opening('L-1', '2026-03-09T08:00:00.000Z'));
    expect(await lapses().run(AbortSignal.abort())).toBe(0);
    expect(await lapses().run(signal)).toBe(1);
  });
});
