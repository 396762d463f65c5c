import { once } from 'node:events';
import type { PassThrough } from 'node:stream';

/** Whoever reads: gone when aborted, and how long it is waited for them to take something. */
export interface Reader {
  readonly signal: AbortSignal;
  readonly patienceMs: number;
}

/** Waits until a slow reader has taken what was written. @throws when they have gone, or have taken nothing for too long. */
export async function drained(content: PassThrough, { signal, patienceMs }: Reader): Promise<void> {
  if (!content.writableNeedDrain) return;
  await once(content, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]) });
}
