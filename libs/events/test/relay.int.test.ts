import { rm } from 'node:fs/promises';
import { progressOf } from '@bandeng/records';
import { eventually, killableParts, parts } from '@bandeng/testing';
import { expect, it } from 'vitest';
import { batchesHold, publishBatch } from '../src/batches.ts';
import { type CloudEvent, streamOf } from '../src/index.ts';
import { streamState } from '../src/streams.ts';
import { connectionOf, type House, house, streamed, watched } from './errands.ts';
import { relayUntil } from './relay-child.ts';

const place = '459902001001501';

/** Each public entry exactly once, those of one aggregate in order. */
function expectWhole(events: readonly CloudEvent[], expected: ReadonlyMap<string, number[]>): void {
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  const found = new Map<string, number[]>();
  for (const { subject, sequence } of events) found.set(subject, [...(found.get(subject) ?? []), Number(sequence)]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
}

async function write(home: House, aggregates: number, steps: number, prefix = 'e'): Promise<Map<string, number[]>> {
  const ids = Array.from({ length: aggregates }, (_, index) => `${prefix}${index}`);
  await Promise.all(
    ids.map(async (id) => {
      await home.run(id, { type: 'open', place });
      for (let step = 0; step < steps; step += 1) await home.run(id, { type: step % 3 === 2 ? 'think' : 'step' });
    }),
  );
  const seqs = [1, ...Array.from({ length: steps }, (_, step) => step + 2).filter((seq) => (seq - 2) % 3 !== 2)];
  return new Map(ids.map((id) => [id, seqs]));
}

it('publishes exactly one message for each public entry, in order, while writers go on', async () => {
  await using home = await house();
  home.relay(home.tenure('a'));
  const expected = await write(home, 20, 12);
  await eventually(async () => expect(await home.drained()).toBe(true));
  const events = await streamed(home.bus);
  expectWhole(events, expected);
  const [first, second] = events.filter(({ subject }) => subject === 'e3');
  expect(first).toMatchObject({
    specversion: '1.0',
    id: 'e3:1',
    source: '/bandeng/tickets',
    type: 'bandeng.tickets.ticket-ordered.v1',
    sequence: '1',
    sequencetype: 'Integer',
    territory: place,
    data: { number: 'e3', urgency: 'ORDINARY' },
  });
  expect(first?.previous).toBeUndefined();
  expect(second?.previous).toBe('1');
  // Seq 4 is private, so 5 follows 3.
  expect(events.find(({ id }) => id === 'e3:5')?.previous).toBe('3');
});

it('goes past private entries without telling anybody', async () => {
  await using home = await house();
  home.relay(home.tenure('a'));
  await home.run('quiet', { type: 'open', place });
  await eventually(async () => expect(await home.drained()).toBe(true));
  await home.run('quiet', { type: 'think' });
  await eventually(async () => expect(await home.drained()).toBe(true));
  expect((await streamed(home.bus)).map(({ id }) => id)).toEqual(['quiet:1']);
});

it('gives no doubles when another takes over that knows only of the beginning', async () => {
  await using home = await house();
  const first = home.tenure('first');
  // As if it was killed whenever it wants to keep how far it is.
  let kept = 0;
  const keep: typeof first.lease.write = async (fields) => {
    kept += 1;
    if (kept > 1) throw new Error('killed');
    return first.lease.write(fields);
  };
  home.relay({ ...first, lease: { ...first.lease, write: keep } });
  const expected = await write(home, 5, 4);
  await eventually(async () => expect((await streamed(home.bus)).length).toBeGreaterThan(0));
  await first.stop();
  home.relay(home.tenure('second'), { bus: home.connect() });
  const later = await write(home, 5, 4, 'l');
  await eventually(async () => expect(await home.drained()).toBe(true));
  expectWhole(await streamed(home.bus), new Map([...expected, ...later]));
});

it.for(['before-publish:2', 'after-publish:2'] as const)('survives kill -9 at %s', async (point, { signal }) => {
  const borrowed = await parts();
  await using home = await house(borrowed);
  const expected = await write(home, 6, 5);
  const ended = relayUntil(point, borrowed, signal);
  // Keeps writing, so that the point is passed again.
  const more = await write(home, 6, 5, 'w');
  let dead = false;
  const die = (): void => {
    dead = true;
  };
  ended.then(die, die);
  for (let beat = 0; !dead; beat += 1) {
    for (const [id, seqs] of await write(home, 1, 0, `beat${beat}-`)) more.set(id, seqs);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(await ended).toBe('SIGKILL');
  home.relay(home.tenure('next'));
  await eventually(async () => expect(await home.drained()).toBe(true), { within: 10_000 });
  expectWhole(await streamed(home.bus), new Map([...expected, ...more]));
});

it('hands over in the middle of writing, back and forth, without gap or double', async () => {
  await using home = await house();
  const expected = new Map<string, number[]>();
  let handing = true;
  const writing = (async () => {
    for (let round = 0; handing; round += 1) {
      for (const [id, seqs] of await write(home, 12, 10, `r${round}-`)) expected.set(id, seqs);
    }
  })();
  for (const holder of ['a', 'b', 'c']) {
    const tenure = home.tenure(holder);
    const relay = home.relay(tenure, { bus: home.connect() });
    await eventually(() => expect(tenure.holds()).toBe(true));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await relay.stop();
    await tenure.stop();
  }
  handing = false;
  home.relay(home.tenure('d'));
  await writing;
  await eventually(async () => expect(await home.drained()).toBe(true));
  expectWhole(await streamed(home.bus), expected);
});

it('holds up only the aggregate whose event cannot be published', async () => {
  await using home = await house();
  home.relay(home.tenure('a'));
  await home.run('big', { type: 'open', place });
  await home.run('big', { type: 'step', remark: 'x'.repeat(300_000) });
  await home.run('small', { type: 'open', place });
  await eventually(async () => expect((await streamed(home.bus)).map(({ id }) => id)).toEqual(['big:1', 'small:1']));
  await eventually(async () => expect(await home.records.outbox.backlog()).toMatchObject({ documents: 1 }));
});

it('loses nothing of what it was about to send when its lease flickers', async () => {
  await using home = await house();
  const tenure = home.tenure('a');
  let planned = false;
  let flickered = false;
  // Once, when events have been made and nothing is sent, the lease seems lost, as when the database took long to renew it.
  const holds = (): boolean => {
    if (!planned || flickered) return tenure.holds();
    flickered = true;
    return false;
  };
  const publishings = watched(home.publishings, () => {
    planned = true;
  });
  home.relay({ ...tenure, holds }, { publishings });
  const expected = await write(home, 5, 4);
  await eventually(async () => expect(await home.drained()).toBe(true));
  expect(flickered).toBe(true);
  expectWhole(await streamed(home.bus), expected);
});

it('tells everything of an aggregate that was stuck while its history grew long', async () => {
  await using home = await house();
  const broken = watched(home.publishings, (entry) => {
    if (entry === 'long0:2') throw new Error('a fault of ours');
  });
  const first = home.tenure('a');
  const relay = home.relay(first, { publishings: broken, settlesAfter: 100 });
  const expected = await write(home, 1, 130, 'long');
  await eventually(
    async () => {
      const { told, final, stuck } = (await progressOf(home.database)) ?? {};
      expect(stuck).toHaveLength(1);
      expect(final).toEqual(told);
    },
    { within: 15_000 },
  );
  await home.run('long0', { type: 'step' });
  await relay.stop();
  await first.stop();
  home.relay(home.tenure('b'), { bus: home.connect() });
  await eventually(async () => expect(await home.drained()).toBe(true), { within: 10_000 });
  expectWhole(await streamed(home.bus), new Map([['long0', [...(expected.get('long0') ?? []), 132]]]));
});

it('waits for NATS and catches up, also when its store is gone', async () => {
  const own = await killableParts();
  await own.natsServer.kill();
  await using home = await house(own);
  const tenure = home.tenure('a');
  home.relay(tenure, { settlesAfter: 100 });
  const expected = await write(home, 3, 3);
  await eventually(() => expect(tenure.holds()).toBe(true));
  expect(await home.drained()).toBe(false);
  await own.natsServer.start();
  await eventually(async () => expect(await home.drained()).toBe(true), { within: 10_000 });
  expectWhole(await streamed(home.bus), expected);

  await eventually(async () => expect(await home.settled()).toBe(true), { within: 10_000 });
  const last = await write(home, 3, 3, 'm');
  await eventually(async () => expect(await home.drained()).toBe(true));
  await own.natsServer.kill();
  await rm(`${own.directory}/nats/store`, { recursive: true });
  const later = await write(home, 3, 3, 'l');
  await own.natsServer.start();
  await eventually(async () => expect(await home.drained()).toBe(true), { within: 10_000 });
  // What had gone into the lost stream in the last seconds may have reached nobody, so it goes out again.
  expectWhole(await streamed(home.bus), new Map([...last, ...later]));

  // Also where nothing is written: who follows waits for the stream to be there.
  await own.natsServer.kill();
  await rm(`${own.directory}/nats/store`, { recursive: true });
  await own.natsServer.start();
  await eventually(async () => expect(await streamState(connectionOf(home.bus), streamOf('tickets'))).toBeDefined(), {
    within: 10_000,
  });
});

it('finds that this server refuses a batch with a duplicate, and tells why', async () => {
  await using home = await house();
  await eventually(() => expect(home.bus.connected()).toBe(true));
  const connection = connectionOf(home.bus);
  expect(await batchesHold(connection, 'tickets')).toBe(true);
  const { last } = await home.bus.ensureStream('tickets');
  const message = (id: string) => ({
    subject: `ev.tickets.ticket-noted.45.99._._._._`,
    payload: new TextEncoder().encode('{}'),
    id,
    collection: 'errands',
  });
  expect(await publishBatch(connection, [message('a:1'), message('a:2')], last)).toEqual({ last: last + 2 });
  expect(await publishBatch(connection, [message('a:3'), message('a:2')], last + 2)).toMatchObject({
    refused: 'duplicate',
    code: 10201,
  });
  expect(await publishBatch(connection, [message('a:3'), message('a:4')], last)).toMatchObject({ refused: 'behind' });
  expect(await publishBatch(connection, [message('a:3')], last)).toMatchObject({ refused: 'behind' });
});
