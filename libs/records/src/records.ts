import type { DomainEvent } from '@bandeng/decider';
import type { Db, IndexDescription } from 'mongodb';
import { type Aggregates, aggregatesOf } from './aggregates.ts';
import { type Audit, audit } from './audit.ts';
import type { Definition } from './documents.ts';
import { type Outbox, outboxOf } from './outbox.ts';
import { type Serials, serialsOf } from './serials.ts';
import { dueIndex } from './sweeps.ts';
import { writtenIndex } from './written.ts';

/** The records of one service. */
export interface Records {
  /** Makes the indexes and opens a kind of aggregate. @throws TypeError if the definition contradicts itself. */
  define<S extends object, C, E extends DomainEvent, R extends string>(
    definition: Definition<S, C, E, R>,
  ): Promise<Aggregates<S, C, E, R>>;
  readonly outbox: Outbox;
  /** Says of each kind defined so far, by name, where documents contradict their history; of all or of a sample. */
  audit(options?: { readonly sample?: number }): Promise<ReadonlyMap<string, Audit>>;
  /** Serial numbers by name, taken from the database in blocks (100). */
  serials(name: string, block?: number): Serials;
}

/** Where the records of a service lie. */
export interface RecordsOptions {
  /** The service's own database. */
  readonly database: Db;
  /** Called after each write that has something for the bus. */
  wake?(): void;
}

/** Collections of the house that are no aggregates. */
const taken: ReadonlySet<string> = new Set(['leases', 'counters', 'dead_letters', 'operations']);

/**
 * Opens the records of a service. Asks nothing of the database, so it does not throw; `define` does, while it is away.
 * Nothing need be closed: whoever connected closes the client, after what works with the records has stopped. What the
 * driver cannot try again by itself throws an error of which `isDatabaseAway` says whether to try later; a command may be
 * run again under its id.
 */
export async function openRecords(options: RecordsOptions): Promise<Records> {
  const { database } = options;
  const names = new Set<string>();
  const collections: string[] = [];
  const audits: ((options: { readonly sample?: number }) => Promise<[string, Audit]>)[] = [];
  return {
    async define(definition) {
      check(definition, names);
      // The first is always there; to ask for it makes the collection.
      const indexes: IndexDescription[] = [{ key: { _id: 1 } }, ...(definition.indexes ?? [])];
      if (definition.private !== true) indexes.push(writtenIndex);
      if (definition.nextDue !== undefined) indexes.push(dueIndex);
      await database.collection(definition.name).createIndexes(indexes);
      names.add(definition.name);
      if (definition.private !== true) collections.push(definition.name);
      const aggregates = aggregatesOf(database, definition, () => options.wake?.());
      audits.push(async (which) => [definition.name, await audit(aggregates, which)]);
      return aggregates;
    },
    async audit(which = {}) {
      const found = new Map<string, Audit>();
      for (const one of audits) found.set(...(await one(which)));
      return found;
    },
    outbox: outboxOf(database, collections),
    serials: (name, block = 100) => serialsOf(database, name, block),
  };
}

function check(
  {
    name,
    indexes = [],
    refusals = {},
  }: Pick<Definition<object, never, DomainEvent, string>, 'name' | 'indexes' | 'refusals'>,
  names: ReadonlySet<string>,
): void {
  if (!/^[a-z][a-z0-9_]*$/.test(name) || name.endsWith('_history') || taken.has(name)) {
    throw new TypeError(`'${name}' cannot be the name of a kind of aggregate`);
  }
  if (names.has(name)) throw new TypeError(`${name} is defined already`);
  for (const index of indexes) {
    if (index.name === writtenIndex.name || index.name === dueIndex.name)
      throw new TypeError(`the index '${index.name}' is ours`);
  }
  for (const refusal of Object.keys(refusals)) {
    const index = indexes.find((one) => one.name === refusal);
    if (index?.unique !== true) throw new TypeError(`${name}: there is no unique index '${refusal}' to refuse for`);
  }
}
