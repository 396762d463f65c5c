import { appendFileSync, readFileSync } from 'node:fs';
import type { CloudEvent } from '@bandeng/events';
import { MongoClient } from 'mongodb';
import { publishedEvents } from '../journeys/published.ts';

/** What was asked for and what was answered, written down as it happens: the witness after a fault. */
export interface Ledger {
  /** Before the call. */
  intend(key: string): void;
  /** After the answer that counts. */
  answered(key: string, id: string, version: number): void;
  /** Everything that was written down. */
  lines(): {
    readonly intended: ReadonlySet<string>;
    readonly answered: ReadonlyMap<string, { id: string; version: number }>;
  };
}

/** A ledger in a file, so that it outlives whatever is killed. */
export function openLedger(file: string): Ledger {
  appendFileSync(file, '');
  const write = (line: object): void => appendFileSync(file, `${JSON.stringify(line)}\n`);
  return {
    intend: (key) => write({ key }),
    answered: (key, id, version) => write({ key, id, version }),
    lines() {
      const intended = new Set<string>();
      const answered = new Map<string, { id: string; version: number }>();
      for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
        const { key, id, version } = JSON.parse(line);
        if (id === undefined) intended.add(key);
        else answered.set(key, { id, version });
      }
      return { intended, answered };
    },
  };
}

/** What a fault did. Every list is empty when nothing went wrong. */
export interface Judgement {
  /** Answered as done, not stored. */
  readonly lost: string[];
  /** Stored, never asked for, or twice for one asking. */
  readonly phantom: string[];
  /** A transition without a message on the stream. */
  readonly eventLost: string[];
  readonly eventDoubled: string[];
  /** An event that nobody whom it concerns was told of, or told twice. */
  readonly effectLost: string[];
  readonly effectDoubled: string[];
  /** A message that came before an earlier one of the same ticket. */
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

/**
 * Judges what the ledger says against what is stored, published and told. Call it when everything has healed and drained.
 * @param told how many people are told of the order of a ticket
 */
export async function judge(
  ledger: Ledger,
  place: { mongodbUri: string; natsUrl: string; databasePrefix: string },
  told: number,
): Promise<Judgement> {
  const mongo = await MongoClient.connect(place.mongodbUri);
  try {
    const { answered, intended } = ledger.lines();
    const database = (service: string) => mongo.db(`${place.databasePrefix}_${service}`);
    const stored = await database('tickets')
      .collection<{
        _id: string;
        version: number;
        history: { id: string; command: string; seq: number }[];
        unpublishedSince?: Date;
      }>('tickets')
      .find({ 'history.0.command': /^http:/ })
      .toArray();
    const byId = new Map(stored.map((document) => [document._id, document]));
    const done = [...answered.values()];
    const asked = new Set(done.map(({ id }) => id));
    const events = await publishedEvents(place.natsUrl, ['TICKETS']);
    const times = count(events.map(({ id }) => id));
    const entries = stored.flatMap(({ history }) => history.map(({ id }) => id));
    const notices = await database('notifications')
      .collection<{ ticket: string; event: string; to: string }>('notices')
      .find({})
      .toArray();
    const orders = notices.filter(({ event }) => event === 'bandeng.tickets.ticket-ordered.v1');
    const tellings = count(orders.map(({ ticket }) => ticket));
    const recipients = count(notices.map(({ ticket, event, to }) => `${ticket} ${event} ${to}`));
    return {
      lost: done.filter(({ id, version }) => (byId.get(id)?.version ?? 0) < version).map(({ id }) => id),
      phantom: [
        ...stored.filter(({ _id }) => !asked.has(_id)).map(({ _id }) => _id),
        ...(asked.size < intended.size ? ['two intents, one ticket'] : []),
      ],
      eventLost: entries.filter((id) => !times.has(id)),
      eventDoubled: [...times].filter(([, number]) => number > 1).map(([id]) => id),
      effectLost: stored.filter(({ _id }) => (tellings.get(_id) ?? 0) < told).map(({ _id }) => _id),
      effectDoubled: [...recipients].filter(([, number]) => number > 1).map(([key]) => key),
      disorder: disorderly(events),
      stranded: stored.filter(({ unpublishedSince }) => unpublishedSince !== undefined).map(({ _id }) => _id),
    };
  } finally {
    await mongo.close();
  }
}

function count(keys: readonly string[]): Map<string, number> {
  const counted = new Map<string, number>();
  for (const key of keys) counted.set(key, (counted.get(key) ?? 0) + 1);
  return counted;
}

function disorderly(events: readonly CloudEvent[]): string[] {
  const last = new Map<string, number>();
  return events.flatMap(({ subject, sequence, id }) => {
    const before = last.get(subject) ?? 0;
    last.set(subject, Math.max(before, Number(sequence)));
    return Number(sequence) < before ? [id] : [];
  });
}
