import { AckPolicy, DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, nanos, nuid } from '@nats-io/transport-node';
import { decoded, eventOfType } from './catalogue.ts';
import { type CloudEvent, MAX_EVENT_BYTES, type Malformed, parseCloudEvent } from './cloudevents.ts';
import type { Log } from './hooks.ts';
import { canResume, incarnationOf, readPosition, type StreamPosition, writePosition } from './positions.ts';
import { pause } from './signal.ts';
import { streamState } from './streams.ts';
import { filterSubjects, streamOf } from './subjects.ts';

/** Which events are followed, and from where on. */
export interface LiveFilter {
  /** Types of events; all when left out. A type that there is not matches nothing. */
  readonly types?: readonly string[];
  /**
   * Only what happens in these territories and below; everything when left out. Events of a building are told under its
   * compound. Throws for what is no code.
   */
  readonly territory?: string | readonly string[];
  /** A position as handed out, `start`, or `now` (when left out). */
  readonly after?: string;
  /** Milliseconds without message and heartbeat after which the bus counts as silent; 10,000 when left out. */
  readonly silentAfter?: number;
}

/** An event, and where it lies. */
export interface LiveEvent {
  /** Where to resume behind this event: `<stream>@<incarnation>:<sequence>`, of several streams joined by comma. */
  readonly position: string;
  readonly stream: string;
  readonly sequence: number;
  /** Its data is proto JSON; `decodeData` makes the message of it. */
  readonly event: CloudEvent;
}

/** What is told to whoever follows. */
export interface LiveHandlers {
  /** In the order of each stream, one after the other. When it fails it is called again with the same event. */
  event(event: LiveEvent): void | Promise<void>;
  /** The position is no longer in the stream, or the stream was rebuilt. The subscription has ended. */
  gone?(): void;
  /** Nothing was heard for `silentAfter`. */
  silent?(): void;
  /** It is heard again. */
  heard?(): void;
}

/** The following of events, until it is closed or gone. It outlives every disconnection by itself. */
export interface Subscription {
  /** Ends when every stream is found and the position in it known; also when closed or gone. */
  readonly ready: Promise<void>;
  /** Where to resume; empty before a stream is found. */
  position(): string;
  silent(): boolean;
  close(): Promise<void>;
}

/** What live needs of the bus. */
export interface LiveContext {
  connection(): NatsConnection | undefined;
  onConnected(fn: () => void): () => void;
  readonly log: Log;
}

const AT_A_TIME = 100;

/**
 * Follows the events of services, in the order of each stream and without a gap, also across disconnections. @throws RangeError
 * for a territory that is no code.
 */
export function live(
  context: LiveContext,
  services: readonly string[],
  filter: LiveFilter,
  handlers: LiveHandlers,
): Subscription {
  const silentAfter = filter.silentAfter ?? 10_000;
  const heartbeat = Math.max(500, Math.floor(silentAfter / 4));
  const after = filter.after ?? 'now';
  const given = after === 'now' || after === 'start' ? new Map<string, StreamPosition>() : readPosition(after);
  const positions = new Map<string, StreamPosition>();
  const heardAt = new Map<string, number>();
  const stops = new Set<() => void>();
  let ended = false;
  let silent = false;
  /** Events of several streams are handed on one at a time. */
  let turn: Promise<void> = Promise.resolve();

  const followed = services.flatMap((service) => {
    const subjects = filterSubjects(service, names(service, filter.types), territories(filter.territory));
    return filter.types !== undefined && names(service, filter.types).length === 0 ? [] : [{ service, subjects }];
  });
  const runs = followed.map(({ service, subjects }) => {
    let found = (): void => undefined;
    const ready = new Promise<void>((resolve) => {
      found = resolve;
    });
    heardAt.set(streamOf(service), performance.now());
    return { ready, running: followStream(streamOf(service), subjects, found).finally(found) };
  });
  const clock = setInterval(listen, Math.min(500, heartbeat));
  if (given === undefined) queueMicrotask(gone);

  function listen(): void {
    const now = performance.now();
    const quiet = [...heardAt.values()].some((at) => now - at > silentAfter);
    if (quiet === silent || ended) return;
    silent = quiet;
    if (silent) handlers.silent?.();
    else handlers.heard?.();
  }

  function gone(): void {
    if (ended) return;
    end();
    handlers.gone?.();
  }

  function end(): void {
    ended = true;
    clearInterval(clock);
    for (const stop of stops) stop();
  }

  async function followStream(stream: string, subjects: readonly string[], found: () => void): Promise<void> {
    while (!ended) {
      const connection = context.connection();
      if (connection === undefined) {
        await pause(100);
        continue;
      }
      try {
        const state = await streamState(connection, stream);
        heardAt.set(stream, performance.now());
        if (state === undefined) {
          await pause(300);
          continue;
        }
        const at = positions.get(stream) ?? given?.get(stream);
        if (at !== undefined && !canResume(at, state)) return gone();
        // A stream that was not there yet when the position was handed out is new from its start.
        const fromNow = after === 'now' && at === undefined;
        positions.set(stream, {
          incarnation: incarnationOf(state.created),
          sequence: at?.sequence ?? (fromNow ? state.last : Math.max(state.first, 1) - 1),
        });
        found();
        await read(connection, stream, subjects);
      } catch (error) {
        if (!ended) context.log.debug({ err: error, stream }, 'live events begin again');
        await pause(200);
      }
    }
  }

  /** Until the connection was away, a message got lost or a handler failed: then it begins again where it stands. */
  async function read(connection: NatsConnection, stream: string, subjects: readonly string[]): Promise<void> {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const name = `live-${nuid.next()}`;
    await manager.consumers.add(stream, {
      name,
      filter_subjects: [...subjects],
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: (positions.get(stream)?.sequence ?? 0) + 1,
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(60_000),
    });
    const consumer = await jetstream(connection).consumers.get(stream, name);
    let expected = 1;
    let broken = false;
    try {
      while (!ended && !broken) {
        const messages = await consumer.fetch({
          max_messages: AT_A_TIME,
          expires: Math.max(2 * heartbeat, 10_000),
          idle_heartbeat: heartbeat,
        });
        let armed = false;
        const stop = (): void => {
          if (!armed) return;
          broken = true;
          messages.stop();
        };
        stops.add(stop);
        const off = context.onConnected(stop);
        armed = true;
        void (async () => {
          for await (const status of messages.status()) {
            if (status.type === 'heartbeat') heardAt.set(stream, performance.now());
          }
        })();
        try {
          for await (const message of messages) {
            if (ended || broken) break;
            heardAt.set(stream, performance.now());
            if (message.info.deliverySequence !== expected) throw new Error('a message got lost');
            expected += 1;
            await inTurn(() => handOn(stream, message));
          }
        } finally {
          stops.delete(stop);
          off();
          // Not `close()`, which waits until what is left has been read.
          messages.stop();
        }
      }
    } finally {
      // Not waited for: while NATS is away that takes seconds, and the server drops it by itself after a minute.
      if (!connection.isClosed()) void manager.consumers.delete(stream, name).catch(() => false);
    }
  }

  function inTurn(task: () => Promise<void>): Promise<void> {
    const mine = turn.then(task);
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function handOn(stream: string, message: JsMsg): Promise<void> {
    if (ended) return;
    const event = fitEvent(message.data, stream);
    const position = { incarnation: positions.get(stream)?.incarnation, sequence: message.seq };
    if ('malformed' in event) {
      context.log.warn(
        { stream, sequence: message.seq, problem: event.malformed },
        'live: what is no event is left out',
      );
    } else {
      const behind = writePosition(new Map(positions).set(stream, position));
      await handlers.event({ position: behind, stream, sequence: message.seq, event });
    }
    positions.set(stream, position);
  }

  return {
    ready: Promise.all(runs.map(({ ready }) => ready)).then(() => undefined),
    position: () => writePosition(positions),
    silent: () => silent,
    async close() {
      end();
      await Promise.all(runs.map(({ running }) => running));
    },
  };
}

/**
 * The event in a message, if it is one that this stream may hold: those who listen can rely on its type, its data and its size. A
 * larger one would cut off every listener with a bounded buffer, again whenever they come back.
 */
function fitEvent(bytes: Uint8Array, stream: string): CloudEvent | Malformed {
  if (bytes.length > MAX_EVENT_BYTES) return { malformed: `${bytes.length} bytes` };
  const event = parseCloudEvent(bytes);
  if ('malformed' in event) return event;
  const known = eventOfType(event.type);
  if (known === undefined || streamOf(known.service) !== stream) {
    return { malformed: `type ${event.type.slice(0, 200)} in ${stream}` };
  }
  try {
    decoded(event.type, event.data);
    return event;
  } catch {
    return { malformed: `data is no ${known.name}` };
  }
}

/** The names of those events that are of this service. */
function names(service: string, types: readonly string[] | undefined): string[] {
  return (types ?? []).flatMap((type) => {
    const event = eventOfType(type);
    return event?.service === service ? [event.name] : [];
  });
}

function territories(territory: string | readonly string[] | undefined): readonly string[] {
  if (territory === undefined) return [];
  return typeof territory === 'string' ? [territory] : territory;
}
