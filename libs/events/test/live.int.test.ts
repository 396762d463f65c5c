import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { eventually, killableParts, parts } from '@bandeng/testing';
import { expect, it } from 'vitest';
import { MAX_EVENT_BYTES } from '../src/cloudevents.ts';
import { type Bus, connectBus, everything, type LiveEvent, type LiveFilter, type Subscription } from '../src/index.ts';
import { connectionOf, type House, house, inject, quiet, sample } from './errands.ts';

interface Listening {
  readonly subscription: Subscription;
  readonly events: LiveEvent[];
  readonly signs: string[];
  ids(): string[];
}

async function listen(bus: Bus, filter: LiveFilter, services: string | string[] = 'tickets'): Promise<Listening> {
  const events: LiveEvent[] = [];
  const signs: string[] = [];
  const subscription = bus.live(services, filter, {
    event: (event) => void events.push(event),
    gone: () => void signs.push('gone'),
    silent: () => void signs.push('silent'),
    heard: () => void signs.push('heard'),
  });
  await subscription.ready;
  return { subscription, events, signs, ids: () => events.map(({ event }) => event.id) };
}

async function readyHouse(home: House): Promise<House> {
  await eventually(() => expect(home.bus.connected()).toBe(true));
  await home.bus.ensureStream('tickets');
  return home;
}

it('tells what happens in a territory and below, of the types asked for', async () => {
  await using home = await readyHouse(await house());
  home.relay(home.tenure('a'));
  const district = await listen(home.bus, { territory: '459902' });
  const two = await listen(home.bus, { territory: ['459903', '459902', '459902001'] });
  const notes = await listen(home.bus, { types: ['bandeng.tickets.ticket-noted.v1'] });
  const compound = await listen(home.bus, { territory: '459902001001501' });
  const none = await listen(home.bus, { types: ['bandeng.tickets.ticket-invented.v1'] });
  for (const [id, place] of [
    ['here', '459902001001501'],
    ['there', '459903'],
    ['house', '459902001001501001'],
    ['city', ''],
  ] as const) {
    await home.run(id, { type: 'open', place });
    await home.run(id, { type: 'step' });
  }
  await eventually(() => expect(notes.ids().toSorted()).toEqual(['city:2', 'here:2', 'house:2', 'there:2']));
  await eventually(() => expect(district.ids().toSorted()).toEqual(['here:1', 'here:2', 'house:1', 'house:2']));
  await eventually(() => expect(two.ids()).toHaveLength(6));
  expect(compound.ids().toSorted()).toEqual(['here:1', 'here:2', 'house:1', 'house:2']);
  expect(none.ids()).toEqual([]);
  expect(() => home.bus.live('tickets', { territory: 'x.>' }, { event: () => undefined })).toThrow('not a territory');
  for (const { subscription } of [district, two, notes, compound, none]) await subscription.close();
});

it('resumes behind a position, and an event whose handler failed comes again', async () => {
  await using home = await readyHouse(await house());
  const first = await listen(home.bus, {});
  for (let seq = 1; seq <= 4; seq += 1) await inject(home.bus, 'ticket-noted', sample('e', seq));
  await eventually(() => expect(first.ids()).toEqual(['e:1', 'e:2', 'e:3', 'e:4']));
  expect(first.subscription.position()).toBe(first.events.at(-1)?.position);
  await first.subscription.close();

  const second = await listen(home.bus, { after: first.events[1]?.position ?? '' });
  await eventually(() => expect(second.ids()).toEqual(['e:3', 'e:4']));
  await second.subscription.close();

  const seen: string[] = [];
  const third = home.bus.live(
    'tickets',
    { after: 'start' },
    {
      event({ event }) {
        seen.push(event.id);
        if (event.id === 'e:2' && seen.length === 2) throw new Error('not now');
      },
    },
  );
  await eventually(() => expect(seen).toEqual(['e:1', 'e:2', 'e:2', 'e:3', 'e:4']));
  await third.close();
});

it('leaves out what is too large, of no type that the stream may hold, or no event at all', async () => {
  await using home = await readyHouse(await house());
  const listening = await listen(home.bus, {});
  for (const bad of [
    '{"specversion":',
    `"${'x'.repeat(MAX_EVENT_BYTES)}"`,
    sample('a', 1, { type: 'bandeng.tickets.ticket-noted.v1\n\ndata: {}' }),
    sample('b', 1, { type: 'bandeng.orggraph.unit-registered.v1' }),
  ]) {
    await inject(home.bus, 'ticket-noted', bad);
  }
  await inject(home.bus, 'ticket-noted', sample('good', 1));
  await eventually(() => expect(listening.ids()).toEqual(['good:1']));
  await listening.subscription.close();
});

it('follows several streams with one position, and tells what a new stream holds from its start', async () => {
  await using home = await readyHouse(await house());
  const both = home.bus.live(['tickets', 'orggraph'], { after: 'now' }, { event: () => undefined });
  await eventually(() => expect(both.position()).toMatch(/^EV_TICKETS@[\da-z]+:0$/));
  const position = both.position();
  await both.close();
  await home.bus.ensureStream('orggraph');
  const event = sample('u', 1, { source: '/bandeng/orggraph', type: 'bandeng.orggraph.unit-registered.v1' });
  await connectionOf(home.bus).request('ev.orggraph.unit-registered.45.99._._._._', JSON.stringify(event));
  await inject(home.bus, 'ticket-noted', sample('e', 1));
  const later = await listen(home.bus, { after: position }, ['tickets', 'orggraph']);
  await eventually(() => expect(later.ids().toSorted()).toEqual(['e:1', 'u:1']));
  expect(later.subscription.position()).toMatch(/^EV_.+:1,EV_.+:1$/);
  await later.subscription.close();
});

it('says that a position is gone: of another incarnation, ahead of the stream, or no position at all', async () => {
  await using home = await readyHouse(await house());
  await inject(home.bus, 'ticket-noted', sample('e', 1));
  const { subscription } = await listen(home.bus, { after: 'start' });
  const position = subscription.position();
  await subscription.close();
  for (const after of [
    position.replace(/@[\da-z]+/, '@abc'),
    position.replace(/\d+$/, '9'),
    'EV_TICKETS:9',
    'nonsense',
  ]) {
    const { signs } = await listen(home.bus, { after });
    await eventually(() => expect(signs).toEqual(['gone']));
  }
});

it('ends at once while NATS is away, and so does a bus whose first connection hangs', async () => {
  const own = await killableParts();
  await using home = await readyHouse(await house(own));
  const { subscription, ids } = await listen(home.bus, {});
  await inject(home.bus, 'ticket-noted', sample('e', 1));
  await eventually(() => expect(ids()).toEqual(['e:1']));
  await own.natsServer.kill();
  const started = performance.now();
  await subscription.close();
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const bus = connectBus({ url: `nats://127.0.0.1:${port}`, name: 'test', log: quiet });
  await once(silent, 'connection');
  await bus.close();
  expect(performance.now() - started).toBeLessThan(3_000);
  silent.close();
});

it('survives a restart of NATS, tells of silence, and is gone when the stream is rebuilt', async () => {
  const own = await killableParts();
  await using home = await readyHouse(await house(own));
  const { subscription, ids, signs } = await listen(home.bus, { silentAfter: 1_000 });
  await inject(home.bus, 'ticket-noted', sample('e', 1));
  await eventually(() => expect(ids()).toEqual(['e:1']));
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(signs).toEqual([]);
  await own.natsServer.kill();
  await eventually(() => expect(signs).toEqual(['silent']));
  expect(subscription.silent()).toBe(true);
  await own.natsServer.start();
  await eventually(() => expect(signs).toEqual(['silent', 'heard']), { within: 10_000 });
  await inject(home.bus, 'ticket-noted', sample('e', 2));
  await eventually(() => expect(ids()).toEqual(['e:1', 'e:2']), { within: 10_000 });

  await own.natsServer.kill();
  await eventually(() => expect(home.bus.connected()).toBe(false));
  await rm(`${own.directory}/nats/store`, { recursive: true });
  await own.natsServer.start();
  await eventually(() => home.bus.ensureStream('tickets'), { within: 10_000 });
  await eventually(() => expect(signs.at(-1)).toBe('gone'), { within: 10_000 });
  await subscription.close();
});

it('hints are heard by all who listen, those of one moment together, and as everything when one may have been missed', async () => {
  const { natsUrl, dispose } = await parts();
  const [speaker, one, other] = ['speaker', 'one', 'other'].map((name) =>
    connectBus({ url: natsUrl, name, log: quiet }),
  );
  if (speaker === undefined || one === undefined || other === undefined) throw new Error('no bus');
  try {
    const heard: string[][] = [];
    const alsoHeard: string[][] = [];
    const end = one.onHint('notifications', (what) => void heard.push([...what]));
    other.onHint('notifications', (what) => void alsoHeard.push([...what]));
    // Whoever begins to listen does not know what there was.
    await eventually(() => expect([heard, alsoHeard]).toEqual([[[everything]], [[everything]]]));
    await eventually(() => expect(speaker.connected()).toBe(true));
    // They are heard from when the server knows who listens.
    await Promise.all([one, other].map((bus) => bus.connection()?.flush()));
    for (const what of ['a', 'b', 'a']) speaker.hint('notifications', what);
    speaker.hint('tickets', 'nobody listens');
    // Nor do others know what whoever begins to speak would have said before.
    const first = [[everything], [everything, 'a', 'b']];
    await eventually(() => expect([heard, alsoHeard]).toEqual([first, first]));
    end();
    for (let person = 0; person <= 5_000; person++) speaker.hint('notifications', `${person}`);
    await eventually(() => expect(alsoHeard.slice(2)).toEqual([[everything]]));
    await speaker.connection()?.reconnect();
    await eventually(() => expect(alsoHeard.slice(3)).toEqual([[everything]]));
    const early = connectBus({ url: natsUrl, name: 'early', log: quiet });
    expect(early.connected()).toBe(false);
    early.hint('notifications', 'lost');
    await eventually(() => expect(alsoHeard.slice(4)).toEqual([[everything]]));
    expect(heard).toEqual(first);
    await early.close();
    const own: (readonly string[])[] = [];
    speaker.onHint('tickets', (what) => void own.push(what));
    speaker.hint('tickets', 'a ticket');
    await eventually(() => expect(own).toEqual([[everything], ['a ticket']]));
    const alone = connectBus({ url: 'nats://127.0.0.1:1', name: 'alone', log: quiet });
    alone.onHint('tickets', (what) => void own.push(what));
    alone.hint('tickets', 'heard without NATS');
    await eventually(() => expect(own.slice(2)).toEqual([['heard without NATS']]));
    await alone.close();
  } finally {
    await Promise.all([speaker, one, other].map((bus) => bus.close()));
    await dispose();
  }
});
