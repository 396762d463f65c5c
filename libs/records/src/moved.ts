import type { DomainEvent } from '@bandeng/decider';
import { BSON, type Collection, type Db, type Document, MongoServerError } from 'mongodb';
import { entryFromBson, entryToBson } from './contents.ts';
import type { Entry, RecordDocument } from './documents.ts';
import { readTime } from './mongo.ts';

const mostEntries = 100;
const mostBytes = 256 * 1024;
const stay = 20;
/** Weighing a history costs as much as writing it, so it is done only every so many entries. */
const weighEvery = 8;

interface MovedDocument extends Document {
  _id: string;
  aggregate: string;
  command: string;
  seq: number;
}

/** Entries that have moved out of their documents, which must not grow for ever: `<collection>_history`. */
export interface Moved<E extends DomainEvent> {
  /** The first entry of a command on an aggregate, if it has moved out. */
  find(aggregate: string, command: string): Promise<Entry<E> | undefined>;
  /** All that have moved out, in order. */
  all(aggregate: string): Promise<Entry<E>[]>;
  /**
   * Moves out entries but the last 20, if there are more than 100 or they weigh more than 256 kB; only those before `neededFrom()`,
   * which the relay does not need any more. Inserted first, then pulled: when it breaks off between, the next time does both
   * again. Writers and the relay are not disturbed, for neither the version nor an entry they need is touched.
   */
  moveOut(
    aggregate: string,
    history: readonly Entry<E>[],
    added: number,
    neededFrom: () => Promise<number>,
  ): Promise<void>;
}

/** What has moved out of a collection. Its own collection and indexes are made when something first moves out. */
export function movedOf<E extends DomainEvent>(database: Db, collection: Collection<RecordDocument>): Moved<E> {
  const moved = database.collection<MovedDocument>(`${collection.collectionName}_history`);
  let indexed: Promise<unknown> | undefined;
  const index = (): Promise<unknown> => {
    indexed ??= moved
      .createIndexes([
        { name: 'command', key: { aggregate: 1, command: 1, seq: 1 }, unique: true },
        { name: 'order', key: { aggregate: 1, seq: 1 } },
      ])
      .catch((error: unknown) => {
        // The database was away: whoever comes next asks again.
        indexed = undefined;
        throw error;
      });
    return indexed;
  };

  return {
    async find(aggregate, command) {
      const found = await moved.findOne({ aggregate, command }, { sort: { seq: 1 }, maxTimeMS: readTime });
      return found === null ? undefined : restore<E>(found);
    },

    async all(aggregate) {
      const found = await moved.find({ aggregate }, { sort: { seq: 1 }, maxTimeMS: readTime }).toArray();
      return found.map((document) => restore<E>(document));
    },

    async moveOut(aggregate, history, added, neededFrom) {
      if (!isTooLong(history, added)) return;
      const last = history.at(-1)?.seq ?? 0;
      const upTo = Math.min((await neededFrom()) - 1, last - stay);
      const leaving = history.filter((entry) => entry.seq <= upTo);
      if (leaving.length === 0) return;
      await index();
      await insertOnce(
        moved,
        leaving.map((entry) => {
          const { id, ...rest } = entryToBson(entry);
          return { ...rest, _id: id, aggregate, command: entry.command, seq: entry.seq };
        }),
      );
      const pull: Document = { $pull: { history: { seq: { $lte: upTo } } }, $max: { historyFrom: upTo + 1 } };
      await collection.updateOne({ _id: aggregate }, pull, { maxTimeMS: readTime });
    },
  };
}

function isTooLong(history: readonly Entry<DomainEvent>[], added: number): boolean {
  if (history.length > mostEntries) return true;
  return isTimeToWeigh(history, added) && weight(history) > mostBytes;
}

/** Whether one of the entries that were added to a history is one at which it is weighed. */
export function isTimeToWeigh(history: readonly Entry<DomainEvent>[], added: number): boolean {
  return (history.at(-1)?.seq ?? 0) % weighEvery < added;
}

/** Bytes of entries as the database keeps them. */
export function weight(history: readonly Entry<DomainEvent>[]): number {
  return BSON.calculateObjectSize({ history: history.map(entryToBson) });
}

function restore<E extends DomainEvent>(document: MovedDocument): Entry<E> {
  const { _id: id, aggregate: _, ...rest } = document;
  return entryFromBson<E>({ ...rest, id });
}

async function insertOnce(moved: Collection<MovedDocument>, documents: MovedDocument[]): Promise<void> {
  try {
    await moved.insertMany(documents, { ordered: false, maxTimeMS: readTime });
  } catch (error) {
    // All that can be there already is what an earlier move inserted before it broke off.
    if (!(error instanceof MongoServerError) || error.code !== 11000) throw error;
  }
}
