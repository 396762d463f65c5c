import type { Outbox } from '@bandeng/records';
import { batchesHold, COLLECTION_HEADER, ID_HEADER, type Outgoing, publishBatch, publishSingly } from './batches.ts';
import type { Bus } from './bus.ts';
import { passFailPoint } from './failpoint.ts';
import type { EventHooks, Log } from './hooks.ts';
import { type Kept, keep, keptBy } from './kept.ts';
import type { Operation, Operations } from './operations.ts';
import { type Stuck, toldBy } from './plan.ts';
import type { Publishing } from './publications.ts';
import { rebuiltBatches } from './rebuild.ts';
import { type Sending, startSending } from './sending.ts';
import { pause, signal } from './signal.ts';
import { deleteStream, readStream } from './streams.ts';
import { streamOf } from './subjects.ts';
import { startTelling, type Telling } from './telling.ts';
import type { Tenure } from './tenure.ts';

/** Brings what is written to the bus. */
export interface Relay {
  /** Ends after the batch in hand and says how far it came. Before the tenure's own stop. */
  stop(): Promise<void>;
}

/** Which service's entries go out, and what the relay works with. */
export interface RelayOptions {
  readonly service: string;
  readonly bus: Bus;
  readonly outbox: Outbox;
  readonly tenure: Tenure;
  readonly publishings: readonly Publishing[];
  /** Code for events that concern no territory. */
  readonly city: string;
  /** Where an operator asks for the stream to be made anew. */
  readonly operations?: Operations;
  readonly log: Log;
  readonly hooks?: EventHooks;
}

/** What goes on while this process holds the lease and all is well. */
interface Course {
  readonly telling: Telling;
  readonly sending: Sending;
}

/** Batches under way at a time: the next ones are made and stored while the server flushes the first. */
const BATCHES_AT_ONCE = 4;
const POLL_EVERY = 100;
/** Writers wake the relay. Polling is for a wake that got lost, so where nothing has come for a while it may be rare. */
const POLL_IDLE_EVERY = 1_000;
const IDLE_AFTER = 2_000;
/**
 * After a pass the relay rests so many times as long as the pass took: the busier everything is, the more goes in one batch, and
 * the less a message costs. Nobody waits for it much longer, for a pass takes a few milliseconds when nothing else is done.
 */
const REST = 8;
const REST_AT_MOST = 60;
const TELL_BACKLOG_EVERY = 5_000;
const LOOK_FOR_OPERATIONS_EVERY = 1_000;

/**
 * Publishes the entries of a service, exactly one message for each, in order for each aggregate, while this process holds the
 * lease. The fence makes it so: a batch is taken only behind the sequence we know of; when it is not, or when no answer
 * came, what lies in the stream is read before anything else goes out. It writes nothing to the documents.
 */
export function startRelay(options: RelayOptions): Relay {
  const { bus, outbox, tenure, service, log, hooks } = options;
  const context = {
    service,
    publishings: new Map(options.publishings.map((one) => [one.collection, one])),
    city: options.city,
  };
  const woken = signal();
  let stopped = false;
  let reconnected = false;
  let atomic: boolean | undefined;
  let course: Course | undefined;
  let faults = 0;
  let busyAt = performance.now();
  let lookedAt = Number.NEGATIVE_INFINITY;
  let backlogTold = false;

  const off = [
    bus.onWake(service, () => {
      const mine = tenure.holds();
      if (mine) woken.raise();
      return mine;
    }),
    bus.onConnected(() => {
      reconnected = true;
      woken.raise();
    }),
    tenure.onChange(() => woken.raise()),
  ];
  const clock = setInterval(() => void tellBacklog(), TELL_BACKLOG_EVERY);
  const running = run();

  async function run(): Promise<void> {
    while (!stopped) {
      if (reconnected) {
        // However short it was: the streams may be gone, and whoever has nothing to say would not find out.
        reconnected = false;
        await leave();
      }
      if (!tenure.holds() || bus.connection() === undefined) {
        await leave();
        await woken.wait(POLL_EVERY);
        continue;
      }
      try {
        course ??= await takeOver();
        const asked = await rebuildAskedFor();
        if (asked !== undefined) {
          await keepCourse(course);
          await leave();
          await rebuild(asked);
          continue;
        }
        const began = performance.now();
        const worked = await pass(course);
        if (faults > 0) await course.sending.settled();
        faults = 0;
        if (worked) {
          busyAt = performance.now();
          await pause(Math.min(REST_AT_MOST, REST * (busyAt - began)));
        } else await woken.wait(busyAt + IDLE_AFTER > performance.now() ? POLL_EVERY : POLL_IDLE_EVERY);
      } catch (error) {
        await leave();
        faults += 1;
        if (!(error instanceof BrokenOff)) log.warn({ err: error, faults }, 'relay begins again');
        if (faults > 1) await woken.wait(Math.min(2_000, 50 * 2 ** faults));
      }
    }
    try {
      if (course !== undefined && tenure.holds()) await keepCourse(course);
    } catch (error) {
      log.debug({ err: error }, 'whoever comes next has more to read');
    }
    await leave();
  }

  /** Nothing of ours is on its way after this; what lies in the stream is looked at before anything else goes out. */
  async function leave(): Promise<void> {
    const { telling, sending } = course ?? {};
    course = undefined;
    await sending?.ended();
    await telling?.close();
  }

  async function keepCourse({ telling, sending }: Course): Promise<void> {
    await telling.keep(await sending.settled());
  }

  function sendingFrom(last: number): Sending {
    return startSending({
      from: last,
      // What went wrong may be of one message: then each batch is alone until all is well.
      atOnce: () => (atomic === true && faults === 0 ? BATCHES_AT_ONCE : 1),
      publish: async (messages, after, alone) => {
        const reached = await publishTraced(messages, after, alone);
        hooks?.published?.(messages.length);
        return reached;
      },
      failed: () => woken.raise(),
    });
  }

  /** Goes on where the relay before was for good: what the stream holds behind that is told already. */
  async function takeOver(): Promise<Course> {
    const state = await bus.ensureStream(service);
    const connection = bus.connection();
    if (connection === undefined) throw new Error('NATS is away');
    atomic ??= await batchesHold(connection, service);
    if (!atomic) log.warn({}, 'this nats-server takes duplicates in a batch: events go out one by one');
    const before = await keptBy(tenure.lease);
    const { final = {}, stuck = [] } = before ?? {};
    // Another incarnation of the stream has nothing but what lies in it.
    const { sequence: ours = 0, unknown = {} } = before?.created === state.created ? before : {};
    if (ours > state.last) log.error({ stream: state.stream, last: state.last, ours }, 'the stream has lost its end');
    const sequence = Math.min(ours, state.last);
    const kept: Kept = { final, told: final, stuck, created: state.created, sequence, unknown };
    if (sequence !== ours || before?.created !== state.created) await keep(tenure.lease, kept);
    const inStream = new Map<string, number>();
    const known = Math.min(sequence, ...outbox.collections.map((name) => unknown[name] ?? sequence));
    const behind = { from: Math.max(known + 1, state.first), to: state.last, headersOnly: true };
    for await (const message of readStream(connection, streamOf(service), behind)) {
      const one = toldBy(message.header(COLLECTION_HEADER), message.header(ID_HEADER));
      if (one !== undefined) inStream.set(one.key, one.upTo);
    }
    const telling = startTelling({
      ...{ ...context, outbox, tenure, inStream, kept },
      stuck: ({ collection, id, seq, fault }) =>
        log.error({ err: fault, collection, entry: `${id}:${seq}` }, 'this aggregate cannot be published'),
    });
    return { telling, sending: sendingFrom(state.last) };
  }

  async function rebuildAskedFor(): Promise<Operation<'rebuild'> | undefined> {
    if (options.operations === undefined) return undefined;
    if (lookedAt + LOOK_FOR_OPERATIONS_EVERY > performance.now()) return undefined;
    lookedAt = performance.now();
    return options.operations.next('rebuild');
  }

  /**
   * Makes the stream anew, of all that the old one had for good; the relay goes on from there. Whoever is interrupted leaves it
   * to be begun again from nothing, by the next pass or the next holder: then too there is no double.
   */
  async function rebuild({ id }: Operation<'rebuild'>): Promise<void> {
    const { operations } = options;
    const connection = bus.connection();
    if (operations === undefined || connection === undefined || !(await operations.begin(id))) return;
    try {
      log.warn({ stream: streamOf(service) }, 'the stream is made anew, as an operator asked');
      await deleteStream(connection, streamOf(service));
      const { created } = await bus.ensureStream(service);
      let last = 0;
      const faults: Stuck[] = [];
      let done = 0;
      let toldAt = 0;
      for await (const batch of rebuiltBatches(outbox.published(), context, faults)) {
        if (stopped || !tenure.holds()) throw new Error('the lease is lost; the next holder begins again');
        last = await publish(batch, last, true);
        passFailPoint('in-rebuild');
        done += batch.length;
        hooks?.published?.(batch.length);
        if (toldAt + 500 > performance.now()) continue;
        toldAt = performance.now();
        await operations.progress(id, { done });
      }
      const before = await keptBy(tenure.lease);
      const { final = {}, stuck = [] } = before ?? {};
      const kept: Kept = { final, told: final, stuck, created, sequence: last };
      if (!(await keep(tenure.lease, kept))) throw new Error('the lease is lost');
      await operations.progress(id, { done });
      for (const { fault, ...entry } of faults) log.error({ err: fault, ...entry }, 'this entry is left out');
      await operations.end(id, leftOut(faults));
    } catch (error) {
      await operations.trouble(id, error instanceof Error ? error.message : String(error)).catch(() => undefined);
      lookedAt = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  /** Publishes what waits; false when nothing did. */
  async function pass({ telling, sending }: Course): Promise<boolean> {
    sending.check();
    let worked = false;
    for await (const documents of telling.documents()) {
      for (const batch of telling.plan(documents)) {
        // What has been planned counts as told, so nothing of this course may be kept.
        if (stopped || !tenure.holds()) throw new BrokenOff('stopped, or the lease is lost');
        await sending.send(batch);
        worked = true;
      }
    }
    if (telling.isToBeKept(worked)) await keepCourse({ telling, sending });
    return worked;
  }

  function publishTraced(messages: readonly Outgoing[], after: number, alone: boolean): Promise<number> {
    if (hooks?.publishing === undefined) return publish(messages, after, alone);
    const traces = new Set(messages.flatMap(({ traceparent }) => traceparent ?? []));
    return hooks.publishing([...traces], () => publish(messages, after, alone));
  }

  async function publish(messages: readonly Outgoing[], after: number, alone: boolean): Promise<number> {
    const connection = bus.connection();
    if (connection === undefined) throw new Error('NATS is away');
    let outcome = await (atomic ? publishBatch : publishSingly)(connection, messages, after);
    if ('refused' in outcome && outcome.refused === 'duplicate' && alone) {
      log.warn({ messages: messages.length }, 'the stream has some of these already: they go out one by one');
      outcome = await publishSingly(connection, messages, after);
    }
    if (!('refused' in outcome)) return outcome.last;
    if (outcome.refused === 'behind') throw new BrokenOff('somebody else has published since');
    throw new Error(`the stream refused (${outcome.code}): ${outcome.description}`);
  }

  async function tellBacklog(): Promise<void> {
    if (hooks?.backlog === undefined) return;
    if (!tenure.holds()) {
      // Whoever holds the lease tells it now.
      if (backlogTold) hooks.backlog(0, 0);
      backlogTold = false;
      return;
    }
    try {
      const { documents, oldestSeconds } = await outbox.backlog();
      hooks.backlog(documents, oldestSeconds);
      backlogTold = true;
    } catch (error) {
      log.debug({ err: error }, 'backlog not counted');
    }
  }

  return {
    async stop() {
      stopped = true;
      woken.raise();
      await running;
      clearInterval(clock);
      for (const end of off) end();
    },
  };
}

function leftOut(faults: readonly Stuck[]): string | undefined {
  const [first] = faults;
  if (first === undefined) return undefined;
  const why = first.fault instanceof Error ? first.fault.message : String(first.fault);
  return `${faults.length} entries could not be made into events and are left out; the first is ${first.id}:${first.seq}: ${why}`;
}

/** Begin anew, from what is kept and what the stream has. */
class BrokenOff extends Error {}
