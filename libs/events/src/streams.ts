import {
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/transport-node';
import type { Log } from './hooks.ts';
import { streamOf, subjectsOf } from './subjects.ts';

/** How streams are kept. */
export interface StreamOptions {
  /** How many servers of a cluster keep it: 3 outlive the loss of one; 1 when left out. */
  readonly replicas?: number;
}

/** A stream that NATS does not make or change as it is asked to; the message says what and why. */
class StreamRefused extends Error {
  override readonly name = 'StreamRefused';
}

/** Where a stream stands. */
export interface StreamState {
  readonly stream: string;
  /** When it was made: another instant is another incarnation, whose sequences mean something else. */
  readonly created: string;
  readonly first: number;
  /** When the first message that is left was stored. */
  readonly firstAt: string;
  readonly last: number;
}

/** How long an event stays. */
const MAX_AGE = 400 * 86_400_000;

/** What may change while a stream lives. */
function changeable(options: StreamOptions) {
  return {
    max_age: nanos(MAX_AGE),
    // The server's own limit is the only one.
    max_bytes: -1,
    num_replicas: options.replicas ?? 1,
    duplicate_window: nanos(30 * 60_000),
    allow_atomic: true,
    allow_direct: true,
  } satisfies Partial<StreamConfig>;
}

/**
 * Makes the stream of a service or brings its settings up to date; answers where it stands. Throws when NATS
 * refuses to make it; when it refuses to change it, that is logged and the stream stays as it is.
 */
export async function ensureStream(
  connection: NatsConnection,
  service: string,
  options: StreamOptions,
  log: Log,
): Promise<StreamState> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const wanted = changeable(options);
  const found = await streamState(connection, streamOf(service));
  if (found === undefined) {
    const made = manager.streams.add({
      name: streamOf(service),
      subjects: [subjectsOf(service)],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      deny_delete: true,
      deny_purge: true,
      ...wanted,
    });
    await made.catch((error: unknown) => {
      throw refused(service, wanted.num_replicas, error);
    });
  } else {
    const { config } = await manager.streams.info(streamOf(service));
    const differs =
      config.max_age !== wanted.max_age ||
      config.max_bytes !== wanted.max_bytes ||
      config.num_replicas !== wanted.num_replicas ||
      config.duplicate_window !== wanted.duplicate_window ||
      config.allow_atomic !== wanted.allow_atomic;
    if (!differs) return found;
    try {
      await manager.streams.update(streamOf(service), wanted);
    } catch (error) {
      // Events go on into the stream there is: that a server of the cluster is away must not hold them up.
      const fault = refused(service, wanted.num_replicas, error);
      if (!(fault instanceof StreamRefused)) throw fault;
      log.error({ replicas: config.num_replicas }, `${fault.message}; the stream stays as it is`);
      return found;
    }
  }
  const made = await streamState(connection, streamOf(service));
  if (made === undefined) throw new Error(`stream ${streamOf(service)} vanished while it was made`);
  return made;
}

function refused(service: string, replicas: number, error: unknown): unknown {
  if (!(error instanceof JetStreamApiError)) return error;
  const asked = `${streamOf(service)} with ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`;
  return new StreamRefused(`NATS refuses the stream ${asked} (${error.code}): ${error.message}`, { cause: error });
}

/** Where a stream stands; undefined when there is none. */
export async function streamState(connection: NatsConnection, stream: string): Promise<StreamState | undefined> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  try {
    const { created, state } = await manager.streams.info(stream);
    return {
      stream,
      created: new Date(created).toISOString(),
      first: state.first_seq,
      firstAt: new Date(state.first_ts).toISOString(),
      last: state.last_seq,
    };
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  }
}

/** Deletes a stream with all that lies in it; nothing happens when there is none. */
export async function deleteStream(connection: NatsConnection, stream: string): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  try {
    await manager.streams.delete(stream);
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)) throw error;
  }
}

/** One stored message. */
export interface StoredMessage {
  readonly sequence: number;
  readonly data: Uint8Array;
  header(name: string): string | undefined;
}

/** What of a stream is read. */
export interface StreamRange {
  /** The first sequence and the last one, both included. */
  readonly from: number;
  readonly to: number;
  /** Nothing that was stored before this instant. */
  readonly since?: Date | undefined;
  /** Only these subjects. */
  readonly subjects?: readonly string[];
  readonly headersOnly?: boolean;
}

/** Reads what lies in a stream. Throws when it cannot reach the end. */
export async function* readStream(
  connection: NatsConnection,
  stream: string,
  range: StreamRange,
): AsyncGenerator<StoredMessage> {
  const { to, since, subjects } = range;
  let next = range.from;
  while (next <= to) {
    const consumer = await jetstream(connection).consumers.get(stream, {
      ...(since !== undefined && next === range.from
        ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since.toISOString() }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: next }),
      ...(subjects === undefined ? {} : { filter_subjects: [...subjects] }),
      headers_only: range.headersOnly ?? false,
      inactive_threshold: 30_000,
    });
    const before = next;
    const { num_pending } = await consumer.info();
    const most = Math.min(1_000, num_pending, to - next + 1);
    if (most > 0) {
      const messages = await consumer.fetch({ max_messages: most, expires: 2_000 });
      for await (const message of messages) {
        next = message.seq + 1;
        if (message.seq > to) break;
        yield { sequence: message.seq, data: message.data, header: (name) => message.headers?.get(name) || undefined };
        if (next > to) break;
      }
    }
    await consumer.delete().catch(() => false);
    if (num_pending === 0 && (subjects !== undefined || since !== undefined)) return;
    if (next === before) throw new Error(`stream ${stream} cannot be read from ${next} to ${to}`);
  }
}
