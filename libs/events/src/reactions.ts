import type { JsMsg } from '@nats-io/jetstream';
import type { Bus } from './bus.ts';
import { eventOfType } from './catalogue.ts';
import { MAX_EVENT_BYTES } from './cloudevents.ts';
import type { DeadLetter, DeadLetters } from './deadletters.ts';
import type { ReactionDefinition } from './definitions.ts';
import { type Durable, type Floor, keepWorking, takeDurable } from './durables.ts';
import {
  type Handling,
  handle,
  letterOf,
  type Origin,
  type ReadMessage,
  readMessage,
  storeLetter,
} from './handling.ts';
import type { EventHooks, Log } from './hooks.ts';
import { type Lanes, lanes } from './lanes.ts';
import type { Operation, Operations } from './operations.ts';
import { replay } from './replay.ts';
import { pause, signal } from './signal.ts';
import { filterSubjects, streamOf } from './subjects.ts';
import type { Tenure } from './tenure.ts';

/** Turns others' events into commands. */
export interface Reactions {
  /** Takes nothing new and waits for what runs, 5 s at most. Before the tenure's own stop. */
  stop(): Promise<void>;
}

/** Whose reactions run, and what they work with. */
export interface ReactionsOptions {
  readonly service: string;
  readonly bus: Bus;
  readonly tenure: Tenure;
  readonly definitions: readonly ReactionDefinition[];
  readonly deadLetters: DeadLetters;
  /** Where an operator asks for a range of a stream to be handled again. */
  readonly operations?: Operations;
  now(): Date;
  readonly log: Log;
  readonly hooks?: EventHooks;
  /** Aggregates handled side by side; 64 when left out. */
  readonly concurrency?: number;
  /** Failures of a handler before its dead letter; 5 when left out (within a second). */
  readonly tries?: number;
}

const STOP_WITHIN = 5_000;
const LOOK_EVERY = 1_000;
/** Dead letters of a stream tried at the same time. */
const MOST_RETRIED = 200;

/**
 * Runs the reactions of a service while this process holds its lease: one durable for each service whose events are reacted to
 * (`<service>-<source>`), different aggregates side by side, the events of one strictly in order.
 */
export function startReactions(options: ReactionsOptions): Reactions {
  const groups = new Map(
    [...bySource(options.definitions)].map(([source, definitions]) => [
      source,
      startGroup(source, definitions, options),
    ]),
  );
  const replays = options.operations === undefined ? undefined : startReplays(groups, options.operations, options);
  return {
    async stop() {
      await Promise.all([replays?.stop(), ...[...groups.values()].map((group) => group.stop())]);
    },
  };
}

/** The reactions to one service's events. */
interface Group extends Reactions {
  replay(operation: Operation<'replay'>, operations: Operations): Promise<void>;
}

/** Does the replays that an operator asks for, one after the other. */
function startReplays(
  groups: ReadonlyMap<string, Group>,
  operations: Operations,
  { service, tenure, log }: ReactionsOptions,
): Reactions {
  const stopping = signal();
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      await stopping.wait(LOOK_EVERY);
      if (stopped || !tenure.holds()) continue;
      try {
        const operation = await operations.next('replay');
        if (operation === undefined || !(await operations.begin(operation.id))) continue;
        const group = groups.get(operation.task.source);
        if (group !== undefined) await group.replay(operation, operations);
        else await operations.end(operation.id, nothingHeard(service, [...groups.keys()]));
      } catch (error) {
        log.warn({ err: error }, 'a replay goes on later');
      }
    }
  })();
  return {
    async stop() {
      stopped = true;
      stopping.raise();
      await Promise.race([running, pause(STOP_WITHIN)]);
    },
  };
}

function nothingHeard(service: string, sources: readonly string[]): string {
  const heard = sources.length === 0 ? 'no events at all' : `events of ${sources.join(', ')} only`;
  return `${service} reacts to ${heard}`;
}

/** The reactions by the service whose events they are about. */
function bySource(definitions: readonly ReactionDefinition[]): Map<string, ReactionDefinition[]> {
  const sources = new Map<string, ReactionDefinition[]>();
  const seen = new Set<string>();
  for (const definition of definitions) {
    const source = eventOfType(definition.type)?.service;
    if (source === undefined) throw new Error(`no such event: ${definition.type}`);
    const key = `${definition.type} ${definition.name}`;
    if (seen.has(key)) throw new Error(`two reactions are called ${key}`);
    seen.add(key);
    sources.set(source, [...(sources.get(source) ?? []), definition]);
  }
  return sources;
}

/** One hold of the durable, from its taking to its end. */
interface Session {
  readonly durable: Durable;
  readonly inHand: Map<number, JsMsg>;
  last: number;
  over: boolean;
}

function startGroup(source: string, definitions: readonly ReactionDefinition[], options: ReactionsOptions): Group {
  const { service, bus, tenure, deadLetters, hooks } = options;
  const log = options.log;
  const stream = streamOf(source);
  const name = `${service}-${source}`;
  const field = `floor_${source}`;
  const concurrency = options.concurrency ?? 64;
  const running: Lanes = lanes(concurrency);
  const handling: Handling = {
    service,
    deadLetters,
    tries: options.tries ?? 5,
    place: running.place,
    now: options.now,
    log,
    hooks,
  };
  const filters = filterSubjects(
    source,
    definitions.flatMap(({ type }) => eventOfType(type)?.name ?? []),
    [],
  );
  const woken = signal();
  const stopping = signal();
  let stopped = false;
  let session: Session | undefined;
  let kept: Floor | undefined;
  /** Ids of the dead letters that are under way. */
  const retrying = new Set<string>();

  const over = (): boolean => stopped || !tenure.holds();
  const off = [tenure.onChange(() => woken.raise()), bus.onConnected(() => woken.raise())];
  const clock = setInterval(() => void keepFloor(), LOOK_EVERY);
  const consuming = consume();
  const requeueing = requeue();

  async function consume(): Promise<void> {
    while (!stopped) {
      const connection = bus.connection();
      if (!tenure.holds() || connection === undefined) {
        await woken.wait(LOOK_EVERY);
        continue;
      }
      try {
        const durable = await takeDurable(connection, {
          stream,
          name,
          filters,
          inHand: concurrency * 4,
          floor: await tenure.lease.read<Floor>(field),
          keep: async (floor) => {
            // The database decides: whoever stood still must not take the durable from its successor.
            if (!(await tenure.lease.write({ [field]: floor }))) throw new Error('the lease is lost');
          },
        });
        if (durable === undefined) await woken.wait(LOOK_EVERY);
        else await follow({ durable, inHand: new Map(), last: durable.floor, over: false });
      } catch (error) {
        log.warn({ err: error, durable: name }, 'reactions begin again');
        await woken.wait(200);
      }
    }
  }

  /** Until the lease is lost, the connection was away, or somebody else takes from the durable. */
  async function follow(now: Session): Promise<void> {
    session = now;
    const { messages } = now.durable;
    let armed = false;
    const end = (): void => {
      if (!armed) return;
      now.over = true;
      messages.stop();
    };
    const ends = [tenure.onChange(end), bus.onConnected(end), keepWorking(now.inHand)];
    armed = true;
    let expected = 1;
    try {
      if (over()) return;
      for await (const message of messages) {
        if (now.over || over()) break;
        // The durable is new and ours alone: a gap means that a message got lost or went to somebody else.
        if (message.info.deliverySequence !== expected) break;
        expected += 1;
        take(message, now);
      }
    } finally {
      now.over = true;
      for (const stop of ends) stop();
      // Not `close()`: it waits until somebody has read the messages to their end, which nobody does any more.
      messages.stop();
      await flushed();
      await keepFloor();
    }
  }

  function take(message: JsMsg, now: Session): void {
    now.last = Math.max(now.last, message.seq);
    if (now.inHand.has(message.seq)) return;
    now.inHand.set(message.seq, message);
    const read = readMessage(message.data, source);
    running.run(read.event?.subject ?? `#${message.seq}`, async () => {
      try {
        if (await settle(message, read, now)) now.inHand.delete(message.seq);
      } catch (error) {
        log.error({ err: error, sequence: message.seq }, 'message not settled');
      }
    });
  }

  /** True when the message needs no further work. */
  async function settle(message: JsMsg, read: ReadMessage, now: Session): Promise<boolean> {
    const ended = (): boolean => now.over || over();
    if (ended()) return false;
    const origin: Origin = {
      stream,
      sequence: message.seq,
      place: `${stream}@${now.durable.created}:${message.seq}`,
      raw: () => new TextDecoder().decode(message.data.subarray(0, MAX_EVENT_BYTES)),
    };
    if ('poison' in read) {
      const letter = letterOf(name, read.poison, read.problem, origin, read.event, 1);
      if (!(await storeLetter(letter, handling, ended))) return false;
      message.term(read.poison);
      return true;
    }
    let dead = false;
    for (const definition of definitions) {
      if (definition.type !== read.event.type) continue;
      const { end } = await handle(definition, read.event, origin, handling, ended);
      if (end === 'abandoned') return false;
      dead ||= end === 'dead';
    }
    if (dead) message.term('dead letter');
    // Not waited for: it gets lost only with the connection, and then the durable is made anew from what is kept. What comes a
    // second time then has no second effect.
    else message.ack();
    return true;
  }

  /** What was acknowledged is with the server, so that whoever goes on begins behind it. */
  async function flushed(): Promise<void> {
    await Promise.race([bus.connection()?.flush(), pause(1_000)]).catch(() => undefined);
  }

  /** Keeps how far all is handled, should the durable get lost. */
  async function keepFloor(): Promise<void> {
    const now = session;
    if (now === undefined || !tenure.holds()) return;
    const open = [...now.inHand.keys()];
    const sequence = open.length === 0 ? now.last : Math.min(...open) - 1;
    if (kept?.created === now.durable.created && kept.sequence === sequence) return;
    try {
      const floor = { created: now.durable.created, sequence };
      if (await tenure.lease.write({ [field]: floor })) kept = floor;
    } catch (error) {
      log.debug({ err: error }, 'floor not kept');
    }
  }

  async function requeue(): Promise<void> {
    while (!stopped) {
      await stopping.wait(LOOK_EVERY);
      if (over()) continue;
      try {
        // Not one behind the other: a letter that waits holds up none but those of its aggregate.
        for (const letter of await deadLetters.requeued(stream, retrying.size + 20)) {
          if (retrying.has(letter.id) || retrying.size === MOST_RETRIED) continue;
          retrying.add(letter.id);
          void retry(letter).finally(() => retrying.delete(letter.id));
        }
      } catch (error) {
        log.debug({ err: error }, 'requeued dead letters not read');
      }
    }
  }

  /** One dead letter once more, in the lane of its aggregate. */
  function retry(letter: DeadLetter): Promise<void> {
    const read = readMessage(new TextEncoder().encode(letter.raw), source);
    return new Promise((resolve) => {
      running.run(read.event?.subject ?? `#${letter.sequence}`, async () => {
        try {
          // What has failed again is open again, or lies under the name of its reaction now.
          if (await triedAgain(letter, read)) await deadLetters.handled(letter);
        } catch (error) {
          log.warn({ err: error, letter: letter.id }, 'dead letter not handled');
        } finally {
          resolve();
        }
      });
    });
  }

  /** False when it was over before that was through. */
  async function triedAgain({ reaction, tries, event, ...letter }: DeadLetter, read: ReadMessage): Promise<boolean> {
    const origin: Origin = { stream, sequence: letter.sequence, place: event, raw: () => letter.raw };
    if ('poison' in read) {
      const again = letterOf(reaction, read.poison, read.problem, origin, read.event, tries + 1);
      return storeLetter(again, handling, over);
    }
    const meant = definitions.filter(
      (definition) => definition.type === read.event.type && [name, definition.name].includes(reaction),
    );
    if (meant.length === 0) {
      const gone = letterOf(reaction, 'failed', 'there is no such reaction', origin, read.event, tries);
      return storeLetter(gone, handling, over);
    }
    for (const definition of meant) {
      const { end } = await handle(definition, read.event, origin, handling, over, true);
      if (end === 'abandoned') return false;
    }
    return true;
  }

  return {
    async replay(operation, operations) {
      const connection = bus.connection();
      if (connection === undefined) return;
      const inHand = concurrency * 4;
      const ground = { connection, source, definitions, lanes: running, handling, inHand, operations, over };
      await replay(operation, ground);
    },
    async stop() {
      stopped = true;
      if (session !== undefined) session.over = true;
      session?.durable.messages.stop();
      woken.raise();
      stopping.raise();
      await consuming;
      await Promise.race([Promise.all([running.idle(), requeueing]), pause(STOP_WITHIN)]);
      clearInterval(clock);
      await flushed();
      await keepFloor();
      for (const end of off) end();
    },
  };
}
