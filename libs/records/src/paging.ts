import type { Document } from 'mongodb';

/** Where a page of a list, newest first, ended: the instant that it is sorted by, as it is stored, and the id. */
export interface PageEnd {
  readonly at: Date | string;
  readonly id: string;
}

/**
 * What comes behind the end of a page in a list that is sorted by `{ [field]: -1, _id: -1 }`. The index begins at the instant, and
 * only what is of that very instant is compared: the plain `$or` of both reads from the top of the list.
 */
export function olderThan(field: string, { at, id }: PageEnd): Document {
  return { [field]: { $lte: at }, $or: [{ [field]: { $lt: at } }, { _id: { $lt: id } }] };
}
