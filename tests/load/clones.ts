/** Many aggregates like one that the service stored itself: the same document with ids of their own, written in bulk. */
import { randomUUID } from 'node:crypto';
import { type Collection, type Document, Timestamp } from 'mongodb';

export interface CloneOptions {
  /** They wait for the relay; else they are of old times, of which nothing goes over the bus. */
  readonly unpublished?: boolean;
  /** Fields of their own beside the id. */
  own?(number: number): Document;
}

/** A document like the original: new id, new ids of entries and commands, and another follow code. */
function cloneOf(original: Document, options: CloneOptions = {}, number = 0): Document {
  const _id = randomUUID();
  const entry = ({ follows: _follows, ...one }: Document): Document => ({
    ...one,
    id: `${_id}:${one.seq}`,
    command: `bench:${_id}:${one.seq}`,
    ...(options.unpublished ? {} : { silent: true }),
  });
  return {
    ...original,
    _id,
    followHash: randomUUID(),
    history: original.history.map(entry),
    // The server puts the instant there.
    ...(options.unpublished ? { written: new Timestamp({ t: 0, i: 0 }) } : {}),
    ...options.own?.(number),
  };
}

/** Inserts so many clones; answers their ids. */
export async function insertClones<D extends Document>(
  collection: Collection<D>,
  original: Document,
  count: number,
  options: CloneOptions = {},
): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const some = Array.from({ length: Math.min(1_000, count - ids.length) }, (_, index) =>
      cloneOf(original, options, ids.length + index),
    );
    ids.push(...some.map(({ _id }) => _id));
    await insert(collection, some);
  }
  return ids;
}

/** The documents are what the collection holds already; the types end here. */
async function insert<D extends Document>(collection: Collection<D>, documents: Document[]): Promise<void> {
  const any: Collection<Document> = collection as unknown as Collection<Document>;
  await any.insertMany(documents, { ordered: false });
}
