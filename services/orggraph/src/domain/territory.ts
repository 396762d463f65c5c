/** A territory (属地): a node of the tree of places, or a grid, which covers compounds and buildings of its community. */
import { type Decider, type DomainEvent, type Refused, refuse } from '@bandeng/decider';
import type { Kept, Period, Written } from './period.ts';

const territoryKinds = ['province', 'city', 'district', 'street', 'community', 'grid', 'compound', 'building'] as const;
export type TerritoryKind = (typeof territoryKinds)[number];

/** What is said of a territory when it is registered. */
interface TerritoryEntry {
  readonly kind: TerritoryKind;
  readonly name: string;
  /** The one directly above; a province has none. */
  readonly parent?: string;
  /** Its own code and those of all above. */
  readonly territories: readonly string[];
  readonly covers: readonly string[];
}

export type Territory = TerritoryEntry & Period & Kept;

/** What is known of the places a grid is to cover: those that are not registered, and those of other communities. */
export interface CoverFacts {
  readonly unknown: readonly string[];
  readonly outside: readonly string[];
}

export interface RegisterTerritory extends TerritoryEntry, Pick<Period, 'validFrom'>, Written {
  readonly do: 'register';
  readonly facts: CoverFacts & { readonly parentKnown: boolean };
}

export interface CoverTerritories extends Written {
  readonly do: 'cover';
  readonly covers: readonly string[];
  readonly facts: CoverFacts;
}

export type TerritoryCommand = RegisterTerritory | CoverTerritories;

export type TerritoryEvent =
  | DomainEvent<'territory-registered', TerritoryEntry & Pick<Period, 'validFrom'> & Written>
  | DomainEvent<'territory-covered', { readonly covers: readonly string[] } & Written>;

export type TerritoryRefusal =
  | 'unknown-territory'
  | 'already-registered'
  | 'outside-this-community'
  | 'not-a-grid'
  | 'not-found';

export const territoryDecider: Decider<Territory, TerritoryCommand, TerritoryEvent, TerritoryRefusal> = {
  decide(territory, command) {
    switch (command.do) {
      case 'register':
        return register(territory, command);
      case 'cover':
        return cover(territory, command);
    }
  },
  evolve(territory, event) {
    switch (event.type) {
      case 'territory-registered': {
        const { recordedAt, ...registered } = event.data;
        return { ...registered, createdAt: recordedAt, changedAt: recordedAt };
      }
      case 'territory-covered': {
        if (territory === undefined) throw new Error('a territory is registered before it covers others');
        return { ...territory, covers: event.data.covers, changedAt: event.data.recordedAt };
      }
    }
  },
};

type Decision = readonly TerritoryEvent[] | Refused<TerritoryRefusal>;

function register(territory: Territory | undefined, command: RegisterTerritory): Decision {
  const { do: _, facts, ...registered } = command;
  const covers = ordered(command.covers);
  if (territory !== undefined) {
    // The code says everything but the name and what is covered: the same again changes nothing.
    const same = territory.name === command.name && (covers.length === 0 || isSame(covers, territory.covers));
    return same ? [] : refuse('already-registered', { field: 'id', values: { name: territory.name } });
  }
  if (!facts.parentKnown)
    return refuse('unknown-territory', { field: 'id', values: { territory: command.parent ?? '' } });
  const hindrance = covers.length === 0 ? undefined : hindranceToCover(command.kind, command.covers, facts);
  return hindrance ?? [{ type: 'territory-registered', data: { ...registered, covers } }];
}

function cover(territory: Territory | undefined, { covers, recordedAt, facts }: CoverTerritories): Decision {
  if (territory === undefined) return refuse('not-found', { field: 'id' });
  const hindrance = hindranceToCover(territory.kind, covers, facts);
  if (hindrance !== undefined) return hindrance;
  const next = ordered(covers);
  return isSame(next, territory.covers) ? [] : [{ type: 'territory-covered', data: { covers: next, recordedAt } }];
}

function hindranceToCover(
  kind: TerritoryKind,
  covers: readonly string[],
  { unknown, outside }: CoverFacts,
): Refused<TerritoryRefusal> | undefined {
  if (kind !== 'grid') return refuse('not-a-grid', { field: 'id', values: { kind } });
  const about = (code: string) => ({ field: `covers[${covers.indexOf(code)}]`, values: { territory: code } });
  const [stranger] = outside;
  if (stranger !== undefined) return refuse('outside-this-community', about(stranger));
  const [missing] = unknown;
  return missing === undefined ? undefined : refuse('unknown-territory', about(missing));
}

function ordered(codes: readonly string[]): string[] {
  return [...new Set(codes)].sort();
}

function isSame(codes: readonly string[], others: readonly string[]): boolean {
  return codes.length === others.length && codes.every((code, i) => code === others[i]);
}
