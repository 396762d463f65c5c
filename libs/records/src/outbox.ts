import type { DomainEvent } from '@bandeng/decider';
import type { Db, Document, Sort } from 'mongodb';
import { open } from './contents.ts';
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
  /** As in the document: earlier entries too, so that the public entry before can be told. */
  readonly history: readonly Entry<DomainEvent>[];
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
  /** Aggregates with unpublished entries, without words, those that wait longest first. */
  unpublished(limit: number): Promise<UnpublishedDocument[]>;
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

const waiting = { unpublishedSince: { $exists: true } };
const longestFirst: Sort = { unpublishedSince: 1 };

export function outboxOf(database: Db, collections: readonly string[]): Outbox {
  const of = (name: string) => database.collection<RecordDocument>(name);

  async function unpublishedOf(name: string, limit: number): Promise<{ name: string; document: Document }[]> {
    const options = { sort: longestFirst, limit, projection: { words: 0 }, maxTimeMS: readTime };
    const documents = await of(name).find(waiting, options).toArray();
    return documents.map((document) => ({ name, document }));
  }

  return {
    collections,

    async unpublished(limit) {
      const found = (await Promise.all(collections.map((name) => unpublishedOf(name, limit)))).flat();
      if (collections.length > 1) found.sort((one, other) => since(one.document) - since(other.document));
      return found.slice(0, limit).map(({ name, document }) => unpublishedDocument(name, document));
    },

    async markPublished(marks) {
      const byCollection = Map.groupBy(marks, (mark) => mark.collection);
      const writes = [...byCollection].map(([name, its]) => {
        // One statement for all that have come equally far takes less than half the time of one for each.
        const updates = [...Map.groupBy(its, (mark) => mark.upTo)].map(([upTo, equal]) => ({
          updateMany: { filter: { _id: { $in: equal.map(({ id }) => id) } }, update: markUpTo(upTo) },
        }));
        return of(name).bulkWrite(updates, { ordered: false });
      });
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

/** Compares on the server: any form that reads first strands entries that are written between reading and marking. */
function markUpTo(upTo: number): Document[] {
  const allIsOut = { $lte: ['$version', upTo] };
  return [
    {
      $set: {
        published: { $max: ['$published', upTo] },
        unpublishedSince: { $cond: [allIsOut, '$$REMOVE', '$unpublishedSince'] },
      },
    },
  ];
}

function unpublishedDocument(collection: string, document: Document): UnpublishedDocument {
  const { stored, published } = open<unknown, DomainEvent>(document);
  const { id, version, territories, state, history } = stored;
  return { collection, id, version, published, territories, state, history };
}

function since(document: Document): number {
  const { unpublishedSince } = document;
  return unpublishedSince instanceof Date ? unpublishedSince.getTime() : 0;
}
