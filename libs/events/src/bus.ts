import { connect, type NatsConnection } from '@nats-io/transport-node';
import { serversOf } from './addresses.ts';
import type { Log } from './hooks.ts';
import { type LiveFilter, type LiveHandlers, live, type Subscription } from './live.ts';
import { pause } from './signal.ts';
import { ensureStream, type StreamOptions, type StreamState } from './streams.ts';
import { hintSubject, wakeSubject } from './subjects.ts';

/** How NATS is reached, and how the streams of this installation are kept. */
export interface BusOptions {
  /** `nats://user:password@host:port`, several by comma. */
  readonly url: string;
  /** Name of the connection, shown by the server. */
  readonly name: string;
  readonly log: Log;
  readonly streams?: StreamOptions;
}

/** The connection to NATS. It is there at once and connects when it can, for ever. */
export interface Bus {
  connected(): boolean;
  close(): Promise<void>;
  /** Tells the relay of a service, in this process or another one, that there is something to publish. Never throws. */
  wake(service: string): void;
  /** Called on `wake`; answers true when it takes care of it, so that nobody else need be told. Answers how to end that. */
  onWake(service: string, fn: () => boolean): () => void;
  /**
   * Says to all who listen, by this bus (also while NATS is away) and by others, that there is something new to read about `what`
   * (one line). No event, and kept nowhere: so it is for what can be looked up. Never throws.
   */
  hint(service: string, what: string): void;
  /**
   * Called on `hint`, once for all that was said at the same time; with `everything` when something may have been missed, for
   * NATS was away on this side or on that. Answers how to end that.
   */
  onHint(service: string, fn: (what: readonly string[]) => void): () => void;
  /** Called on every connection and reconnection; at once when it is connected. Answers how to end that. */
  onConnected(fn: () => void): () => void;
  /** Makes the stream of a service or brings its settings up to date. Throws while NATS is away. */
  ensureStream(service: string): Promise<StreamState>;
  /** Follows the events of one or several services, for a page, another system or the directory. */
  live(services: string | readonly string[], filter: LiveFilter, handlers: LiveHandlers): Subscription;
  /** For this package: the connection while there is one. */
  connection(): NatsConnection | undefined;
}

const RETRY_EVERY = 500;
const CONNECT_WITHIN = 5_000;
/** Lines of one message; more of them are `everything`. */
const MOST_LINES = 5_000;

/** What a hint is about when it is about all there is. */
export const everything = '*';

/** Hears what is said on a core subject; answers true when it takes care of it, so that nobody else need be told. */
type Ear = (text: string) => boolean;

/**
 * Opens the bus and answers at once, connected or not; never throws. Connecting is tried again every 500 ms, for ever, also
 * with a wrong address or password: that is logged once, as a warning. What was subscribed before is so again on every
 * connection. Whoever opened it closes it, after what works on it (relay, reactions, subscriptions) has stopped.
 */
export function connectBus(options: BusOptions): Bus {
  const { log } = options;
  const ears = new Map<string, Set<Ear>>();
  const toSay = new Map<string, Set<string>>();
  const hinted = new Set<string>();
  const connectedListeners = new Set<() => void>();
  let connection: NatsConnection | undefined;
  let connected = false;
  let closed = false;

  const running = (async () => {
    let told = false;
    while (!closed) {
      try {
        connection = await connect(clientOptions(options));
        told = false;
        if (closed) await connection.close();
        else await follow(connection);
      } catch (error) {
        if (!told) log.warn({ err: error }, 'NATS is away; connecting goes on');
        told = true;
      }
      connection = undefined;
      connected = false;
      if (!closed) await pause(RETRY_EVERY);
    }
  })();

  /** Until the connection is closed for good, which it is by us alone. */
  async function follow(live: NatsConnection): Promise<void> {
    for (const subject of ears.keys()) listen(live, subject);
    nowConnected();
    for await (const status of live.status()) {
      if (status.type === 'disconnect') {
        connected = false;
        if (!closed) log.warn({}, 'NATS has gone; reconnecting goes on');
      } else if (status.type === 'reconnect') {
        nowConnected();
      } else if (status.type === 'error' || status.type === 'slowConsumer') {
        log.warn({ status: status.type }, 'NATS reports a fault');
      }
    }
    await live.closed();
  }

  function nowConnected(): void {
    connected = true;
    log.info({ server: connection?.getServer() }, 'connected to NATS');
    for (const listener of connectedListeners) listener();
  }

  function listen(live: NatsConnection, subject: string): void {
    live.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) hear(subject, message.string());
      },
    });
  }

  /** Answers true when one of the ears takes care of it. */
  function hear(subject: string, text: string): boolean {
    let taken = false;
    for (const ear of ears.get(subject) ?? []) taken = ear(text) || taken;
    return taken;
  }

  function onSaid(subject: string, ear: Ear): () => void {
    const there = ears.get(subject);
    const all = there ?? new Set();
    ears.set(subject, all.add(ear));
    if (there === undefined && connection !== undefined && !connection.isClosed()) listen(connection, subject);
    return () => all.delete(ear);
  }

  /** What is said in one turn of the event loop goes in one message for each subject; nothing goes while NATS is away. */
  function say(subject: string, line: string): void {
    if (toSay.size === 0) setImmediate(sendSaid);
    toSay.set(subject, (toSay.get(subject) ?? new Set()).add(line));
  }

  function sendSaid(): void {
    const there = present();
    try {
      for (const [subject, lines] of toSay) {
        const text = lines.size > MOST_LINES ? everything : [...lines].join('\n');
        // A connection does not hear what itself says. What wakes was heard before it was said.
        if (hinted.has(subject)) hear(subject, text);
        there?.publish(subject, text);
      }
    } catch (error) {
      log.warn({ err: error }, 'NATS does not take what is said');
    }
    toSay.clear();
  }

  function onConnected(fn: () => void): () => void {
    connectedListeners.add(fn);
    if (connected) fn();
    return () => connectedListeners.delete(fn);
  }

  const present = (): NatsConnection | undefined => (connected ? connection : undefined);
  return {
    connected: () => connected,
    connection: present,
    async close() {
      closed = true;
      if (connection === undefined) return; // one that is still being opened is closed when it stands
      await connection.close();
      await running;
    },
    wake(service) {
      if (!hear(wakeSubject(service), '')) say(wakeSubject(service), '');
    },
    onWake: (service, fn) => onSaid(wakeSubject(service), fn),
    hint(service, what) {
      const subject = hintSubject(service);
      if (!hinted.has(subject)) {
        hinted.add(subject);
        onConnected(() => say(subject, everything));
      }
      say(subject, what);
    },
    onHint(service, fn) {
      const ends = [
        onSaid(hintSubject(service), (text) => {
          fn(text.split('\n'));
          return true;
        }),
        onConnected(() => fn([everything])),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
    onConnected,
    async ensureStream(service) {
      const there = present();
      if (there === undefined) throw new Error('NATS is away');
      return ensureStream(there, service, options.streams ?? {}, log);
    },
    live: (services, filter, handlers) =>
      live(
        { connection: present, onConnected, log },
        typeof services === 'string' ? [services] : services,
        filter,
        handlers,
      ),
  };
}

function clientOptions(options: BusOptions) {
  return {
    ...serversOf(options.url),
    name: options.name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RETRY_EVERY,
    timeout: CONNECT_WITHIN,
    ignoreAuthErrorAbort: true,
    pingInterval: 10_000,
    noAsyncTraces: true,
    noEcho: true,
  };
}
