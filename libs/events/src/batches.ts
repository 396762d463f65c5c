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
  // The client's own commit() hides the code of an error, so it is sent by hand.
  const options = { headers: heading(last, messages.length - 1), timeout: ACK_TIMEOUT };
  const answer = await connection.request(last.subject, last.payload, options);
  return published(answer.json());

  function heading(message: Outgoing, index: number): MsgHdrs {
    const { id, collection } = message;
    const own = `${ID_HEADER}: ${id}\r\n${COLLECTION_HEADER}: ${collection}\r\nContent-Type: ${CLOUD_EVENT_JSON}\r\n`;
    const first = index === 0 ? `Nats-Expected-Last-Sequence: ${after}\r\n` : '';
    if (batch === undefined) return written(own + first);
    const commit = message === last ? 'Nats-Batch-Commit: 1\r\n' : '';
    return written(`${own}${first}Nats-Batch-Id: ${batch}\r\nNats-Batch-Sequence: ${index + 1}\r\n${commit}`);
  }
}

/**
 * Headers of which only the bytes are needed. The client's own look for a name among all others before they add it, which was a
 * tenth of what an event costs the relay.
 */
function written(lines: string): MsgHdrs {
  return Object.assign(headers(), { encode: () => Buffer.from(`NATS/1.0\r\n${lines}\r\n`) });
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
