import type { Db } from 'mongodb';
import { duplicateIndex, readTime } from './mongo.ts';

/** Readable numbers from 1, each once; gaps are allowed. */
export interface Serials {
  next(): Promise<number>;
}

interface CounterDocument {
  _id: string;
  last: number;
}

/** Serials in blocks: one write for each `block` numbers, for one counter for each number halves the speed of orders. */
export function serialsOf(database: Db, name: string, block: number): Serials {
  const counters = database.collection<CounterDocument>('counters');
  let next = 1;
  let last = 0;
  let taking: Promise<void> | undefined;

  async function take(): Promise<void> {
    const counter = await increase().catch((error: unknown) => {
      // Two processes made the counter at the same instant; now it is there.
      if (duplicateIndex(error) === undefined) throw error;
      return increase();
    });
    if (counter === null) throw new Error(`the counter ${name} is not there after it was increased`);
    last = counter.last;
    next = last - block + 1;
  }

  function increase(): Promise<CounterDocument | null> {
    return counters.findOneAndUpdate(
      { _id: name },
      { $inc: { last: block } },
      { upsert: true, returnDocument: 'after', maxTimeMS: readTime },
    );
  }

  return {
    async next() {
      while (next > last) {
        taking ??= take().finally(() => {
          taking = undefined;
        });
        await taking;
      }
      const serial = next;
      next += 1;
      return serial;
    },
  };
}
