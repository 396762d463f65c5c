import { eventually } from '@bandeng/testing';
import { expect, it } from 'vitest';
import {
  type DeadLetters,
  on,
  openDeadLetters,
  type ReactionDefinition,
  type Reactions,
  startReactions,
  type Task,
} from '../src/index.ts';
import { type House, house, inject, quiet, sample } from './errands.ts';

const noted = 'bandeng.tickets.ticket-noted.v1';
const ordered = 'bandeng.tickets.ticket-ordered.v1';

/** Each note becomes a step of an errand of its own, by a real command. */
function stepping(home: House, name: string, before: (id: string) => void = () => undefined): ReactionDefinition {
  return on(noted, name, (event) => {
    before(event.id);
    const errand = `of-${event.id}-${name}`;
    const command = { type: 'open', place: event.territory } as const;
    return [{ run: (_id, context) => home.errands.run(errand, context, () => ({ command })) }];
  });
}

interface Started {
  readonly letters: DeadLetters;
  readonly replays: string[];
  readonly reactions: Reactions;
}

async function start(home: House, definitions: readonly ReactionDefinition[]): Promise<Started> {
  await eventually(() => expect(home.bus.connected()).toBe(true));
  await home.bus.ensureStream('tickets');
  const letters = await openDeadLetters(home.database);
  const replays: string[] = [];
  const reactions = startReactions({
    service: 'notifications',
    bus: home.bus,
    tenure: home.tenure('a'),
    definitions,
    deadLetters: letters,
    operations: home.operations,
    now: () => new Date(),
    log: quiet,
    hooks: {
      async around(event, reaction, run, { replayed }) {
        await run();
        if (replayed) replays.push(`${event.id} ${reaction}`);
      },
    },
  });
  return { letters, replays, reactions };
}

async function asked(
  home: House,
  task: Omit<Extract<Task, { kind: 'replay' }>, 'kind' | 'source'>,
  source = 'tickets',
) {
  const id = await home.operations.ask({ kind: 'replay', source, ...task });
  await eventually(async () => expect((await home.operations.show(id))?.endedAt).toBeDefined());
  return home.operations.show(id);
}

const errands = async (home: House): Promise<string[]> =>
  (await home.errands.collection.find({}, { projection: { _id: 1 } }).toArray()).map(({ _id }) => _id).sort();

it('handles a range again, of which only what had not happened happens', async () => {
  await using home = await house();
  const { reactions, replays } = await start(home, [stepping(home, 'first'), stepping(home, 'second')]);
  for (let seq = 1; seq <= 6; seq += 1) await inject(home.bus, 'ticket-noted', sample(`e${seq % 2}`, seq));
  await eventually(async () => expect(await errands(home)).toHaveLength(12));
  expect(await asked(home, { from: { sequence: 1 } })).toMatchObject({ status: 'done', done: 6, effects: 0, dead: 0 });
  expect(replays).toHaveLength(12);
  // As if the reaction had had a fault then.
  await home.errands.collection.deleteMany({ _id: { $in: ['of-e0:2-second', 'of-e0:4-second', 'of-e0:4-first'] } });
  expect(await asked(home, { from: { sequence: 4 }, to: { sequence: 5 }, reaction: 'second' })).toMatchObject({
    status: 'done',
    done: 2,
    effects: 1,
    reached: 5,
  });
  expect(await errands(home)).toHaveLength(10);
  expect(await asked(home, { from: { sequence: 1 } })).toMatchObject({ done: 6, effects: 2 });
  expect(await errands(home)).toHaveLength(12);
  expect(await errands(home)).toEqual([...new Set(await errands(home))]);
  await reactions.stop();
});

it('takes instants for the times at which things happened, not at which they were published', async () => {
  await using home = await house();
  const { reactions, replays } = await start(home, [stepping(home, 'only')]);
  const hour = (hours: number): string => new Date(Date.UTC(2026, 2, 1, hours)).toISOString();
  for (let seq = 1; seq <= 5; seq += 1) {
    await inject(home.bus, 'ticket-noted', sample('e', seq, { time: hour(seq) }));
  }
  await eventually(async () => expect(await errands(home)).toHaveLength(5));
  expect(await asked(home, { from: { time: hour(2) }, to: { time: hour(4) } })).toMatchObject({ done: 3, effects: 0 });
  expect(replays).toEqual(['e:2 only', 'e:3 only', 'e:4 only']);
  await reactions.stop();
});

it('gives what fails a dead letter and goes on', async () => {
  await using home = await house();
  let broken = false;
  const failing = stepping(home, 'only', (id) => {
    if (broken && id === 'e:2') throw new Error('a bug');
  });
  const { reactions, letters } = await start(home, [failing]);
  for (let seq = 1; seq <= 3; seq += 1) await inject(home.bus, 'ticket-noted', sample('e', seq));
  await eventually(async () => expect(await errands(home)).toHaveLength(3));
  broken = true;
  expect(await asked(home, { from: { sequence: 1 } })).toMatchObject({ status: 'done', done: 3, dead: 1 });
  expect(await letters.list({ status: 'open' })).toMatchObject([{ event: '/bandeng/tickets e:2', reaction: 'only' }]);
  expect(await letters.open()).toBe(1);
  await reactions.stop();
});

it('says what it cannot replay', async () => {
  await using home = await house();
  const other = on(ordered, 'order', () => []);
  const { reactions } = await start(home, [stepping(home, 'only'), other]);
  expect(await asked(home, { from: { sequence: 1 }, reaction: 'tell' })).toMatchObject({
    status: 'failed',
    problem: "there is no reaction 'tell' to events of tickets; there are: only, order",
  });
  expect(await asked(home, { from: { sequence: 1 } }, 'identity')).toMatchObject({
    status: 'failed',
    problem: 'notifications reacts to events of tickets only',
  });
  await reactions.stop();
});
