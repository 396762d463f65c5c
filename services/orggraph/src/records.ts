/** The collections of the service, with the indexes of the queries in queries.ts. */
import type { Aggregates, IndexDescription, Records } from '@bandeng/records';
import {
  type Posting,
  type PostingCommand,
  type PostingEvent,
  type PostingRefusal,
  postingDecider,
} from './domain/posting.ts';
import {
  type Territory,
  type TerritoryCommand,
  type TerritoryEvent,
  type TerritoryRefusal,
  territoryDecider,
} from './domain/territory.ts';
import { type Unit, type UnitCommand, type UnitEvent, type UnitRefusal, unitDecider } from './domain/unit.ts';

export type Units = Aggregates<Unit, UnitCommand, UnitEvent, UnitRefusal>;
export type Territories = Aggregates<Territory, TerritoryCommand, TerritoryEvent, TerritoryRefusal>;
export type Postings = Aggregates<Posting, PostingCommand, PostingEvent, PostingRefusal>;

/** The organization graph as it is stored. */
export interface OrganizationGraph {
  readonly units: Units;
  readonly territories: Territories;
  readonly postings: Postings;
}

/** Names are sorted as Chinese dictionaries do. */
export const chinese = { locale: 'zh' } as const;

const changed: IndexDescription = { name: 'changed', key: { changedAt: 1, _id: 1 } };
const byName = (name: string, key: Record<string, 1>): IndexDescription => ({
  name,
  key: { ...key, name: 1, _id: 1 },
  collation: chinese,
});
const newestFirst = (name: string, key: Record<string, 1>): IndexDescription => ({
  name,
  key: { ...key, createdAt: -1, _id: -1 },
});

const opened = new WeakMap<Records, Promise<OrganizationGraph>>();

/** The graph of these records. The directory's source and the RPCs share it. */
export function openGraph(records: Records): Promise<OrganizationGraph> {
  const known = opened.get(records) ?? define(records);
  opened.set(records, known);
  return known;
}

async function define(records: Records): Promise<OrganizationGraph> {
  return {
    units: await records.define({
      name: 'units',
      decider: unitDecider,
      indexes: [
        byName('by-name', {}),
        byName('of-kind-by-name', { kind: 1 }),
        byName('in-territory-by-name', { territories: 1 }),
        changed,
      ],
    }),
    territories: await records.define({
      name: 'territories',
      decider: territoryDecider,
      indexes: [{ name: 'of-parent', key: { parent: 1, _id: 1 } }, changed],
    }),
    postings: await records.define({
      name: 'postings',
      decider: postingDecider,
      indexes: [
        newestFirst('newest', {}),
        newestFirst('of-person', { person: 1 }),
        newestFirst('at-unit', { unit: 1 }),
        newestFirst('in-territory', { territories: 1 }),
        changed,
      ],
    }),
  };
}
