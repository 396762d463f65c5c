import type { Decider, DomainEvent, Refused } from '@bandeng/decider';
import type { Document, IndexDescription, Timestamp } from 'mongodb';

/** Who did it: a person in a capacity, another system, a part of ours (`system:<service>`), or somebody without an account. */
export type Actor =
  | { readonly person: string; readonly posting?: string }
  | { readonly client: string }
  | { readonly system: string }
  | { readonly guest: true };

/** What a command brings along beside what it asks for. */
export interface CommandContext {
  /** Names the command; the same id never has a second effect on the same aggregate. */
  readonly id: string;
  /** What tells the request from others, such as its hash: the same id with another one is refused `key-reused`. */
  readonly request?: string;
  /** RFC 3339 with milliseconds and Z. */
  readonly at: string;
  readonly actor: Actor;
  /** W3C traceparent. */
  readonly trace?: string;
  /** The version that the caller has seen; another one is refused `stale-version`. */
  readonly ifMatch?: number;
  /** History of old times: the entries count as published, nothing goes over the bus. */
  readonly silent?: boolean;
  /** The id is derived and new unless this is a repeat: insert at once, read only when something speaks against it. */
  readonly expectNew?: boolean;
  /** Everything but the write: answers how the aggregate would be, or why not, and nothing has happened. */
  readonly rehearsal?: boolean;
}

interface EntryHead {
  /** Counts from 1 in each aggregate. */
  readonly seq: number;
  /** `<aggregate>:<seq>`, the id of the public event too. */
  readonly id: string;
  readonly at: string;
  readonly actor: Actor;
  readonly command: string;
  /** Only on the first entry of a command. */
  readonly request?: string;
  readonly trace?: string;
  /** It never went over the bus and never will: history of old times. */
  readonly silent?: true;
  /**
   * Only on the first entry of a command, and only when something for the bus was there before: when that was written, by the
   * clock of the database. So of each entry it is known whether the bus has it, and the relay need not write that down.
   */
  readonly follows?: Timestamp;
}

/** One event in the history of an aggregate, and who caused it when by which command. */
export type Entry<E extends DomainEvent> = EntryHead &
  (E extends DomainEvent ? { readonly type: E['type']; readonly data: E['data'] } : never);

/** Texts that people wrote, by id. They are here alone: entries, events, notices and logs carry the id. */
export type Words = Readonly<
  Record<string, { readonly by: string; readonly text: string /** Its text was taken away. */; readonly erased?: true }>
>;

/** An aggregate as it is stored. */
export interface Stored<S, E extends DomainEvent> {
  readonly id: string;
  /** The seq of the last entry. */
  readonly version: number;
  readonly state: S;
  readonly words: Words;
  readonly territories: readonly string[];
  /** Without what has moved out (`Aggregates.history` has all), empty if the query projected it away. */
  readonly history: readonly Entry<E>[];
}

/** A command as it goes to `decide`, with the texts that its events point to. */
export interface Prepared<C> {
  readonly command: C;
  readonly words?: Words;
  /** Who does it, where the capacity follows from the aggregate as it is; else the context's. */
  readonly actor?: Actor;
}

/** What one kind of aggregate is made of. */
export interface Definition<S extends object, C, E extends DomainEvent, R extends string> {
  /** The collection, plural: `tickets`. */
  readonly name: string;
  readonly decider: Decider<S, C, E, R>;
  /** Nothing of it ever goes over the bus: the relay does not read it. */
  readonly private?: true;
  /** Codes for territorial rights; left out, the state's own field `territories` is used if it has one. */
  territories?(state: S): readonly string[];
  /** The earliest running deadline. */
  nextDue?(state: S): string | undefined;
  /** Fields beside the state that exist for indexes alone; an undefined one is not stored. */
  keys?(state: S): Readonly<Record<string, unknown>>;
  /**
   * Terms by which people find it, made of its words; stored under `search`, for indexes alone. Made anew by every command that
   * brings words, and by no other: where words are erased, their terms are gone with them.
   */
  search?(state: S, words: Words): Readonly<Record<string, unknown>>;
  readonly indexes?: readonly IndexDescription[];
  /** A duplicate in the unique index of that name is this refusal. */
  readonly refusals?: Readonly<Partial<Record<string, R>>>;
}

/** The document of an aggregate: these fields, the state's own beside them, and the derived ones for indexes. */
export interface RecordDocument extends Document {
  readonly _id: string;
  readonly version: number;
  /** When its last entry for the bus was written, by the clock of the database. */
  readonly written?: Timestamp;
  readonly history: Document[];
}

/** What records itself refuses. */
export type RecordsRefusal = 'key-reused' | 'stale-version' | 'busy' | 'too-much-unpublished';

/** How a command ended. */
export type Outcome<S, E extends DomainEvent, R extends string> =
  | {
      readonly stored: Stored<S, E> /** It had happened before; this is the aggregate now. */;
      readonly replayed: boolean;
    }
  | Refused<R | RecordsRefusal>;
