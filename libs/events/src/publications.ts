import type { DataOf, EventName, EventTypeOf } from '@bandeng/contracts';
import type { DomainEvent } from '@bandeng/decider';
import type { Aggregates, Entry } from '@bandeng/records';

/** A public event as a publication makes it. */
export interface PublicEvent {
  readonly event: EventName;
  /** The message of the catalogue. */
  readonly data: unknown;
  /** Code of the territory it concerns; empty when it concerns the whole city. */
  readonly territory: string;
}

/** The entry of one of the domain events. */
export type EntryOf<E extends DomainEvent, K extends E['type']> = Entry<Extract<E, { readonly type: K }>>;

/** An aggregate as a publication sees it: as it is now, which may be after the entry. */
export interface PublishedDocument<S> {
  readonly id: string;
  readonly territories: readonly string[];
  readonly state: S;
}

/** An aggregate as a publication sees it of which only some fields are read. */
export type PublishedFields<S> = Omit<PublishedDocument<S>, 'territories'>;

/** For every domain event of an aggregate the public event it becomes, or 'private'. A forgotten one does not compile. */
export type Publications<E extends DomainEvent, S, Seen = PublishedDocument<S>> = {
  readonly [K in E['type']]: 'private' | ((entry: EntryOf<E, K>, document: Seen) => PublicEvent | 'private');
};

/** The publications of one collection, as the relay takes them. */
export interface Publishing {
  readonly collection: string;
  /** Fields of the state that are read for it; all when left out. */
  readonly fields?: readonly string[];
  /** Throws for an entry of an unknown type. */
  of(entry: Entry<DomainEvent>, document: PublishedDocument<unknown>): PublicEvent | 'private';
}

/** A public event whose data is checked against the catalogue. */
export function publish<N extends EventName>(event: N, data: DataOf<EventTypeOf<N>>, territory: string): PublicEvent {
  return { event, data, territory };
}

/**
 * The publications of an aggregate, for the relay. With `fields` the relay reads no more than they name, which is worth it where
 * there are many. @throws TypeError when its definition says that it is private.
 */
export function publishing<S extends object, C, E extends DomainEvent, R extends string>(
  aggregates: Pick<Aggregates<S, C, E, R>, 'name' | 'definition'>,
  publications: Publications<E, S>,
): Publishing;
export function publishing<S extends object, C, E extends DomainEvent, R extends string, K extends keyof S & string>(
  aggregates: Pick<Aggregates<S, C, E, R>, 'name' | 'definition'>,
  publications: Publications<E, Pick<S, K>, PublishedFields<Pick<S, K>>>,
  fields: readonly K[],
): Publishing;
export function publishing<S extends object, C, E extends DomainEvent, R extends string>(
  aggregates: Pick<Aggregates<S, C, E, R>, 'name' | 'definition'>,
  publications: object,
  fields?: readonly string[],
): Publishing {
  if (aggregates.definition.private === true) throw new TypeError(`${aggregates.name} are private`);
  const table = erased(publications);
  return {
    collection: aggregates.name,
    ...(fields === undefined ? {} : { fields }),
    of(entry, document) {
      const publication = table[entry.type];
      if (publication === undefined) throw new Error(`no publication for ${aggregates.name}/${entry.type}`);
      return publication === 'private' ? 'private' : publication(entry, document);
    },
  };
}

type Erased = Readonly<
  Record<
    string,
    'private' | ((entry: Entry<DomainEvent>, document: PublishedDocument<unknown>) => PublicEvent | 'private')
  >
>;

/** Documents of this collection hold this aggregate's entries and state; the types end at the database. */
function erased(publications: object): Erased {
  return publications as Erased;
}
