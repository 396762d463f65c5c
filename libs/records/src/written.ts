import type { DomainEvent } from '@bandeng/decider';
import { type Document, Timestamp } from 'mongodb';
import { entryFromBson, stateOf } from './contents.ts';
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

/** One aggregate among those of all kinds. */
export function aggregateKey(collection: string, id: string): string {
  return `${collection}/${id}`;
}

/** Before everything. */
export const beginning = new Timestamp({ t: 0, i: 0 });

/** Which fields of the state are read of a kind of aggregate, by its name; all of one that is left out. */
export type Fields = Readonly<Record<string, readonly string[]>>;

/** What is read of a document: never the words of people, nor what is made of them; with `fields` nothing else that follows from its state. */
export function projectionOf(fields: readonly string[] | undefined): Document {
  if (fields === undefined) return { words: 0, search: 0 };
  return Object.fromEntries(['version', 'written', 'history', ...fields].map((name) => [name, 1]));
}

/** An aggregate with something for the bus, as it is now. */
export interface WrittenDocument {
  readonly collection: string;
  readonly id: string;
  /** Its `aggregateKey`. */
  readonly key: string;
  readonly version: number;
  /** When its last entry for the bus was written; undefined when it never had one. */
  readonly written: Timestamp | undefined;
  /** Empty when only some fields are read. */
  readonly territories: readonly string[];
  /** With the fields that are read. */
  readonly state: unknown;
  /** The entry of a seq, earlier ones too, so that the public entry before can be told; undefined when it is not in the document. */
  entry(seq: number): Entry<DomainEvent> | undefined;
  /** The seq of the first entry that was written after a place; the one after the last when there is none. */
  firstAfter(place: Place): number;
}

/**
 * A document as a publication sees it, of which nothing is made that nobody asks for; `history` when more of it is known than
 * the document has, `upTo` when it shall count up to a place only.
 */
export function writtenDocument(
  collection: string,
  document: Document,
  { history, upTo }: { readonly history?: readonly Entry<DomainEvent>[]; readonly upTo?: Place } = {},
): WrittenDocument {
  const whole = new ReadDocument(collection, document, history);
  return upTo === undefined ? whole : new ReadDocument(collection, document, history, whole.firstAfter(upTo) - 1);
}

/** A class, for there is one for each event: what it does is made once. */
class ReadDocument implements WrittenDocument {
  readonly collection: string;
  readonly id: string;
  readonly key: string;
  readonly version: number;
  readonly written: Timestamp | undefined;
  readonly #document: Document;
  readonly #history: readonly Entry<DomainEvent>[] | undefined;
  #state: unknown;

  constructor(
    collection: string,
    document: Document,
    history: readonly Entry<DomainEvent>[] | undefined,
    version: number = document.version,
  ) {
    this.collection = collection;
    this.id = document._id;
    this.key = aggregateKey(collection, this.id);
    this.version = version;
    this.written = document.written;
    this.#document = document;
    this.#history = history;
  }

  get territories(): readonly string[] {
    const { territories } = this.#document;
    return Array.isArray(territories) ? territories : [];
  }

  get state(): unknown {
    this.#state ??= stateOf(this.#document);
    return this.#state;
  }

  get #entries(): readonly (Document & Placed)[] {
    return this.#history ?? this.#document.history;
  }

  entry(seq: number): Entry<DomainEvent> | undefined {
    // The last one has the document's version, and there is none missing between.
    const entries = this.#entries;
    const index = entries.length - 1 - (this.#document.version - seq);
    const entry = entries[index];
    if (entry?.seq !== seq) return undefined;
    return this.#history === undefined ? entryFromBson(entry) : this.#history[index];
  }

  firstAfter(place: Place): number {
    return firstAfter(this.#entries, this.written, place[this.collection]);
  }
}

interface Placed {
  readonly seq: number;
  readonly follows?: Timestamp;
}

/**
 * The seq of the first entry that was written after an instant, by the document's `written` and what its commands met: what is
 * before a command's first entry was written by the instant that it `follows`. What has moved out is older.
 */
export function firstAfter(
  history: readonly Placed[],
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
