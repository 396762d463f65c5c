import type { DomainEvent, Refused } from '@bandeng/decider';
import type { Collection, Document } from 'mongodb';
import type { CommandContext, Definition, Entry, Outcome, Prepared, RecordDocument, Stored } from './documents.ts';

/** Gathers the facts and makes the command, before each try; may refuse. */
export type Prepare<S, C, E extends DomainEvent, P extends string> = (
  current: Stored<S, E> | undefined,
) => Promise<Prepared<C> | Refused<P>> | Prepared<C> | Refused<P>;

/** The aggregates of one kind. */
export interface Aggregates<S extends object, C, E extends DomainEvent, R extends string> {
  readonly name: string;
  readonly collection: Collection<RecordDocument>;
  readonly definition: Definition<S, C, E, R>;
  /** Runs a command on one aggregate: decide, evolve, one write. A refusal stores nothing. */
  run<P extends string = never>(
    id: string,
    context: CommandContext,
    prepare: Prepare<S, C, E, P>,
  ): Promise<Outcome<S, E, R | P>>;
  read(id: string): Promise<Stored<S, E> | undefined>;
  /** All entries from the first, also those that have moved out of the document. */
  history(id: string): Promise<readonly Entry<E>[]>;
  /** A document that a query found, with its history or without. */
  stored(document: Document): Stored<S, E>;
}
