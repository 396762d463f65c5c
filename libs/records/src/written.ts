import type { DomainEvent } from '@bandeng/decider';
import { Timestamp } from 'mongodb';
import type { Opened } from './contents.ts';
import type { Entry } from './documents.ts';

/**
 * Documents are read in the order of writing by this index. `written` is set by the server at each write that has something for
 * the bus, from the clock of the replica set, which is never twice the same and never goes back.
 */
export const writtenIndex = {
  name: 'written',
  key: { written: 1 },
  partialFilterExpression: { written: { $exists: true } },
} as const;

/** Up to which write each kind of aggregate has been read, by its name; one that is missing has not been read yet. */
export type Place = Readonly<Record<string, Timestamp>>;

/** Before everything. */
export const beginning = new Timestamp({ t: 0, i: 0 });

/** An aggregate with something for the bus, as it is now. */
export interface WrittenDocument {
  readonly collection: string;
  readonly id: string;
  readonly version: number;
  /** When its last entry for the bus was written; undefined when it never had one. */
  readonly written: Timestamp | undefined;
  readonly territories: readonly string[];
  readonly state: unknown;
  /** The entry of a seq, earlier ones too, so that the public entry before can be told; undefined when it is not in the document. */
  entry(seq: number): Entry<DomainEvent> | undefined;
  /** The seq of the first entry that was written after a place; the one after the last when there is none. */
  firstAfter(place: Place): number;
}

/** A document as a publication sees it; `history` when more of it is known than the document has. */
export function writtenDocument(
  collection: string,
  { stored, written }: Pick<Opened<unknown, DomainEvent>, 'stored' | 'written'>,
  history: readonly Entry<DomainEvent>[] = stored.history,
): WrittenDocument {
  const { id, version, territories, state } = stored;
  return {
    ...{ collection, id, version, written, territories, state },
    entry(seq) {
      // The last one has the version, and there is none missing between.
      const entry = history[history.length - 1 - (version - seq)];
      return entry?.seq === seq ? entry : undefined;
    },
    firstAfter: (place) => firstAfter(history, written, place[collection]),
  };
}

/**
 * The seq of the first entry that was written after an instant, by the document's `written` and what its commands met: what is
 * before a command's first entry was written by the instant that it `follows`. What has moved out is older.
 */
export function firstAfter(
  history: readonly Entry<DomainEvent>[],
  written: Timestamp | undefined,
  instant: Timestamp | undefined,
): number {
  const after = (history.at(-1)?.seq ?? 0) + 1;
  if (written === undefined || (instant !== undefined && !written.greaterThan(instant))) return after;
  for (let index = history.length - 1; index >= 0; index -= 1) {
    const entry = history[index];
    if (entry?.follows === undefined) continue;
    if (instant !== undefined && !entry.follows.greaterThan(instant)) return entry.seq;
  }
  return history[0]?.seq ?? after;
}
