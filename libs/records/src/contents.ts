import type { DomainEvent } from '@bandeng/decider';
import type { Document, Timestamp } from 'mongodb';
import type { Definition, Entry, Stored } from './documents.ts';
import { defined, fieldsToBson, fromBson, isInstant, same } from './values.ts';

/** Fields of a document that the state may not have: they are how a record is kept. */
const reserved: ReadonlySet<string> = new Set([
  '_id',
  'version',
  'written',
  'nextDue',
  'words',
  'search',
  'derived',
  'history',
  'historyFrom',
]);

/** Of these, the ones that do not follow from the state. */
const kept: ReadonlySet<string> = new Set([...reserved].filter((name) => name !== 'nextDue' && name !== 'derived'));

/**
 * The fields that follow from the state, in the form of the domain: the state's own, territories, keys and `nextDue`. What is not
 * the state's own is named in `derived`, so that a reader of any later release can take it away again.
 */
export type Content = Readonly<Record<string, unknown>>;

/** The fields of a document that follow from a state. @throws TypeError when names clash or a deadline is no instant. */
export function contentOf<S extends object>(
  definition: Pick<Definition<S, never, DomainEvent, string>, 'name' | 'territories' | 'keys' | 'nextDue'>,
  state: S,
): Content {
  const own = defined(state);
  const territories = definition.territories?.(state);
  const places = territories === undefined || same(territories, own.territories) ? {} : { territories };
  const keys = defined(definition.keys?.(state) ?? {});
  const derived = [...Object.keys(places), ...Object.keys(keys)];
  for (const name of [...Object.keys(own), ...derived]) {
    if (reserved.has(name)) throw new TypeError(`${definition.name}: '${name}' is reserved`);
  }
  const twice = derived.find((name, place) => Object.hasOwn(own, name) || derived.indexOf(name) !== place);
  if (twice !== undefined) throw new TypeError(`${definition.name}: '${twice}' is of the state and cannot be a key`);
  const nextDue = definition.nextDue?.(state);
  if (nextDue !== undefined && !isInstant(nextDue)) {
    throw new TypeError(`${definition.name}: the deadline '${nextDue}' is no instant`);
  }
  return {
    ...own,
    ...places,
    ...keys,
    ...(derived.length > 0 ? { derived } : {}),
    ...(nextDue === undefined ? {} : { nextDue }),
  };
}

/** A document taken apart. */
export interface Opened<S, E extends DomainEvent> {
  readonly stored: Stored<S, E>;
  readonly content: Content;
  /** What was made of its words. */
  readonly search: Content | undefined;
  /** When its last entry for the bus was written; undefined when it never had one. */
  readonly written: Timestamp | undefined;
  /** The seq of the first entry in the document; what was before has moved out. */
  readonly historyFrom: number;
}

/**
 * Takes a document apart. This is where the types of the domain meet those of the database: what a definition has written it
 * gets back, so the state and the entries are taken at their word.
 */
export function open<S, E extends DomainEvent>(document: Document): Opened<S, E> {
  const content: Record<string, unknown> = {};
  const own: Record<string, unknown> = {};
  const derived: unknown[] = document.derived ?? [];
  // A page of a list does this for each row, so nothing is copied that is only to be taken away again.
  for (const name of Object.keys(document)) {
    if (kept.has(name)) continue;
    const value = fromBson(document[name]);
    content[name] = value;
    if (!reserved.has(name) && !derived.includes(name)) own[name] = value;
  }
  const history: Document[] = document.history ?? [];
  return {
    stored: {
      id: document._id,
      version: document.version,
      state: own as S,
      words: document.words ?? {},
      territories: Array.isArray(content.territories) ? content.territories : [],
      history: history.map((entry) => entryFromBson<E>(entry)),
    },
    content,
    search: document.search,
    written: document.written,
    historyFrom: document.historyFrom ?? 1,
  };
}

/** The state of a document alone. */
export function stateOf(document: Document): unknown {
  const derived: unknown[] = document.derived ?? [];
  const state: Record<string, unknown> = {};
  for (const name of Object.keys(document)) {
    if (!reserved.has(name) && !derived.includes(name)) state[name] = fromBson(document[name]);
  }
  return state;
}

/** What has changed between two contents, as BSON, and the names of what is gone. */
export function difference(before: Content, after: Content): { changed: Record<string, unknown>; gone: string[] } {
  const changed = Object.entries(after).filter(([name, value]) => !same(before[name], value));
  return {
    changed: fieldsToBson(Object.fromEntries(changed)),
    gone: Object.keys(before).filter((name) => after[name] === undefined),
  };
}

/** An entry as it is stored, in the document or among those moved out. */
export function entryToBson(entry: Entry<DomainEvent>): Document {
  return { ...entry, at: new Date(entry.at), data: fieldsToBson(entry.data) };
}

/** An entry as the document or the collection of those moved out has it. */
export function entryFromBson<E extends DomainEvent>(entry: Document): Entry<E> {
  return { ...entry, at: fromBson(entry.at), data: fromBson(entry.data) } as Entry<E>;
}

/** The event that an entry records. */
export function eventOf<E extends DomainEvent>({ type, data }: Entry<E>): E {
  const event: DomainEvent = { type, data };
  return event as E;
}
