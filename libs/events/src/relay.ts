import type { Mark, Outbox } from '@bandeng/records';
import { batchesHold, COLLECTION_HEADER, ID_HEADER, type Outgoing, publishBatch, publishSingly } from './batches.ts';
import type { Bus } from './bus.ts';
import { passFailPoint } from './failpoint.ts';
import type { EventHooks, Log } from './hooks.ts';
import type { Operation, Operations } from './operations.ts';
import { aggregateKey, markOf, type PlannedBatch, plan, type Stuck } from './plan.ts';
import type { Publishing } from './publications.ts';
import { rebuiltBatches } from './rebuild.ts';
import { signal } from './signal.ts';
import { deleteStream, readStream, type StreamState } from './streams.ts';
import { streamOf } from './subjects.ts';
import type { Tenure } from './tenure.ts';

/** Brings what is written to the bus. */
export interface Relay {
  /** Ends after the batch in hand and says how far it came. Before the tenure's own stop. */
  stop(): Promise<void>;
}

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

/** How far the stream is known to be marked: kept in the lease document for whoever takes over. */
interface Fence {
  readonly created: string;
  readonly sequence: number;
}

/** Documents read at a time. */
const READ = 400;
const POLL_EVERY = 100;
const RETRY_STUCK_AFTER = 30_000;
const TELL_BACKLOG_EVERY = 5_000;
const SAVE_FENCE_EVERY = 1_000;
const LOOK_FOR_OPERATIONS_EVERY = 1_000;

/**
 * Publishes the entries of a service, exactly one message for each, in order for each aggregate, while this process holds the
 * lease. The fence makes it so: a batch is taken only behind the sequence we know of; when it is not, or when no answer
 * came, what lies in the stream is read and marked before anything else goes out.
 */
export function startRelay(options: RelayOptions): Relay {
  const { bus, outbox, tenure, service, log, hooks } = options;
  const publishings = new Map(options.publishings.map((one) => [one.collection, one]));
  const woken = signal();
  /** What is durable on the bus while its mark is under way. */
  const sent = new Map<string, number>();
  const stuckUntil = new Map<string, number>();
  let stopped = false;
  let fence: Fence | undefined;
  let savedFence: Fence | undefined;
  let atomic: boolean | undefined;
  let marking: Promise<void> = Promise.resolve();
  let last = 0;
  let savedAt = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let backlogTold = false;

  const off = [
    bus.onWake(service, () => {
      const mine = tenure.holds();
      if (mine) woken.raise();
      return mine;
    }),
    bus.onConnected(() => woken.raise()),
    tenure.onChange(() => woken.raise()),
  ];
  const clock = setInterval(() => void tellBacklog(), TELL_BACKLOG_EVERY);
  const running = run();

  async function run(): Promise<void> {
    let faults = 0;
    let ready = false;
    while (!stopped) {
      if (!tenure.holds() || bus.connection() === undefined) {
        ready = false;
        await woken.wait(POLL_EVERY);
        continue;
      }
      try {
        if (!ready) await takeOver();
        ready = true;
        const asked = await rebuildAskedFor();
        if (asked !== undefined) await rebuild(asked);
        const worked = await pass();
        faults = 0;
        if (!worked) await woken.wait(POLL_EVERY);
      } catch (error) {
        ready = false;
        faults += 1;
        if (!(error instanceof Behind)) log.warn({ err: error, faults }, 'relay begins again');
        if (faults > 1) await woken.wait(Math.min(2_000, 50 * 2 ** faults));
      }
    }
    await marking.catch(() => undefined);
    await saveFence();
  }

  /** Finds out what the stream holds beyond the fence, and marks it. */
  async function takeOver(): Promise<void> {
    await marking.catch(() => undefined);
    marking = Promise.resolve();
    sent.clear();
    const state = await bus.ensureStream(service);
    const connection = bus.connection();
    if (connection === undefined) throw new Error('NATS is away');
    warnBeforeFull(state);
    atomic ??= await batchesHold(connection, service);
    if (!atomic) log.warn({}, 'this nats-server takes duplicates in a batch: events go out one by one');
    fence ??= await tenure.lease.read<Fence>('fence');
    // Another incarnation of the stream knows nothing of what was marked before.
    const known = fence?.created === state.created ? Math.min(fence.sequence, state.last) : 0;
    const marks = new Map<string, Mark>();
    const unknown = { from: Math.max(known + 1, state.first), to: state.last, headersOnly: true };
    for await (const message of readStream(connection, streamOf(service), unknown)) {
      const mark = markOf(message.header(COLLECTION_HEADER), message.header(ID_HEADER));
      if (mark !== undefined && publishings.has(mark.collection))
        marks.set(aggregateKey(mark.collection, mark.id), mark);
      if (marks.size >= READ) {
        await outbox.markPublished([...marks.values()]);
        marks.clear();
      }
    }
    if (marks.size > 0) await outbox.markPublished([...marks.values()]);
    last = state.last;
    fence = { created: state.created, sequence: state.last };
    await saveFence();
  }

  async function rebuildAskedFor(): Promise<Operation<'rebuild'> | undefined> {
    if (options.operations === undefined) return undefined;
    if (lookedAt + LOOK_FOR_OPERATIONS_EVERY > performance.now()) return undefined;
    lookedAt = performance.now();
    return options.operations.next('rebuild');
  }

  /**
   * Makes the stream anew. All that the old one holds is marked by now, so what is marked is what the new one must hold. Whoever
   * is interrupted leaves it to be begun again from nothing, by the next pass or the next holder: then too there is no double.
   */
  async function rebuild({ id }: Operation<'rebuild'>): Promise<void> {
    const { operations } = options;
    const connection = bus.connection();
    if (operations === undefined || connection === undefined || !(await operations.begin(id))) return;
    try {
      await marking;
      log.warn({ stream: streamOf(service) }, 'the stream is made anew, as an operator asked');
      await deleteStream(connection, streamOf(service));
      const { created } = await bus.ensureStream(service);
      last = 0;
      fence = { created, sequence: 0 };
      const faults: Stuck[] = [];
      let done = 0;
      let toldAt = 0;
      for await (const batch of rebuiltBatches(
        outbox.published(),
        { service, publishings, city: options.city },
        faults,
      )) {
        if (stopped || !tenure.holds()) throw new Error('the lease is lost; the next holder begins again');
        last = await publish(batch);
        fence = { created, sequence: last };
        passFailPoint('in-rebuild');
        done += batch.length;
        hooks?.published?.(batch.length);
        if (toldAt + 500 > performance.now()) continue;
        toldAt = performance.now();
        await operations.progress(id, { done });
      }
      await saveFence();
      await operations.progress(id, { done });
      for (const fault of faults) log.error({ err: fault.fault, entry: fault.entry }, 'this entry is left out');
      await operations.end(id, leftOut(faults));
    } catch (error) {
      await operations.trouble(id, error instanceof Error ? error.message : String(error)).catch(() => undefined);
      lookedAt = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  /** Publishes what waits; false when nothing did. */
  async function pass(): Promise<boolean> {
    // Marks that end while we read may be missing in what we read: the snapshot tells.
    const before = new Map(sent);
    const now = performance.now();
    for (const [key, until] of stuckUntil) if (until < now) stuckUntil.delete(key);
    const limit = READ + before.size + stuckUntil.size;
    const documents = await outbox.unpublished(limit);
    const { batches, stuck } = plan(
      documents.filter((document) => !stuckUntil.has(aggregateKey(document.collection, document.id))),
      {
        service,
        publishings,
        city: options.city,
        sent: (key) => Math.max(before.get(key) ?? 0, sent.get(key) ?? 0),
      },
    );
    for (const one of stuck) holdUp(one);
    for (const batch of batches) {
      if (stopped || !tenure.holds()) return false;
      await send(batch);
    }
    if (batches.length === 0) await marking;
    if (savedAt + SAVE_FENCE_EVERY < performance.now()) await saveFence();
    return batches.length > 0;
  }

  async function send(batch: PlannedBatch): Promise<void> {
    passFailPoint('before-publish');
    if (batch.messages.length > 0) last = await publishTraced(batch.messages);
    passFailPoint('after-publish');
    for (const mark of batch.marks) sent.set(aggregateKey(mark.collection, mark.id), mark.upTo);
    const reached = last;
    // One mark is under way while the next batch is made and published, never two.
    await marking;
    marking = outbox.markPublished(batch.marks).then(() => {
      for (const mark of batch.marks) {
        const key = aggregateKey(mark.collection, mark.id);
        if (sent.get(key) === mark.upTo) sent.delete(key);
      }
      if (fence !== undefined) fence = { ...fence, sequence: reached };
    });
    // Its failure is met by the next await; until then nobody else may see it as unhandled.
    marking.catch(() => undefined);
    if (batch.messages.length > 0) hooks?.published?.(batch.messages.length);
  }

  function publishTraced(messages: readonly Outgoing[]): Promise<number> {
    if (hooks?.publishing === undefined) return publish(messages);
    const traces = new Set(messages.flatMap(({ traceparent }) => traceparent ?? []));
    return hooks.publishing([...traces], () => publish(messages));
  }

  async function publish(messages: readonly Outgoing[]): Promise<number> {
    const connection = bus.connection();
    if (connection === undefined) throw new Error('NATS is away');
    let outcome = await (atomic ? publishBatch : publishSingly)(connection, messages, last);
    if ('refused' in outcome && outcome.refused === 'duplicate') {
      log.warn({ messages: messages.length }, 'the stream has some of these already: they go out one by one');
      outcome = await publishSingly(connection, messages, last);
    }
    if (!('refused' in outcome)) return outcome.last;
    if (outcome.refused === 'behind') throw new Behind();
    throw new Error(`the stream refused (${outcome.code}): ${outcome.description}`);
  }

  function holdUp(stuck: Stuck): void {
    stuckUntil.set(stuck.key, performance.now() + RETRY_STUCK_AFTER);
    log.error({ err: stuck.fault, aggregate: stuck.key, entry: stuck.entry }, 'this aggregate cannot be published');
  }

  /** Not fatal: from an older fence only more is read. */
  async function saveFence(): Promise<void> {
    savedAt = performance.now();
    const now = fence;
    if (now === undefined || now === savedFence || !tenure.holds()) return;
    try {
      if (await tenure.lease.write({ fence: now })) savedFence = now;
    } catch (error) {
      log.debug({ err: error }, 'fence not saved');
    }
  }

  function warnBeforeFull(state: StreamState): void {
    if (state.maxBytes > 0 && state.bytes > state.maxBytes * 0.7) {
      log.error({ stream: state.stream, bytes: state.bytes, maxBytes: state.maxBytes }, 'the stream is soon full');
    }
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
  return `${faults.length} entries could not be made into events and are left out; the first is ${first.entry}: ${why}`;
}

/** Somebody else has published since: read the stream first. */
class Behind extends Error {
  constructor() {
    super('the stream has more than we knew');
  }
}
