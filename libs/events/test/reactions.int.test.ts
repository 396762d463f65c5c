import { rm } from 'node:fs/promises';
import { eventually, killableParts } from '@bandeng/testing';
import { jetstream } from '@nats-io/jetstream';
import { expect, it } from 'vitest';
import { MAX_EVENT_BYTES } from '../src/cloudevents.ts';
import {
  type Bus,
  type CloudEvent,
  type DeadLetters,
  NotNow,
  on,
  openDeadLetters,
  type ReactionDefinition,
  type Reactions,
  skip,
  startReactions,
  type Tenure,
} from '../src/index.ts';
import { connectionOf, type House, house, inject, quiet, sample } from './errands.ts';

/** What was handled, in the order in which it was done. */
interface Handled {
  readonly done: string[];
  readonly definition: ReactionDefinition;
}

/** A reaction that notes each event when it is through with it. */
function noting(before: (event: CloudEvent) => Promise<void> | void = () => undefined): Handled {
  const done: string[] = [];
  const definition = on('bandeng.tickets.ticket-noted.v1', 'note', async (event) => {
    await before(event);
    return [
      {
        run: async () => {
          done.push(event.id);
        },
      },
    ];
  });
  return { done, definition };
}

interface Started {
  readonly letters: DeadLetters;
  readonly tenure: Tenure;
  readonly reactions: Reactions;
  stop(): Promise<void>;
}

async function start(
  home: House,
  definitions: readonly ReactionDefinition[],
  holder = 'a',
  bus: Bus = home.bus,
): Promise<Started> {
  await eventually(() => expect(bus.connected()).toBe(true));
  await bus.ensureStream('tickets');
  const letters = await openDeadLetters(home.database);
  const tenure = home.tenure(holder);
  const reactions = startReactions({
    service: 'notifications',
    bus,
    tenure,
    definitions,
    deadLetters: letters,
    now: () => new Date(),
    log: quiet,
  });
  const stop = async (): Promise<void> => {
    await reactions.stop();
    await tenure.stop();
  };
  return { letters, tenure, reactions, stop };
}

it('makes a command of an event, with an id, an actor and a trace that follow from it', async () => {
  await using home = await house();
  const calls: unknown[] = [];
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const started = await start(home, [
    on('bandeng.tickets.ticket-noted.v1', 'tell', ({ data, subject }) =>
      subject === 'other'
        ? skip('not ours')
        : ['p1', 'p2'].map((target) => ({
            target,
            run: async (id, context) => void calls.push([id, data.number, context.actor, context.trace]),
          })),
    ),
  ]);
  await inject(home.bus, 'ticket-noted', sample('other', 1));
  await inject(home.bus, 'ticket-noted', sample('t1', 2, { traceparent }));
  await eventually(() =>
    expect(calls).toEqual([
      ['event:t1:2:tell:p1', '2', { system: 'notifications' }, traceparent],
      ['event:t1:2:tell:p2', '2', { system: 'notifications' }, traceparent],
    ]),
  );
  await started.stop();
});

it('handles one aggregate strictly in order while others go on', async () => {
  await using home = await house();
  const gate = Promise.withResolvers<void>();
  const { done, definition } = noting(async ({ subject, sequence }) => {
    if (subject === 'slow' && sequence === '1') await gate.promise;
    else await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
  });
  const started = await start(home, [definition]);
  for (let seq = 1; seq <= 5; seq += 1) {
    for (const id of ['slow', 'x', 'y', 'z']) await inject(home.bus, 'ticket-noted', sample(id, seq));
  }
  await eventually(() => expect(done).toHaveLength(15));
  gate.resolve();
  await eventually(() => expect(done).toHaveLength(20));
  for (const id of ['slow', 'x', 'y', 'z']) {
    expect(done.filter((event) => event.startsWith(`${id}:`))).toEqual([1, 2, 3, 4, 5].map((seq) => `${id}:${seq}`));
  }
  await started.stop();
});

it('gives up poison of each kind, once, and handles the next message within a second', async () => {
  await using home = await house();
  const { done, definition } = noting(({ subject }) => {
    if (subject === 'failing') throw new Error('cannot');
  });
  const started = await start(home, [definition]);
  await eventually(() => expect(started.tenure.holds()).toBe(true));
  const poison: [string, string | object][] = [
    ['malformed', '{"specversion":'],
    ['malformed', sample('m', 1, { data: [] })],
    ['unknown-type', sample('u', 1, { type: 'bandeng.tickets.ticket-vanished.v1' })],
    ['unknown-type', sample('o', 1, { type: 'bandeng.orggraph.unit-registered.v1' })],
    ['too-large', `"${'x'.repeat(MAX_EVENT_BYTES)}"`],
    ['failed', sample('failing', 1)],
  ];
  for (const [index, [, payload]] of poison.entries()) {
    await inject(home.bus, 'ticket-noted', payload);
    const since = performance.now();
    await inject(home.bus, 'ticket-noted', sample('next', index + 1));
    await eventually(() => expect(done).toContain(`next:${index + 1}`));
    expect(performance.now() - since).toBeLessThan(1_000);
  }
  await eventually(async () => {
    const letters = await started.letters.list();
    expect(letters.map(({ reason }) => reason).toSorted()).toEqual(poison.map(([reason]) => reason).toSorted());
  });
  const [failed] = (await started.letters.list()).filter(({ reason }) => reason === 'failed');
  expect(failed).toMatchObject({
    event: '/bandeng/tickets failing:1',
    reaction: 'note',
    tries: 5,
    aggregate: 'failing',
  });
  await started.stop();
});

it('lets the aggregate go on behind its dead letter, and tries the letter again when it is asked to', async () => {
  await using home = await house();
  let broken = true;
  const { done, definition } = noting(({ id }) => {
    if (broken && id === 'e:1') throw new TypeError('a bug');
  });
  const started = await start(home, [definition]);
  await inject(home.bus, 'ticket-noted', sample('e', 1));
  await inject(home.bus, 'ticket-noted', sample('e', 2));
  await eventually(() => expect(done).toEqual(['e:2']));
  const [letter] = await started.letters.list({ status: 'open' });
  expect(letter).toMatchObject({ problem: 'TypeError: a bug', tries: 5 });
  const id = letter?.id ?? '';
  expect(await started.letters.requeue(id)).toBe(true);
  await eventually(async () => expect(await started.letters.show(id)).toMatchObject({ status: 'open' }));
  broken = false;
  expect(await started.letters.requeue(id)).toBe(true);
  expect(await started.letters.requeue(id)).toBe(false);
  await eventually(() => expect(done).toEqual(['e:2', 'e:1']));
  await eventually(async () => expect(await started.letters.show(id)).toMatchObject({ status: 'handled' }));
  await started.stop();
});

it('tries letters again side by side, those of its own stream alone, and says where no reaction is left', async () => {
  await using home = await house();
  const done: string[] = [];
  const started = await start(home, [
    on('bandeng.tickets.ticket-noted.v1', 'tell', ({ subject }) => {
      if (subject === 'waits') throw new NotNow('it is away');
      done.push(subject);
      return [];
    }),
  ]);
  const { letters } = started;
  const store = (event: string, reaction: string, stream: string) =>
    letters.store({
      ...{
        event: `/bandeng/tickets ${event}:1`,
        reaction,
        stream,
        aggregate: event,
        type: 'bandeng.tickets.ticket-noted.v1',
      },
      ...{ reason: 'failed', problem: 'it was away', sequence: 1, tries: 5 },
      at: new Date(done.length).toISOString(),
      raw: JSON.stringify(sample(event, 1)),
    });
  for (let index = 0; index < 30; index += 1) await store(`elsewhere-${index}`, 'tell', 'EV_ORGGRAPH');
  await store('renamed', 'was-called-so', 'EV_TICKETS');
  await store('waits', 'tell', 'EV_TICKETS');
  await store('goes', 'tell', 'EV_TICKETS');
  for (const { id } of await letters.list({ limit: 50 })) await letters.requeue(id);
  const mine = async () =>
    (await letters.list({ limit: 50 }))
      .filter(({ stream }) => stream === 'EV_TICKETS')
      .map(({ aggregate, status, problem }) => [aggregate, status, problem])
      .sort();
  await eventually(async () => {
    expect(await mine()).toEqual([
      ['goes', 'handled', 'it was away'],
      ['renamed', 'open', 'there is no such reaction'],
      ['waits', 'requeued', 'it was away'],
    ]);
  });
  expect(done).toEqual(['goes']);
  await started.stop();
});

it('tries a message again that could not be told apart, and gives it up under the name of its reaction', async () => {
  await using home = await house();
  let tried = 0;
  const { definition } = noting(() => {
    tried += 1;
    throw new TypeError('a bug');
  });
  const started = await start(home, [definition]);
  const { letters } = started;
  // By a release that did not know the type.
  await letters.store({
    ...{ event: 'EV_TICKETS@then:1', reaction: 'notifications-tickets', stream: 'EV_TICKETS', aggregate: '', type: '' },
    ...{ reason: 'unknown-type', problem: 'nobody knows it', sequence: 1, tries: 1, at: new Date(0).toISOString() },
    raw: JSON.stringify(sample('e', 1)),
  });
  const [unknown] = await letters.list();
  await letters.requeue(unknown?.id ?? '');
  const outcome = async () =>
    (await letters.list()).map(({ reaction, status, tries }) => [reaction, status, tries]).sort();
  await eventually(async () => {
    expect(await outcome()).toEqual([
      ['note', 'open', 5],
      ['notifications-tickets', 'handled', 1],
    ]);
  });
  // Requeued letters are looked for each second.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(tried).toBe(5);
  await started.stop();
});

it('waits for what is away for a while, without counting', async () => {
  await using home = await house();
  let away = 0;
  const { done, definition } = noting(() => {
    away += 1;
    if (away <= 6) throw new NotNow('away');
  });
  const started = await start(home, [definition]);
  await inject(home.bus, 'ticket-noted', sample('e', 1));
  await inject(home.bus, 'ticket-noted', sample('e', 2));
  await eventually(() => expect(done).toEqual(['e:1', 'e:2']), { within: 10_000 });
  expect(await started.letters.list()).toEqual([]);
  await started.stop();
});

it('goes on in order where the former holder was, when the lease changes hands', async () => {
  await using home = await house();
  const stuck = Promise.withResolvers<void>();
  const first = noting(async ({ sequence }) => {
    if (Number(sequence) === 4) await stuck.promise;
  });
  const one = await start(home, [first.definition], 'one');
  for (let seq = 1; seq <= 6; seq += 1) await inject(home.bus, 'ticket-noted', sample('e', seq));
  await eventually(() => expect(first.done).toEqual(['e:1', 'e:2', 'e:3']));
  // As if it had been stopped: the lease goes, its process does not know what else to do.
  await one.tenure.stop();
  const second = noting();
  const two = await start(home, [second.definition], 'two', home.connect());
  await eventually(() => expect(second.done).toEqual(['e:4', 'e:5', 'e:6']));
  stuck.resolve();
  await one.reactions.stop();
  await inject(home.bus, 'ticket-noted', sample('e', 7));
  await eventually(() => expect(second.done).toEqual(['e:4', 'e:5', 'e:6', 'e:7']));
  expect(first.done).not.toContain('e:5');
  await two.stop();
});

it('begins again where it was when somebody else takes a message from its durable', async () => {
  await using home = await house();
  const { done, definition } = noting();
  const started = await start(home, [definition]);
  await inject(home.bus, 'ticket-noted', sample('e', 1));
  await eventually(() => expect(done).toEqual(['e:1']));
  const other = await jetstream(connectionOf(home.bus)).consumers.get('EV_TICKETS', 'notifications-tickets');
  const taken = await other.fetch({ max_messages: 1, expires: 5_000 });
  const ids = ['e:1'];
  const sending = (async () => {
    for (let seq = 2; seq <= 20; seq += 1) {
      await inject(home.bus, 'ticket-noted', sample('e', seq));
      ids.push(`e:${seq}`);
    }
  })();
  let stolen: string | undefined;
  for await (const message of taken) stolen = message.json<{ id: string }>().id;
  await sending;
  expect(ids).toContain(stolen);
  // Behind the gap none was handled before the one that was taken; what was handled twice has no second effect.
  await eventually(() => expect([...new Set(done)]).toEqual(ids), { within: 10_000 });
  await started.stop();
});

it('begins again by itself after NATS was away, and after its store was lost', async () => {
  const own = await killableParts();
  await using home = await house(own);
  const { done, definition } = noting();
  const started = await start(home, [definition]);
  await inject(home.bus, 'ticket-noted', sample('e', 1));
  await eventually(() => expect(done).toEqual(['e:1']));
  await own.natsServer.kill();
  await eventually(() => expect(home.bus.connected()).toBe(false));
  await own.natsServer.start();
  await eventually(() => expect(home.bus.connected()).toBe(true));
  await inject(home.bus, 'ticket-noted', sample('e', 2));
  await eventually(() => expect(done).toEqual(['e:1', 'e:2']));

  await own.natsServer.kill();
  await eventually(() => expect(home.bus.connected()).toBe(false));
  await rm(`${own.directory}/nats/store`, { recursive: true });
  await own.natsServer.start();
  await eventually(() => expect(home.bus.connected()).toBe(true));
  await eventually(() => home.bus.ensureStream('tickets'));
  await inject(home.bus, 'ticket-noted', sample('e', 3));
  await eventually(() => expect(done).toEqual(['e:1', 'e:2', 'e:3']));
  await started.stop();
});

it('goes on when the lease was lost while it was beginning, and is held again', async () => {
  await using home = await house();
  await eventually(() => expect(home.bus.connected()).toBe(true));
  await home.bus.ensureStream('tickets');
  const ids = Array.from({ length: 20 }, (_, number) => `t${number}`);
  for (const id of ids) await inject(home.bus, 'ticket-noted', sample(id, 1));
  const tenure = home.tenure('a');
  const listeners = new Set<(held: boolean) => void>();
  let lost = false;
  let begun = false;
  const change = (held: boolean): void => {
    lost = !held;
    for (const listener of listeners) listener(held);
  };
  const { done, definition } = noting();
  const reactions = startReactions({
    service: 'notifications',
    bus: home.bus,
    tenure: {
      ...tenure,
      holds: () => !lost && tenure.holds(),
      onChange(listener) {
        listeners.add(listener);
        const off = tenure.onChange(listener);
        return () => {
          listeners.delete(listener);
          off();
        };
      },
      lease: {
        ...tenure.lease,
        // What is written first is where it begins; the messages are asked for after that.
        async write(fields) {
          const kept = await tenure.lease.write(fields);
          if (!begun) {
            change(false);
            setTimeout(change, 500, true);
          }
          begun = true;
          return kept;
        },
      },
    },
    definitions: [definition],
    deadLetters: await openDeadLetters(home.database),
    now: () => new Date(),
    log: quiet,
  });
  await eventually(() => expect(new Set(done)).toEqual(new Set(ids.map((id) => `${id}:1`))), { within: 10_000 });
  await reactions.stop();
});
