import type { DomainEvent } from '@bandeng/decider';
import type { Aggregates } from './aggregates.ts';
import type { Definition } from './documents.ts';
import type { Outbox } from './outbox.ts';
import type { Serials } from './serials.ts';

/** The records of one service. */
export interface Records {
  /** Makes the indexes and opens a kind of aggregate. */
  define<S extends object, C, E extends DomainEvent, R extends string>(
    definition: Definition<S, C, E, R>,
  ): Promise<Aggregates<S, C, E, R>>;
  readonly outbox: Outbox;
  /** Serial numbers by name, taken from the database in blocks (100). */
  serials(name: string, block?: number): Serials;
}
