import { jetstreamManager, StorageType } from '@nats-io/jetstream';
import { headers, type MsgHdrs, type NatsConnection, nuid } from '@nats-io/transport-node';
import { CLOUD_EVENT_JSON } from './cloudevents.ts';

/** A message as it goes into a stream. */
export interface Outgoing {
  readonly subject: string;
  readonly payload: Uint8Array;
  /** Id of the event, by which the stream finds duplicates. */
  readonly id: string;
  /** The collection of the aggregate, by which a relay that takes over finds the document. */
  readonly collection: string;
  /** The trace of the command it comes from. */
  readonly traceparent?: string | undefined;
}

/** The header by which the relay finds the document again. */
export const COLLECTION_HEADER = 'Bandeng-Collection';
/** The header in which NATS itself looks for duplicates; it has the event's id. */
export const ID_HEADER = 'Nats-Msg-Id';

/** At most so many messages go in one batch; the server takes 1,000. */
export const MAX_BATCH = 200;

/** Durable, with the sequence of the last message, or refused by the server with its code. */
export type Published =
  | { readonly last: number }
  | { readonly refused: 'behind' | 'duplicate' | 'other'; readonly code: number; readonly description: string };

const ACK_TIMEOUT = 5_000;
const WRONG_LAST_SEQUENCE = [10071, 10164];
const DUPLICATE_IN_BATCH = 10201;

/**
 * Publishes in order, all or nothing, behind the sequence `after`. Several go as one atomic batch: one fsync for all. Throws
 * when no answer comes; then it is not known whether they are stored.
 */
export async function publishBatch(
  connection: NatsConnection,
  messages: readonly Outgoing[],
  after: number,
): Promise<Published> {
  const last = messages.at(-1);
  if (last === undefined) return { last: after };
  const batch = messages.length === 1 ? undefined : nuid.next();
  messages.forEach((message, index) => {
    if (message !== last) connection.publish(message.subject, message.payload, { headers: heading(message, index) });
  });
  const commit = heading(last, messages.length - 1);
  if (batch !== undefined) commit.append('Nats-Batch-Commit', '1');
  // The client's own commit() hides the code of an error, so it is sent by hand.
  const answer = await connection.request(last.subject, last.payload, { headers: commit, timeout: ACK_TIMEOUT });
  return published(answer.json());

  function heading(message: Outgoing, index: number): MsgHdrs {
    const made = headersOf(message);
    if (index === 0) made.append('Nats-Expected-Last-Sequence', String(after));
    if (batch !== undefined) {
      made.append('Nats-Batch-Id', batch);
      made.append('Nats-Batch-Sequence', String(index + 1));
    }
    return made;
  }
}

/** Publishes one by one, in order; a duplicate counts as published, for it is in the stream. */
export async function publishSingly(
  connection: NatsConnection,
  messages: readonly Outgoing[],
  after: number,
): Promise<Published> {
  let last = after;
  for (const message of messages) {
    const outcome = await publishBatch(connection, [message], last);
    if ('refused' in outcome) return outcome;
    // The ack of a duplicate carries the sequence it has had all along.
    last = Math.max(last, outcome.last);
  }
  return { last };
}

function headersOf(message: Outgoing): MsgHdrs {
  // Each is new: to set one would first look for it.
  const made = headers();
  made.append(ID_HEADER, message.id);
  made.append(COLLECTION_HEADER, message.collection);
  made.append('Content-Type', CLOUD_EVENT_JSON);
  return made;
}

interface Answer {
  readonly seq?: number;
  readonly error?: { readonly err_code?: number; readonly code?: number; readonly description?: string };
}

function published(answer: Answer): Published {
  if (answer.error === undefined && typeof answer.seq === 'number') return { last: answer.seq };
  const code = answer.error?.err_code ?? 0;
  const refused = WRONG_LAST_SEQUENCE.includes(code) ? 'behind' : code === DUPLICATE_IN_BATCH ? 'duplicate' : 'other';
  return { refused, code, description: answer.error?.description ?? 'no acknowledgement' };
}

/**
 * Whether this server keeps the promise that batches rest on: one with a duplicate is refused as a whole. Tried on a small
 * stream in memory that is gone afterwards. An older server stores it again; then batches are not used.
 */
export async function batchesHold(connection: NatsConnection, service: string): Promise<boolean> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const name = `PROBE_${service.toUpperCase()}`;
  const message = (id: string): Outgoing => ({
    subject: `probe.${service}`,
    payload: new Uint8Array(),
    id,
    collection: 'probe',
  });
  await manager.streams.delete(name).catch(() => false);
  await manager.streams.add({
    name,
    subjects: [`probe.${service}`],
    storage: StorageType.Memory,
    max_msgs: 10,
    allow_atomic: true,
  });
  try {
    const first = await publishBatch(connection, [message('a'), message('b')], 0);
    if ('refused' in first) return false;
    const second = await publishBatch(connection, [message('c'), message('a')], first.last);
    return 'refused' in second && second.refused === 'duplicate';
  } finally {
    await manager.streams.delete(name).catch(() => false);
  }
}
