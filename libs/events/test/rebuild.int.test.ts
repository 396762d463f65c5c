import { rm } from 'node:fs/promises';
import { eventually, killableParts, parts } from '@bandeng/testing';
import { expect, it } from 'vitest';
import { type CloudEvent, findHoles } from '../src/index.ts';
import { connectionOf, type House, house, streamed, watched } from './errands.ts';
import { relayUntil } from './relay-child.ts';

const place = '459902001001501';
const second = (seconds: number): string => new Date(Date.UTC(2026, 2, 1, 8, 0, seconds)).toISOString();

/** Opened, stepped in turn, thought about in between; what is silent comes first. */
async function past(home: House): Promise<void> {
  await home.run('old', { type: 'open', place }, second(0), true);
  await home.run('old', { type: 'step' }, second(1), true);
  for (const [index, id] of ['a', 'b', 'c'].entries()) await home.run(id, { type: 'open', place }, second(2 + index));
  for (let round = 0; round < 4; round += 1) {
    for (const id of ['c', 'a', 'b']) {
      await home.run(id, { type: round === 1 ? 'think' : 'step' }, second(10 + round));
    }
  }
  await home.run('old', { type: 'step' }, second(20));
  await settled(home);
}

const drained = (home: House): Promise<void> =>
  eventually(async () => expect(await home.drained()).toBe(true), { within: 10_000 }).then(() => undefined);

/** Until all that is published is so for good. */
const settled = (home: House): Promise<void> =>
  eventually(async () => expect(await home.settled()).toBe(true), { within: 15_000 }).then(() => undefined);

const soon = { settlesAfter: 100 };

const idsOf = (events: readonly CloudEvent[]): string[] => events.map(({ id }) => id);

/** By time; of one instant by aggregate. */
const inOrder = [
  ...['a:1', 'b:1', 'c:1'],
  ...['a:2', 'b:2', 'c:2'],
  ...['a:4', 'b:4', 'c:4'],
  ...['a:5', 'b:5', 'c:5'],
  'old:3',
];

async function rebuilt(home: House, within = 10_000) {
  const id = await home.operations.ask({ kind: 'rebuild' });
  await eventually(async () => expect((await home.operations.show(id))?.endedAt).toBeDefined(), { within });
  return home.operations.show(id);
}

async function holes(home: House, all = true) {
  const published = all ? home.records.outbox.published() : [await home.records.outbox.samplePublished(10)];
  return findHoles({ service: 'tickets', bus: home.bus, publishings: home.publishings, city: '4599', published, all });
}

it('makes a stream anew after the store of NATS was deleted: one message for each public entry, in order', async () => {
  const own = await killableParts();
  await using home = await house(own);
  home.relay(home.tenure('a'), soon);
  await past(home);
  const before = await streamed(home.bus);
  const { created } = await home.bus.ensureStream('tickets');
  for (const all of [true, false]) {
    expect(await holes(home, all)).toEqual({ entries: 13, missing: [], missingCount: 0, doubled: [], faults: [] });
  }

  await own.natsServer.kill();
  await rm(`${own.directory}/nats/store`, { recursive: true });
  await own.natsServer.start();
  await home.run('new', { type: 'open', place }, second(30));
  await settled(home);
  expect(idsOf(await streamed(home.bus))).toEqual(['new:1']);
  for (const all of [true, false]) {
    expect(await holes(home, all)).toMatchObject({
      entries: 14,
      missingCount: 13,
      missing: expect.arrayContaining(inOrder),
    });
  }

  expect(await rebuilt(home)).toMatchObject({ status: 'done', done: 14 });
  const after = await streamed(home.bus);
  expect(idsOf(after)).toEqual([...inOrder, 'new:1']);
  expect((await home.bus.ensureStream('tickets')).created).not.toBe(created);
  // The same events to the letter: what follows from them follows from them again.
  const byId = new Map(after.map((event) => [event.id, event]));
  for (const event of before) expect(byId.get(event.id)).toEqual(event);
  expect(byId.get('old:3')?.previous).toBeUndefined();
  expect(await holes(home)).toMatchObject({ entries: 14, missingCount: 0, doubled: [] });

  await home.run('new', { type: 'step' }, second(31));
  await drained(home);
  expect(idsOf(await streamed(home.bus)).slice(-2)).toEqual(['new:1', 'new:2']);
});

it('goes on publishing what is written meanwhile, behind what was before', async () => {
  await using home = await house();
  home.relay(home.tenure('a'), soon);
  await past(home);
  const asked = rebuilt(home);
  const written: string[] = [];
  for (let index = 0; index < 40; index += 1) {
    await home.run(`w${index}`, { type: 'open', place }, second(40));
    written.push(`w${index}:1`);
  }
  await asked;
  await drained(home);
  const ids = idsOf(await streamed(home.bus));
  expect(ids.slice(0, 13)).toEqual(inOrder);
  expect(ids.toSorted()).toEqual([...inOrder, ...written].toSorted());
});

it('is begun again by the next holder when the first is killed in the middle', async ({ signal }) => {
  const borrowed = await parts();
  await using home = await house(borrowed);
  const tenure = home.tenure('a');
  const relay = home.relay(tenure, soon);
  const ids = Array.from({ length: 130 }, (_, index) => `r${String(index).padStart(3, '0')}`);
  await Promise.all(ids.map((id) => home.run(id, { type: 'open', place }, second(1))));
  await Promise.all(ids.map((id) => home.run(id, { type: 'step' }, second(2))));
  await settled(home);
  await relay.stop();
  await tenure.stop();
  const id = await home.operations.ask({ kind: 'rebuild' });
  expect(await relayUntil('in-rebuild', borrowed, signal)).toBe('SIGKILL');
  expect(await streamed(home.bus)).toHaveLength(200);
  home.relay(home.tenure('b'), { bus: home.connect() });
  await eventually(async () => expect(await home.operations.show(id)).toMatchObject({ status: 'done', done: 260 }), {
    within: 10_000,
  });
  expect(idsOf(await streamed(home.bus))).toEqual([...ids.map((one) => `${one}:1`), ...ids.map((one) => `${one}:2`)]);
});

it('leaves out an entry of which no event can be made any more, and says so', async () => {
  await using home = await house();
  const first = home.tenure('a');
  const relay = home.relay(first, soon);
  await past(home);
  await relay.stop();
  await first.stop();
  const broken = watched(home.publishings, (entry) => {
    if (entry === 'b:5') throw new Error('no longer known');
  });
  home.relay(home.tenure('b'), { publishings: broken });
  expect(await rebuilt(home)).toMatchObject({
    status: 'failed',
    done: 12,
    problem: '1 entries could not be made into events and are left out; the first is b:5: no longer known',
  });
  expect(idsOf(await streamed(home.bus))).toEqual(inOrder.filter((id) => id !== 'b:5'));
});

it('can be taken back as long as nobody has begun', async () => {
  await using home = await house();
  const id = await home.operations.ask({ kind: 'rebuild' });
  expect(await home.operations.ask({ kind: 'rebuild' })).toBe(id);
  expect(await home.operations.withdraw(id)).toBe(true);
  expect(await home.operations.begin(id)).toBe(false);
  const other = await home.operations.ask({ kind: 'rebuild' });
  await home.operations.begin(other);
  expect(await home.operations.withdraw(other)).toBe(false);
});

it('tells whoever follows from a position that it is gone', async () => {
  await using home = await house();
  home.relay(home.tenure('a'), soon);
  await past(home);
  let position = '';
  const first = home.bus.live(
    'tickets',
    { after: 'start' },
    {
      event(event) {
        position = event.position;
      },
    },
  );
  await eventually(() => expect(position).toMatch(/:13$/));
  let gone = false;
  const follower = home.bus.live(
    'tickets',
    { after: position },
    {
      event: () => undefined,
      gone() {
        gone = true;
      },
    },
  );
  await follower.ready;
  await first.close();
  await rebuilt(home);
  await eventually(() => expect(gone).toBe(true));
  expect(connectionOf(home.bus).isClosed()).toBe(false);
  await follower.close();
});
