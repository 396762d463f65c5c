import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Decider, refuse } from '@bandeng/decider';
import {
  type Aggregates,
  connectMongo,
  type Db,
  type Definition,
  type Outbox,
  openRecords,
  progressOf,
  type Records,
} from '@bandeng/records';
import { parts } from '@bandeng/testing';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  type Bus,
  type CloudEvent,
  connectBus,
  type EventHooks,
  type Log,
  type Operations,
  openOperations,
  type Publications,
  type Publishing,
  parseCloudEvent,
  publish,
  publishing,
  type Relay,
  startRelay,
  startTenure,
  streamOf,
  type Tenure,
} from '../src/index.ts';

/** A small aggregate that tells the world in the words of tickets: opening and steps are public, thoughts are not. */
export interface Errand {
  readonly place: string;
  readonly steps: number;
}

export type ErrandCommand =
  | { readonly type: 'open'; readonly place: string }
  | { readonly type: 'step'; readonly remark?: string }
  | { readonly type: 'think' };

export type ErrandEvent =
  | { readonly type: 'opened'; readonly data: { readonly place: string } }
  | { readonly type: 'stepped'; readonly data: { readonly remark: string } }
  | { readonly type: 'thought'; readonly data: Record<string, never> };

type ErrandRefusal = 'not-there' | 'there-already';

const decider: Decider<Errand, ErrandCommand, ErrandEvent, ErrandRefusal> = {
  decide(state, command) {
    if (command.type === 'open') {
      return state === undefined ? [{ type: 'opened', data: { place: command.place } }] : refuse('there-already');
    }
    if (state === undefined) return refuse('not-there');
    return command.type === 'step'
      ? [{ type: 'stepped', data: { remark: command.remark ?? '' } }]
      : [{ type: 'thought', data: {} }];
  },
  evolve(state, event) {
    if (event.type === 'opened') return { place: event.data.place, steps: 0 };
    if (state === undefined) throw new TypeError('an errand begins with opened');
    return event.type === 'stepped' ? { ...state, steps: state.steps + 1 } : state;
  },
};

export const errandDefinition: Definition<Errand, ErrandCommand, ErrandEvent, ErrandRefusal> = {
  name: 'errands',
  decider,
  territories: ({ place }) => (place === '' ? [] : [place]),
};

export const errandPublications: Publications<ErrandEvent, Errand> = {
  opened: ({ data }, { id }) =>
    publish(
      'ticket-ordered',
      { number: id, territory: data.place, category: 'c', urgency: 'ORDINARY', source: 'RESIDENT', orderer: '' },
      data.place,
    ),
  stepped: ({ data }, { state }) => publish('ticket-noted', { number: data.remark, orderer: '' }, state.place),
  thought: 'private',
};

type Errands = Aggregates<Errand, ErrandCommand, ErrandEvent, ErrandRefusal>;

export const quiet: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A service `tickets` with errands, its relay not yet started. */
export interface House extends AsyncDisposable {
  readonly database: Db;
  readonly records: Records;
  readonly errands: Errands;
  readonly bus: Bus;
  readonly publishings: readonly Publishing[];
  readonly operations: Operations;
  /** Opens, steps or thinks, once. */
  run(id: string, command: ErrandCommand, at?: string, silent?: boolean): Promise<void>;
  tenure(holder: string): Tenure;
  relay(
    tenure: Tenure,
    more?: { bus?: Bus; hooks?: EventHooks; publishings?: readonly Publishing[]; settlesAfter?: number },
  ): Relay;
  /** Whether nothing waits to be published. */
  drained(): Promise<boolean>;
  /** Whether all that is published is so for good. */
  settled(): Promise<boolean>;
  connect(): Bus;
}

interface Servers {
  readonly mongodbUri: string;
  readonly natsUrl: string;
  readonly databasePrefix: string;
  dispose(): Promise<void>;
}

export async function house(servers?: Servers): Promise<House> {
  const { mongodbUri, natsUrl, databasePrefix, dispose } = servers ?? (await parts());
  const client = await connectMongo(mongodbUri);
  const database = client.db(`${databasePrefix}_tickets`);
  const leaving: (() => Promise<void>)[] = [];
  const connect = (): Bus => {
    const bus = connectBus({ url: natsUrl, name: 'test', log: quiet });
    leaving.unshift(() => bus.close());
    return bus;
  };
  const bus = connect();
  const records = await openRecords({ database, wake: () => bus.wake('tickets') });
  const errands = await records.define(errandDefinition);
  const publishings = [publishing(errands, errandPublications)];
  const operations = openOperations(database);
  return {
    database,
    records,
    errands,
    bus,
    publishings,
    operations,
    connect,
    async run(id, command, at = new Date().toISOString(), silent = false) {
      const context = { id: `test:${randomUUID()}`, at, actor: { person: 'p1' }, silent };
      const outcome = await errands.run(id, context, () => ({ command }));
      if ('refused' in outcome) throw new Error(outcome.refused);
    },
    tenure(holder) {
      const tenure = startTenure({ lease: records.outbox.lease(holder), log: quiet });
      leaving.unshift(() => tenure.stop());
      return tenure;
    },
    relay(tenure, more = {}) {
      const relay = startRelay({
        service: 'tickets',
        bus: more.bus ?? bus,
        outbox: more.settlesAfter === undefined ? records.outbox : hurried(records.outbox, more.settlesAfter),
        tenure,
        publishings: more.publishings ?? publishings,
        city: '4599',
        operations,
        log: quiet,
        ...(more.hooks === undefined ? {} : { hooks: more.hooks }),
      });
      leaving.unshift(() => relay.stop());
      return relay;
    },
    drained: async () => (await records.outbox.backlog()).documents === 0,
    async settled() {
      // In this order: what is told now is final only if nothing was told between the two questions.
      if ((await records.outbox.backlog()).documents > 0) return false;
      const { told, final } = (await progressOf(database)) ?? {};
      return told !== undefined && isDeepStrictEqual(told, final);
    },
    async [Symbol.asyncDispose]() {
      for (const leave of leaving) await leave();
      await client.close();
      await dispose();
    },
  };
}

/** An outbox whose followings need not wait long until something is final. */
function hurried(outbox: Outbox, settlesAfter: number): Outbox {
  return { ...outbox, follow: (from, options) => outbox.follow(from, { ...options, settlesAfter }) };
}

/** Publications that do something, or fail, whenever they are asked about an entry. */
export function watched(publishings: readonly Publishing[], seen: (entry: string) => void): Publishing[] {
  return publishings.map((one) => ({
    ...one,
    of(entry, document) {
      seen(entry.id);
      return one.of(entry, document);
    },
  }));
}

export function connectionOf(bus: Bus): NatsConnection {
  const connection = bus.connection();
  if (connection === undefined) throw new Error('NATS is away');
  return connection;
}

/** All that lies in the stream of tickets, in its order. */
export async function streamed(bus: Bus): Promise<CloudEvent[]> {
  const { last } = await bus.ensureStream('tickets');
  const events: CloudEvent[] = [];
  if (last === 0) return events;
  const done = Promise.withResolvers<void>();
  const subscription = bus.live(
    'tickets',
    { after: 'start' },
    {
      event({ event, sequence }) {
        events.push(event);
        if (sequence === last) done.resolve();
      },
    },
  );
  await done.promise;
  await subscription.close();
  return events;
}

/** A message put into the stream past the relay. */
export async function inject(bus: Bus, event: string, payload: string | object): Promise<void> {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const subject = `ev.tickets.${event}.45.99.02.001.001.501`;
  const answer = await connectionOf(bus).request(subject, text, { timeout: 2_000 });
  if (!answer.string().includes(streamOf('tickets'))) throw new Error(answer.string());
}

/** A well-formed event of an errand. */
export function sample(aggregate: string, seq: number, more: Partial<CloudEvent> = {}): CloudEvent {
  const event = parseCloudEvent(
    new TextEncoder().encode(
      JSON.stringify({
        specversion: '1.0',
        id: `${aggregate}:${seq}`,
        source: '/bandeng/tickets',
        type: 'bandeng.tickets.ticket-noted.v1',
        subject: aggregate,
        time: new Date().toISOString(),
        datacontenttype: 'application/json',
        data: { number: `${seq}`, orderer: '' },
        sequence: String(seq),
        sequencetype: 'Integer',
        territory: '459902001001501',
      }),
    ),
  );
  if ('malformed' in event) throw new Error(event.malformed);
  return { ...event, ...more };
}
