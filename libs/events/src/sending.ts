import type { Mark } from '@bandeng/records';
import { passFailPoint } from './failpoint.ts';
import { aggregateKey, type PlannedBatch } from './plan.ts';

/**
 * Batches on their way to the stream and to their marks. Several are published one behind the other without waiting: each is
 * fenced with the sequence at which the one before will leave the stream, so when one is refused those behind it are too. Two
 * that are under way never hold entries of the same aggregate: whatever becomes of the first, no later entry is in the stream
 * without the earlier one.
 */
export interface Sending {
  /** Sends a batch as soon as there is room. @throws what went wrong with an earlier one; then nothing more is taken. */
  send(batch: PlannedBatch): Promise<void>;
  /** The seq up to which the entries of an aggregate (by `aggregateKey`) are on their way or there, marked or not; 0 for others. */
  sent(key: string): number;
  /** Forgets the aggregates whose marks are done. Nothing that was read before may be planned after. */
  forget(): void;
  /** @throws what went wrong, if anything did. */
  check(): void;
  /** Ends when everything is durable and marked. @throws what went wrong. */
  settled(): Promise<void>;
  /** Ends when nothing is on its way any more, however it went. */
  ended(): Promise<void>;
}

export interface SendingOptions {
  /** The last sequence of the stream. */
  readonly from: number;
  /** Batches that may be unacknowledged at a time. */
  atOnce(): number;
  /** Publishes behind a sequence; answers the sequence of the last message. `alone`: no other batch is under way. */
  publish(batch: PlannedBatch['messages'], after: number, alone: boolean): Promise<number>;
  mark(marks: readonly Mark[]): Promise<void>;
  /** All up to this sequence is marked. */
  reached(sequence: number): void;
  /** Something went wrong, and nobody may be waiting for it. */
  failed(): void;
}

/** Marks under way at a time, so that the database can use more than one processor. */
const MARKS_AT_ONCE = 2;
/** Aggregates that may wait for their mark before no more is published. */
const MOST_UNMARKED = 1_600;

/** A batch that is durable. */
interface Durable {
  readonly marks: readonly Mark[];
  readonly reached: number;
  marked: boolean;
}

export function startSending(options: SendingOptions): Sending {
  const sent = new Map<string, number>();
  const done = new Map<string, number>();
  const unacknowledged = new Set<string>();
  const unmarked: Durable[] = [];
  let toMark: Durable[] = [];
  let last = options.from;
  let publishing = 0;
  let marking = 0;
  let fault: { readonly error: unknown } | undefined;
  let waiting: (() => void)[] = [];

  function changed(): void {
    const now = waiting;
    waiting = [];
    for (const resume of now) resume();
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function check(): void {
    if (fault !== undefined) throw fault.error;
  }

  function fail(error: unknown): void {
    if (fault !== undefined) return;
    fault = { error };
    options.failed();
  }

  async function publish(batch: PlannedBatch, keys: readonly string[]): Promise<void> {
    const after = last;
    const expected = after + batch.messages.length;
    last = expected;
    publishing += 1;
    for (const key of keys) unacknowledged.add(key);
    try {
      const reached =
        batch.messages.length === 0 ? after : await options.publish(batch.messages, after, publishing === 1);
      passFailPoint('after-publish');
      if (reached !== expected) {
        // Duplicates have the sequence they had all along.
        if (last !== expected) throw new Error(`the stream is at ${reached} and not at ${expected}`);
        last = reached;
      }
      const durable = { marks: batch.marks, reached, marked: false };
      unmarked.push(durable);
      toMark.push(durable);
    } catch (error) {
      fail(error);
    } finally {
      publishing -= 1;
      for (const key of keys) unacknowledged.delete(key);
      markMore();
      changed();
    }
  }

  function markMore(): void {
    while (marking < MARKS_AT_ONCE && toMark.length > 0) {
      const some = toMark;
      toMark = [];
      marking += 1;
      void mark(some);
    }
  }

  async function mark(some: readonly Durable[]): Promise<void> {
    const marks = new Map<string, Mark>();
    for (const one of some.flatMap((durable) => durable.marks)) {
      const key = aggregateKey(one.collection, one.id);
      if ((marks.get(key)?.upTo ?? 0) < one.upTo) marks.set(key, one);
    }
    try {
      await options.mark([...marks.values()]);
      for (const [key, { upTo }] of marks) done.set(key, Math.max(upTo, done.get(key) ?? 0));
      for (const durable of some) durable.marked = true;
      while (unmarked[0]?.marked === true) options.reached(unmarked.shift()?.reached ?? 0);
    } catch (error) {
      fail(error);
    } finally {
      marking -= 1;
      markMore();
      changed();
    }
  }

  const quiet = (): boolean => publishing === 0 && marking === 0;
  return {
    async send(batch) {
      const keys = batch.marks.map(({ collection, id }) => aggregateKey(collection, id));
      const room = (): boolean =>
        publishing < options.atOnce() &&
        unmarked.reduce((sum, { marks }) => sum + marks.length, 0) < MOST_UNMARKED &&
        !keys.some((key) => unacknowledged.has(key));
      await until(() => fault !== undefined || room());
      check();
      passFailPoint('before-publish');
      for (const { collection, id, upTo } of batch.marks) sent.set(aggregateKey(collection, id), upTo);
      void publish(batch, keys);
    },
    sent: (key) => sent.get(key) ?? 0,
    forget() {
      for (const [key, upTo] of done) if (sent.get(key) === upTo) sent.delete(key);
      done.clear();
    },
    check,
    async settled() {
      await until(() => fault !== undefined || (quiet() && toMark.length === 0));
      check();
    },
    ended: () => until(quiet),
  };
}
