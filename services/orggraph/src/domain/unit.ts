/** A unit (单位/党组织): a node of the organization graph. */
import { type Decider, type DomainEvent, refuse } from '@bandeng/decider';
import { hasRightCheckCharacter } from './creditcode.ts';
import type { Kept, Period, Written } from './period.ts';

/** The five levels, and what stands beside them. */
const unitKinds = [
  'city_organ',
  'district_organ',
  'street',
  'community',
  'compound',
  'property_company',
  'owners_committee',
  'enterprise',
  'social_organization',
  'volunteer_team',
] as const;
export type UnitKind = (typeof unitKinds)[number];

/** What is said of a unit when it is registered. */
interface UnitEntry {
  readonly kind: UnitKind;
  readonly name: string;
  /** Where it sits. */
  readonly territory: string;
  /** Where it sits and all above. */
  readonly territories: readonly string[];
  readonly creditCode?: string;
}

/** What stands to be checked. Real data has faults of old: they are told, not refused. */
interface Checked {
  readonly warnings: readonly UnitWarning[];
}

export type Unit = UnitEntry & Checked & Period & Kept;

export type UnitWarning = 'credit-code-check-character';

export interface RegisterUnit extends UnitEntry, Pick<Period, 'validFrom'>, Written {
  readonly do: 'register';
  readonly facts: { readonly territoryKnown: boolean };
}

export type UnitCommand = RegisterUnit;

export type UnitEvent = DomainEvent<'unit-registered', UnitEntry & Checked & Pick<Period, 'validFrom'> & Written>;

export type UnitRefusal = 'unknown-territory';

export const unitDecider: Decider<Unit, UnitCommand, UnitEvent, UnitRefusal> = {
  decide(unit, command) {
    if (unit !== undefined) return [];
    const { do: _, facts, ...data } = command;
    if (!facts.territoryKnown)
      return refuse('unknown-territory', { field: 'territory', values: { territory: data.territory } });
    return [{ type: 'unit-registered', data: { ...data, warnings: warningsAbout(command) } }];
  },
  evolve(_, { data: { recordedAt, ...unit } }) {
    return { ...unit, createdAt: recordedAt, changedAt: recordedAt };
  },
};

function warningsAbout({ creditCode }: RegisterUnit): UnitWarning[] {
  return creditCode === undefined || hasRightCheckCharacter(creditCode) ? [] : ['credit-code-check-character'];
}
