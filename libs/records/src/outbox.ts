import type { DomainEvent } from '@bandeng/decider';
import type { Db, Document, Filter, Sort, UpdateFilter } from 'mongodb';
import { type Fields, fieldsOf, lazily } from './bytes.ts';
import { kept } from './contents.ts';
import type { Entry, RecordDocument } from './documents.ts';
import { type Lease, leaseOf } from './lease.ts';
import { readTime } from './mongo.ts';
import { type PublishedEntry, publishedEntries, samplePublished } from './published.ts';

/** An aggregate with entries after `published` that the bus has not got yet. */
export interface UnpublishedDocument {
  readonly collection: string;
  readonly id: string;
  readonly version: number;
  readonly published: number;
  readonly territories: readonly string[];
  readonly state: unknown;
  /** The entry of a seq, earlier ones too, so that the public entry before can be told; undefined when it is not in the document. */
  entry(seq: number): Entry<DomainEvent> | undefined;
}

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
    // Words stay unread. To leave them out costs the server more than to send them.
    const options = { sort: longestFirst, batchSize: atATime, raw: true, maxTimeMS: readTime };
    const cursor = of(name).find<Uint8Array>(waiting, options);
    const read = async (): Promise<Uint8Array[]> => {
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
        yield found.map((bytes) => unpublishedDocument(name, bytes));
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
      const oldest = Math.min(...each.map((one) => one.since), Date.now());
      return {
        documents: each.reduce((sum, one) => sum + one.documents, 0),
        oldestSeconds: (Date.now() - oldest) / 1_000,
      };
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

/** What comes of all documents is made of few: the state and the entries are read as far as their publication looks. */
function unpublishedDocument(collection: string, bytes: Uint8Array): UnpublishedDocument {
  const fields = fieldsOf(bytes);
  const version = numberIn(fields, 'version');
  const entries = fields.documents('history');
  let state: object | undefined;
  return {
    collection,
    id: String(fields.value('_id')),
    version,
    published: numberIn(fields, 'published'),
    get territories() {
      const territories = fields.value('territories');
      return Array.isArray(territories) ? territories : [];
    },
    get state() {
      state ??= stateIn(fields);
      return state;
    },
    entry: (seq) => {
      // The last one has the version, and there is none missing between.
      const entry = entries.at(entries.length - 1 - (version - seq));
      return entry === undefined || entry.value('seq') !== seq ? undefined : entryIn(entry);
    },
  };
}

/** The fields that `open` takes for the state. */
function stateIn(fields: Fields): object {
  let derived: unknown;
  const notState = (name: string): boolean => {
    if (kept.has(name) || name === 'nextDue' || name === 'derived') return true;
    derived ??= fields.value('derived') ?? [];
    return Array.isArray(derived) && derived.includes(name);
  };
  return lazily(fields, {}, notState);
}

/** What `entryToBson` stored. */
function entryIn(fields: Fields): Entry<DomainEvent> {
  const data = fields.within('data');
  return lazily(fields, data === undefined ? {} : { data: lazily(data) }) as Entry<DomainEvent>;
}

function numberIn(fields: Fields, name: string): number {
  const value = fields.value(name);
  if (typeof value !== 'number') throw new TypeError(`a document of records without ${name}`);
  return value;
}

function since({ unpublishedSince }: Document): number {
  return unpublishedSince instanceof Date ? unpublishedSince.getTime() : 0;
}
