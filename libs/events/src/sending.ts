import { passFailPoint } from './failpoint.ts';
import type { PlannedBatch } from './plan.ts';

/**
 * Batches on their way to the stream. Several are published one behind the other without waiting: each is fenced with the
 * sequence at which the one before will leave the stream, so when one is refused those behind it are too. Two that are under way
 * never hold entries of the same aggregate: whatever becomes of the first, no later entry is in the stream without the earlier.
 */
export interface Sending {
  /** Sends a batch as soon as there is room. @throws what went wrong with an earlier one; then nothing more is taken. */
  send(batch: PlannedBatch): Promise<void>;
  /** @throws what went wrong, if anything did. */
  check(): void;
  /** Ends when everything is durable, with the last sequence of the stream. @throws what went wrong. */
  settled(): Promise<number>;
  /** Ends when nothing is on its way any more, however it went. */
  ended(): Promise<void>;
}

/** From where on a sending goes, and how it publishes. */
export interface SendingOptions {
  /** The last sequence of the stream. */
  readonly from: number;
  /** Batches that may be unacknowledged at a time. */
  atOnce(): number;
  /** Publishes behind a sequence; answers the sequence of the last message. `alone`: no other batch is under way. */
  publish(batch: PlannedBatch['messages'], after: number, alone: boolean): Promise<number>;
  /** Something went wrong, and nobody may be waiting for it. */
  failed(): void;
}

/** Begins a sending behind a sequence. After one fault it takes nothing more: whoever uses it begins another. */
export function startSending(options: SendingOptions): Sending {
  const unacknowledged = new Set<string>();
  let last = options.from;
  let publishing = 0;
  let fault: { readonly error: unknown } | undefined;
  let waiting: (() => void)[] = [];

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function check(): void {
    if (fault !== undefined) throw fault.error;
  }

  async function publish({ messages, aggregates }: PlannedBatch): Promise<void> {
    const after = last;
    const expected = after + messages.length;
    last = expected;
    publishing += 1;
    for (const key of aggregates) unacknowledged.add(key);
    try {
      const reached = await options.publish(messages, after, publishing === 1);
      passFailPoint('after-publish');
      if (reached !== expected) {
        // Duplicates have the sequence they had all along.
        if (last !== expected) throw new Error(`the stream is at ${reached} and not at ${expected}`);
        last = reached;
      }
    } catch (error) {
      if (fault === undefined) options.failed();
      fault ??= { error };
    } finally {
      publishing -= 1;
      for (const key of aggregates) unacknowledged.delete(key);
      const now = waiting;
      waiting = [];
      for (const resume of now) resume();
    }
  }

  return {
    async send(batch) {
      const room = (): boolean =>
        publishing < options.atOnce() && ![...batch.aggregates].some((key) => unacknowledged.has(key));
      await until(() => fault !== undefined || room());
      check();
      passFailPoint('before-publish');
      void publish(batch);
    },
    check,
    async settled() {
      await until(() => fault !== undefined || publishing === 0);
      check();
      return last;
    },
    ended: () => until(() => publishing === 0),
  };
}
