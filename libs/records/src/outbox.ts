import type { Db } from 'mongodb';
import type { RecordDocument } from './documents.ts';
import { type Following, type FollowingOptions, following } from './following.ts';
import { type Lease, leaseOf } from './lease.ts';
import { readTime } from './mongo.ts';
import { progressOf, serviceLease } from './progress.ts';
import { type PublishedEntry, publishedEntries, samplePublished } from './published.ts';
import { beginning, type Place, writtenIndex } from './written.ts';

/** What the relay needs of the documents. It writes nothing to them. */
export interface Outbox {
  /** The collections defined so far. */
  readonly collections: readonly string[];
  /** Reads what was written after a place. */
  follow<Note>(from: Place, options?: FollowingOptions): Following<Note>;
  /**
   * How many aggregates wait for the relay, by what it has kept of how far it is (100,000 at most are counted), and how long ago
   * the one of them was last written that was written first.
   */
  backlog(): Promise<{ documents: number; oldestSeconds: number }>;
  /**
   * All that has gone over the bus for good, as the relay has kept it, in batches, by time, the entries of each aggregate by
   * seq; each once, what has moved out too, what was silent not. To make a stream anew, and to look whether one is whole.
   */
  published(): AsyncGenerator<readonly PublishedEntry[]>;
  /** As `published`, of so many aggregates that chance picks. */
  samplePublished(aggregates: number): Promise<readonly PublishedEntry[]>;
  /** The lease under which relay, reactions and sweeps of the service work. */
  lease(holder: string): Lease;
}

const MOST_COUNTED = 100_000;

/** The outbox of these collections, of which more may be defined later. */
export function outboxOf(database: Db, collections: readonly string[]): Outbox {
  const of = (name: string) => database.collection<RecordDocument>(name);

  return {
    collections,

    follow: <Note>(from: Place, options?: FollowingOptions) => following<Note>(database, collections, from, options),

    async backlog() {
      const { told = {}, stuck = [] } = (await progressOf(database)) ?? {};
      const each = await Promise.all(
        collections.map(async (name) => {
          const waiting = { written: { $gt: told[name] ?? beginning } };
          const options = { maxTimeMS: readTime, hint: writtenIndex.name };
          const [documents, oldest] = await Promise.all([
            of(name).countDocuments(waiting, { ...options, limit: MOST_COUNTED }),
            of(name).findOne(waiting, { ...options, sort: { written: 1 }, projection: { _id: 0, written: 1 } }),
          ]);
          return { documents, since: oldest?.written?.t ?? Number.POSITIVE_INFINITY };
        }),
      );
      const now = Date.now() / 1_000;
      const held = stuck.map(({ since }) => since.getTime() / 1_000);
      const oldest = Math.min(...each.map((one) => one.since), ...held, now);
      const documents = each.reduce((sum, one) => sum + one.documents, stuck.length);
      return { documents, oldestSeconds: now - oldest };
    },

    async *published() {
      const progress = await progressOf(database);
      if (progress !== undefined) yield* publishedEntries(database, collections, progress);
    },

    async samplePublished(aggregates) {
      const progress = await progressOf(database);
      return progress === undefined ? [] : samplePublished(database, collections, aggregates, progress);
    },

    lease: (holder) => leaseOf(database, serviceLease, holder),
  };
}
