import type { Db, Document, Filter, Sort, UpdateFilter } from 'mongodb';
import { open } from './contents.ts';
import type { RecordDocument } from './documents.ts';
import { type Lease, leaseOf } from './lease.ts';
import { readTime } from './mongo.ts';
import { type PublishedEntry, publishedEntries, samplePublished } from './published.ts';
import { type UnpublishedDocument, unpublishedDocument } from './unpublished.ts';

/** Says that the entries of one aggregate up to a seq are on the bus for good. */
export interface Mark {
  readonly collection: string;
  readonly id: string;
  readonly upTo: number;
}

/** What the relay needs of the documents. */
export interface Outbox {
  /** The collections defined so far. */
  readonly collections: readonly string[];
  /**
   * Aggregates with unpublished entries, those that wait longest first, so many at a time of each collection. The next ones are
   * under way while these are worked on. What is written meanwhile may come at the end, an aggregate also twice.
   */
  unpublished(atATime: number): AsyncGenerator<readonly UnpublishedDocument[], void>;
  /** Marks never go back, and an aggregate that was written meanwhile stays in the queue. */
  markPublished(marks: readonly Mark[]): Promise<void>;
  backlog(): Promise<{ documents: number; oldestSeconds: number }>;
  /**
   * All that has gone over the bus, in batches, by time, the entries of each aggregate by seq; each once, what has moved
   * out too, what was silent not. To make a stream anew, and to look whether one is whole.
   */
  published(): AsyncGenerator<readonly PublishedEntry[]>;
  /** As `published`, of so many aggregates that chance picks. */
  samplePublished(aggregates: number): Promise<readonly PublishedEntry[]>;
  lease(name: string, holder: string): Lease;
}

/** The queue is a partial index: what is published costs nothing. */
export const outboxIndex = {
  name: 'unpublished',
  key: { unpublishedSince: 1 },
  partialFilterExpression: { unpublishedSince: { $exists: true } },
} as const;

// Not `$exists`, of which the server would open each document only to count it.
const waiting = { unpublishedSince: { $gt: new Date(0) } };
const longestFirst: Sort = { unpublishedSince: 1 };

export function outboxOf(database: Db, collections: readonly string[]): Outbox {
  const of = (name: string) => database.collection<RecordDocument>(name);

  async function* unpublishedOf(name: string, atATime: number): AsyncGenerator<readonly UnpublishedDocument[], void> {
    const options = {
      sort: longestFirst,
      batchSize: atATime,
      projection: { words: 0, search: 0 },
      maxTimeMS: readTime,
    };
    const cursor = of(name).find(waiting, options);
    const read = async (): Promise<Document[]> => {
      const first = await cursor.next();
      return first === null ? [] : [first, ...cursor.readBufferedDocuments(atATime - 1)];
    };
    let next = read();
    try {
      for (;;) {
        const found = await next;
        if (found.length === 0) return;
        // Fewer than asked for were the last.
        next = found.length < atATime ? Promise.resolve([]) : read();
        // Its failure is met by the next await; until then nobody else may see it as unhandled.
        next.catch(() => undefined);
        yield found.map((document) => unpublishedDocument(name, open(document)));
      }
    } finally {
      await next.catch(() => undefined);
      await cursor.close();
    }
  }

  /**
   * One statement for all that have come equally far: most have no later entry. What has one, and only that, stays in the queue.
   * The condition is checked where it is written, so what comes between the two is met by the second: versions only grow.
   */
  async function markEqual(name: string, upTo: number, ids: readonly string[]): Promise<void> {
    const allIsOut: Filter<RecordDocument> = { _id: { $in: ids }, version: upTo };
    const leave: UpdateFilter<RecordDocument> = { $set: { published: upTo }, $unset: { unpublishedSince: '' } };
    const { matchedCount } = await of(name).updateMany(allIsOut, leave);
    if (matchedCount === ids.length) return;
    await of(name).updateMany({ _id: { $in: ids }, version: { $gt: upTo } }, { $max: { published: upTo } });
  }

  return {
    collections,

    unpublished: (atATime) => together(collections.map((name) => unpublishedOf(name, atATime))),

    async markPublished(marks) {
      const writes = [...Map.groupBy(marks, ({ collection }) => collection)].flatMap(([name, its]) =>
        [...Map.groupBy(its, ({ upTo }) => upTo)].map(([upTo, equal]) =>
          markEqual(name, upTo, [...new Set(equal.map(({ id }) => id))]),
        ),
      );
      await Promise.all(writes);
    },

    async backlog() {
      const each = await Promise.all(
        collections.map(async (name) => {
          const options = { maxTimeMS: readTime, hint: outboxIndex.name };
          const [documents, oldest] = await Promise.all([
            of(name).countDocuments(waiting, options),
            of(name).findOne(waiting, { ...options, sort: longestFirst, projection: { unpublishedSince: 1 } }),
          ]);
          return { documents, since: oldest === null ? Number.POSITIVE_INFINITY : since(oldest) };
        }),
      );
      const now = Date.now();
      const oldest = Math.min(...each.map((one) => one.since), now);
      return { documents: each.reduce((sum, one) => sum + one.documents, 0), oldestSeconds: (now - oldest) / 1_000 };
    },

    published: () => publishedEntries(database, collections),
    samplePublished: (aggregates) => samplePublished(database, collections, aggregates),
    lease: (name, holder) => leaseOf(database, name, holder),
  };
}

/** Each collection in turn, so that none has to wait for all of another. */
async function* together<Thing>(sources: readonly AsyncGenerator<Thing, void>[]): AsyncGenerator<Thing, void> {
  let left = sources.map((source) => ({ source, next: source.next() }));
  for (const { next } of left) next.catch(() => undefined);
  try {
    while (left.length > 0) {
      for (const one of left) {
        const { done, value } = await one.next;
        if (done !== true) yield value;
        if (done === true) left = left.filter((other) => other !== one);
        else one.next = one.source.next();
        one.next.catch(() => undefined);
      }
    }
  } finally {
    await Promise.allSettled(left.map(({ source }) => source.return()));
  }
}

function since({ unpublishedSince }: Document): number {
  return unpublishedSince instanceof Date ? unpublishedSince.getTime() : 0;
}
