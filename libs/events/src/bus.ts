import { connect, type NatsConnection } from '@nats-io/transport-node';
import { serversOf } from './addresses.ts';
import type { Log } from './hooks.ts';
import { type LiveFilter, type LiveHandlers, live, type Subscription } from './live.ts';
import { pause } from './signal.ts';
import { ensureStream, type StreamOptions, type StreamState } from './streams.ts';
import { hintSubject, wakeSubject } from './subjects.ts';

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
   * Says to all who listen now, in other processes, that there is something new to read about `what` (one line), or about
   * `everything`. No event: whoever is away misses it, so it is for what can be looked up, and whoever hints says `everything`
   * when NATS is back. Never throws.
   */
  hint(service: string, what: string): void;
  /** Called on `hint`, once for all that was said at the same time. Answers how to end that. */
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
/** Hints of one message; more of them are `everything`. */
const MOST_HINTS = 5_000;

/** What a hint is about that is about all there is. */
export const everything = '*';

export function connectBus(options: BusOptions): Bus {
  const { log } = options;
  const wakers = new Map<string, Set<() => boolean>>();
  const hinted = new Map<string, Set<(what: readonly string[]) => void>>();
  const toHint = new Map<string, Set<string>>();
  const connectedListeners = new Set<() => void>();
  const toWake = new Set<string>();
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
    for (const service of wakers.keys()) listen(live, service);
    for (const service of hinted.keys()) listenToHints(live, service);
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

  function listen(live: NatsConnection, service: string): void {
    live.subscribe(wakeSubject(service), {
      callback: () => {
        for (const fn of wakers.get(service) ?? []) fn();
      },
    });
  }

  function sendWakes(): void {
    const services = [...toWake];
    toWake.clear();
    if (!connected || connection === undefined || connection.isClosed()) return;
    for (const service of services) connection.publish(wakeSubject(service));
  }

  function listenToHints(live: NatsConnection, service: string): void {
    live.subscribe(hintSubject(service), {
      callback: (error, message) => {
        if (error !== null) return;
        const what = message.string().split('\n');
        for (const fn of hinted.get(service) ?? []) fn(what);
      },
    });
  }

  function sendHints(): void {
    const there = present();
    try {
      for (const [service, what] of toHint) {
        const said = what.size > MOST_HINTS ? [everything] : [...what];
        there?.publish(hintSubject(service), said.join('\n'));
      }
    } catch (error) {
      log.warn({ err: error }, 'a hint could not be sent');
    }
    toHint.clear();
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
      await connection?.close();
      await running;
    },
    wake(service) {
      let taken = false;
      for (const fn of wakers.get(service) ?? []) taken = fn() || taken;
      if (taken) return;
      if (toWake.size === 0) setImmediate(sendWakes);
      toWake.add(service);
    },
    onWake(service, fn) {
      const there = wakers.get(service);
      const fns = there ?? new Set();
      fns.add(fn);
      wakers.set(service, fns);
      if (there === undefined && connection !== undefined && !connection.isClosed()) listen(connection, service);
      return () => fns.delete(fn);
    },
    hint(service, what) {
      if (toHint.size === 0) setImmediate(sendHints);
      toHint.set(service, (toHint.get(service) ?? new Set()).add(what));
    },
    onHint(service, fn) {
      const there = hinted.get(service);
      const fns = there ?? new Set();
      fns.add(fn);
      hinted.set(service, fns);
      if (there === undefined && connection !== undefined && !connection.isClosed()) listenToHints(connection, service);
      return () => fns.delete(fn);
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
    ignoreAuthErrorAbort: true,
    pingInterval: 10_000,
    noAsyncTraces: true,
    noEcho: true,
  };
}
