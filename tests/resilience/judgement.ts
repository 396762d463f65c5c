import { type CloudEvent, parseCloudEvent } from '@bandeng/events';
import { progressOf } from '@bandeng/records';
import { keyHash } from '@bandeng/rpc';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { type Db, MongoClient, type Timestamp } from 'mongodb';
import type { Ledger } from './ledger.ts';

/** What a fault did. Every list is empty when nothing went wrong. */
export interface Judgement {
  /** Answered as done, not stored. */
  readonly lost: string[];
  /** Stored though nobody asked for it or it was refused, or stored twice for one asking. */
  readonly phantom: string[];
  /** A transition without a message on the stream. */
  readonly eventLost: string[];
  readonly eventDoubled: string[];
  /** An event that not everybody whom it concerns was told of, or somebody was told twice. */
  readonly effectLost: string[];
  readonly effectDoubled: string[];
  /** A message on the stream, or a notice, that came after that of a later event of the same ticket. */
  readonly disorder: string[];
  /** Something that still waits to be published. */
  readonly stranded: string[];
}

export const allWell: Judgement = {
  lost: [],
  phantom: [],
  eventLost: [],
  eventDoubled: [],
  effectLost: [],
  effectDoubled: [],
  disorder: [],
  stranded: [],
};

/** How many are told: of an order the orderer and the community's one dispatcher, of its withdrawal the dispatcher,
 * of a note the orderer. */
const toldOf: Readonly<Record<string, number>> = { ordered: 2, withdrawn: 1, 'noted-for-resident': 1 };

interface Entry {
  readonly id: string;
  readonly seq: number;
  readonly command: string;
  readonly type: string;
  readonly at: Date;
}

interface MovedEntry extends Omit<Entry, 'id'> {
  readonly _id: string;
  readonly aggregate: string;
}

interface StoredTicket {
  readonly _id: string;
  readonly version: number;
  readonly written?: Timestamp;
  readonly history: readonly Entry[];
}

interface StoredNotice {
  readonly _id: string;
  readonly ticket: string;
  readonly event: string;
  readonly to: readonly string[];
  readonly history: readonly Entry[];
}

export interface Place {
  readonly mongodbUri: string;
  readonly natsUrl: string;
  readonly databasePrefix: string;
}

/** Judges what the ledger says against what is stored, published and told. Call it when everything has healed and drained. */
export async function judge(ledger: Ledger, place: Place): Promise<Judgement> {
  const mongo = await MongoClient.connect(place.mongodbUri);
  try {
    const database = mongo.db(`${place.databasePrefix}_tickets`);
    const tickets = await ticketsOf(database);
    const told = (await progressOf(database))?.told.tickets;
    const notices = await mongo
      .db(`${place.databasePrefix}_notifications`)
      .collection<StoredNotice>('notices')
      .find({})
      .toArray();
    const events = await eventsOf(place.natsUrl);
    return {
      ...judgeCommands(ledger, tickets),
      ...judgeEvents(tickets, events),
      ...judgeNotices(tickets, notices),
      disorder: [...disorderOfEvents(events), ...disorderOfNotices(notices)],
      stranded: tickets.filter(({ written }) => told === undefined || written?.greaterThan(told)).map(({ _id }) => _id),
    };
  } finally {
    await mongo.close();
  }
}

/** The tickets that were ordered over HTTP, each with its whole history. */
async function ticketsOf(database: Db): Promise<StoredTicket[]> {
  const stored = await database.collection<StoredTicket>('tickets').find({}).toArray();
  const moved = await database.collection<MovedEntry>('tickets_history').find({}).toArray();
  const movedOf = Map.groupBy(moved, ({ aggregate }) => aggregate);
  return stored
    .map((ticket) => {
      const known = new Set(ticket.history.map(({ seq }) => seq));
      // While entries move out they lie in both places.
      const before = (movedOf.get(ticket._id) ?? [])
        .filter(({ seq }) => !known.has(seq))
        .map(({ _id: id, ...entry }) => ({ ...entry, id }));
      return { ...ticket, history: [...before, ...ticket.history].toSorted((one, other) => one.seq - other.seq) };
    })
    .filter(({ history }) => history[0]?.command.startsWith('http:'));
}

/** `http:<person>:<rpc>:<hash of the key>` */
const hashIn = (command: string): string => command.slice(command.lastIndexOf(':') + 1);

function judgeCommands(ledger: Ledger, tickets: readonly StoredTicket[]): Pick<Judgement, 'lost' | 'phantom'> {
  const { answered, intended, refused } = ledger.lines();
  const versions = new Map<string, number>();
  const phantom: string[] = [];
  const keys = new Map([...intended].map((key) => [keyHash(key), key]));
  for (const { _id, history } of tickets) {
    for (const { command, seq } of history) {
      if (!command.startsWith('http:')) continue;
      const hash = hashIn(command);
      const key = keys.get(hash) ?? hash;
      const place = `${_id} ${key}`;
      if (!intended.has(key) || refused.has(key)) phantom.push(place);
      versions.set(place, Math.min(seq, versions.get(place) ?? seq));
    }
  }
  const places = [...versions.keys()];
  const times = count(places.map((place) => place.slice(place.indexOf(' ') + 1)));
  return {
    lost: [...answered]
      .filter(([key, { id, version }]) => (versions.get(`${id} ${key}`) ?? Number.POSITIVE_INFINITY) > version)
      .map(([key]) => key),
    phantom: [...phantom, ...several(times).map((key) => `${key}: several tickets`)],
  };
}

function judgeEvents(
  tickets: readonly StoredTicket[],
  events: readonly CloudEvent[],
): Pick<Judgement, 'eventLost' | 'eventDoubled'> {
  const times = count(events.map(({ id }) => id));
  return {
    eventLost: tickets.flatMap(({ history }) => history.map(({ id }) => id)).filter((id) => !times.has(id)),
    eventDoubled: several(times),
  };
}

function judgeNotices(
  tickets: readonly StoredTicket[],
  notices: readonly StoredNotice[],
): Pick<Judgement, 'effectLost' | 'effectDoubled'> {
  const tellings = count(notices.flatMap((notice) => notice.to.map(() => eventOf(notice))));
  const each = count(notices.flatMap((notice) => notice.to.map((address) => `${eventOf(notice)} ${address}`)));
  const entries = tickets.flatMap(({ history }) => history);
  return {
    effectLost: entries.filter(({ id, type }) => (tellings.get(id) ?? 0) < (toldOf[type] ?? 0)).map(({ id }) => id),
    effectDoubled: [
      ...several(each),
      ...entries.filter(({ id, type }) => (tellings.get(id) ?? 0) > (toldOf[type] ?? 1_000)).map(({ id }) => id),
    ],
  };
}

/** The event that a notice tells of: its command is `event:<aggregate>:<seq>:<reaction>…`. */
function eventOf({ history }: StoredNotice): string {
  return (history[0]?.command ?? '').split(':').slice(1, 3).join(':');
}

function disorderOfEvents(events: readonly CloudEvent[]): string[] {
  const last = new Map<string, number>();
  return events.flatMap(({ subject, sequence, id }) => {
    const before = last.get(subject) ?? 0;
    last.set(subject, Math.max(before, Number(sequence)));
    return Number(sequence) < before ? [id] : [];
  });
}

/** Whoever handles the events of a ticket in order has posted the notice of one before that of the next. */
function disorderOfNotices(notices: readonly StoredNotice[]): string[] {
  const wrong: string[] = [];
  for (const [, told] of Map.groupBy(notices, ({ ticket }) => ticket)) {
    let latest = 0;
    const inOrder = told.toSorted((one, other) => sequenceOf(one) - sequenceOf(other));
    for (const [sequence, same] of Map.groupBy(inOrder, sequenceOf)) {
      const times = same.map(({ history }) => history[0]?.at.getTime() ?? 0);
      if (Math.min(...times) < latest) wrong.push(`${same[0]?.ticket}:${sequence} was told late`);
      latest = Math.max(latest, ...times);
    }
  }
  return wrong;
}

const sequenceOf = (notice: StoredNotice): number => Number(eventOf(notice).split(':')[1]);

function count(keys: readonly string[]): Map<string, number> {
  const counted = new Map<string, number>();
  for (const key of keys) counted.set(key, (counted.get(key) ?? 0) + 1);
  return counted;
}

const several = (times: ReadonlyMap<string, number>): string[] =>
  [...times].filter(([, number]) => number > 1).map(([key]) => key);

/** The events of tickets as they lie in their stream; what is no event is left out. */
async function eventsOf(url: string): Promise<CloudEvent[]> {
  const { username: user, password: pass, host } = new URL(url);
  const connection = await connect({ servers: host, ...(user ? { user, pass } : {}) });
  try {
    const { state } = await (await jetstreamManager(connection)).streams.info('EV_TICKETS');
    const events: CloudEvent[] = [];
    if (state.messages === 0) return events;
    const consumer = await jetstream(connection).consumers.get('EV_TICKETS');
    for await (const message of await consumer.consume()) {
      const event = parseCloudEvent(message.data);
      if (!('malformed' in event)) events.push(event);
      if (message.info.pending === 0) break;
    }
    return events;
  } finally {
    await connection.close();
  }
}
