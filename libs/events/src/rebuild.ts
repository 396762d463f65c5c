import type { PublishedEntry } from '@bandeng/records';
import { MAX_BATCH, type Outgoing } from './batches.ts';
import { MAX_BATCH_BYTES, outgoing, type PlanContext, type Stuck } from './plan.ts';

/**
 * What has gone over the bus as messages once more, in batches. An entry of which no event can be made any more, which is a
 * fault of ours, is left out and added to `faults`: the others are not to wait for it.
 */
export async function* rebuiltBatches(
  published: AsyncIterable<readonly PublishedEntry[]>,
  context: Omit<PlanContext, 'toldUpTo'>,
  faults: Stuck[],
): AsyncGenerator<readonly Outgoing[]> {
  let batch: Outgoing[] = [];
  let bytes = 0;
  for await (const entries of published) {
    for (const { document, entry } of entries) {
      let message: Outgoing | undefined;
      try {
        message = outgoing(document, entry, context);
      } catch (fault) {
        faults.push({ collection: document.collection, id: document.id, seq: entry.seq, fault });
      }
      if (message === undefined) continue;
      if (batch.length === MAX_BATCH || bytes + message.payload.length > MAX_BATCH_BYTES) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(message);
      bytes += message.payload.length;
    }
  }
  if (batch.length > 0) yield batch;
}
