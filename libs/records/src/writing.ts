import {
  type Collection,
  type Document,
  MongoBulkWriteError,
  MongoServerError,
  type OptionalUnlessRequiredId,
} from 'mongodb';
import type { RecordDocument } from './documents.ts';
import { grouped } from './groups.ts';
import { readTime } from './mongo.ts';

/** A write to one aggregate that holds only if nobody has written since. */
export interface ConditionalUpdate {
  readonly seen: { readonly _id: string; readonly version: number };
  readonly operators: Document;
}

/**
 * Whether a conditional update held. `unclear`: it went in a group of which some did not hold, and the server says how many,
 * not which; the aggregate tells, by the id of the command.
 */
export type Held = 'held' | 'conflict' | 'unclear';

/** The reads and writes of single aggregates of one collection. Those that are asked for at the same time go together. */
export interface Writing {
  read(id: string): Promise<RecordDocument | undefined>;
  /** @throws MongoServerError of its own document, or whatever kept the whole group from being written. */
  insert(document: RecordDocument): Promise<void>;
  update(update: ConditionalUpdate): Promise<Held>;
}

const options = { maxTimeMS: readTime };

/** The reads and writes of a collection, each bounded by `readTime`. */
export function writingTo(collection: Collection<RecordDocument>): Writing {
  const read = grouped<string, RecordDocument | undefined>({ send: (ids) => readTogether(collection, ids) });
  const insert = grouped<RecordDocument, MongoServerError | undefined>({
    send: (documents) => insertTogether(collection, documents),
  });
  const update = grouped<ConditionalUpdate, Held | MongoServerError>({
    send: (updates) => updateTogether(collection, updates),
  });
  return {
    read,
    async insert(document) {
      const fault = await insert(document);
      if (fault !== undefined) throw fault;
    },
    async update(one) {
      const held = await update(one);
      if (typeof held !== 'string') throw held;
      return held;
    },
  };
}

async function readTogether(
  collection: Collection<RecordDocument>,
  ids: readonly string[],
): Promise<(RecordDocument | undefined)[]> {
  const [only] = ids;
  if (ids.length === 1 && only !== undefined) return [(await collection.findOne({ _id: only }, options)) ?? undefined];
  const found = await collection.find({ _id: { $in: [...new Set(ids)] } }, options).toArray();
  const byId = new Map(found.map((document) => [document._id, document]));
  return ids.map((id) => byId.get(id));
}

async function insertTogether(
  collection: Collection<RecordDocument>,
  documents: readonly RecordDocument[],
): Promise<(MongoServerError | undefined)[]> {
  try {
    await collection.insertMany(documents.map(insertable), { ...options, ordered: false });
    return documents.map(() => undefined);
  } catch (error) {
    const faults = faultsOf(error);
    if (faults === undefined) throw error;
    return documents.map((_, index) => faults.get(index));
  }
}

/** The driver's type would have an id that it makes itself left out. */
function insertable(document: RecordDocument): OptionalUnlessRequiredId<RecordDocument> {
  return document as OptionalUnlessRequiredId<RecordDocument>;
}

async function updateTogether(
  collection: Collection<RecordDocument>,
  updates: readonly ConditionalUpdate[],
): Promise<(Held | MongoServerError)[]> {
  // Of one aggregate whoever has seen most is sent, the first of those: it leaves nothing for the others, and versions only grow.
  const foremost = new Map<string, ConditionalUpdate>();
  for (const one of updates) {
    const other = foremost.get(one.seen._id);
    if (other === undefined || other.seen.version < one.seen.version) foremost.set(one.seen._id, one);
  }
  const sent = [...foremost.values()];
  const ends = new Map((await updateEach(collection, sent)).map((end, index) => [sent[index], end]));
  return updates.map((one) => ends.get(one) ?? 'conflict');
}

/** All have the same answer, but those that met a fault: where only some held, the server does not say which. */
async function updateEach(
  collection: Collection<RecordDocument>,
  updates: readonly ConditionalUpdate[],
): Promise<(Held | MongoServerError)[]> {
  const [only] = updates;
  if (updates.length === 1 && only !== undefined) {
    const { matchedCount } = await collection.updateOne(only.seen, only.operators, options);
    return [matchedCount === 1 ? 'held' : 'conflict'];
  }
  const writes = updates.map(({ seen, operators }) => ({ updateOne: { filter: seen, update: operators } }));
  try {
    const { matchedCount } = await collection.bulkWrite(writes, { ...options, ordered: false });
    return updates.map(() => (matchedCount === updates.length ? 'held' : matchedCount === 0 ? 'conflict' : 'unclear'));
  } catch (error) {
    const faults = faultsOf(error);
    if (faults === undefined) throw error;
    return updates.map((_, index) => faults.get(index) ?? 'unclear');
  }
}

/**
 * What is wrong with single documents of a group; undefined when it is something that concerns all of them. Whatever kept the
 * driver from reaching the server comes as a group without a fault as well, and nothing of it need be written.
 */
function faultsOf(error: unknown): ReadonlyMap<number, MongoServerError> | undefined {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) return undefined;
  const faults = error.result.getWriteErrors();
  if (faults.length === 0) return undefined;
  return new Map(
    faults.map(({ index, code, errmsg = '' }) => [index, new MongoServerError({ message: errmsg, errmsg, code })]),
  );
}
