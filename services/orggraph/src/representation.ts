/** The graph as the contracts spell it. */
import {
  Posting as PostingMessage,
  type Role_Value,
  type TerritoryKind_Value,
  Territory as TerritoryMessage,
  type UnitKind_Value,
  Unit as UnitMessage,
} from '@bandeng/contracts/orggraph';
import type { Period } from './domain/period.ts';
import type { Role } from './domain/places.ts';
import type { Posting } from './domain/posting.ts';
import type { Territory, TerritoryKind } from './domain/territory.ts';
import type { Unit, UnitKind } from './domain/unit.ts';

/** A state with its id and version: one of records, or one as of an entry. */
export interface Versioned<S> {
  readonly id: string;
  readonly version: number;
  readonly state: S;
}

export function unitMessage({ id, version, state }: Versioned<Unit>): UnitMessage {
  return UnitMessage.fromPartial({
    id,
    version,
    kind: unitKindValue(state.kind),
    name: state.name,
    territory: state.territory,
    creditCode: state.creditCode ?? '',
    warnings: [...state.warnings],
    ...period(state),
  });
}

export function territoryMessage({ id, version, state }: Versioned<Territory>): TerritoryMessage {
  return TerritoryMessage.fromPartial({
    id,
    version,
    kind: territoryKindValue(state.kind),
    name: state.name,
    parent: state.parent ?? '',
    covers: [...state.covers],
    ...period(state),
  });
}

export function postingMessage({ id, version, state }: Versioned<Posting>): PostingMessage {
  return PostingMessage.fromPartial({
    id,
    version,
    person: state.person,
    role: roleValue(state.role),
    unit: state.unit ?? '',
    territory: state.territory ?? '',
    ...period(state),
  });
}

function period({ validFrom, validUntil }: Period): {
  validFrom: Date;
  validUntil?: Date;
} {
  return {
    validFrom: new Date(validFrom),
    ...(validUntil === undefined ? {} : { validUntil: new Date(validUntil) }),
  };
}

// The contracts spell the words of the domain in upper case. That each has its counterpart is checked by the types.
const upper = <Word extends string>(word: Word): Uppercase<Word> => word.toUpperCase() as Uppercase<Word>;
const lower = <Word extends string>(word: Word): Lowercase<Word> => word.toLowerCase() as Lowercase<Word>;

const unitKindValue = (kind: UnitKind): UnitKind_Value => upper(kind);
const territoryKindValue = (kind: TerritoryKind): TerritoryKind_Value => upper(kind);
const roleValue = (role: Role): Role_Value => upper(role);

/** The kind of unit that a value means; UNSPECIFIED means none. */
export function unitKindOf(value: UnitKind_Value): UnitKind | undefined {
  return value === 'UNSPECIFIED' || value === 'UNRECOGNIZED' ? undefined : lower(value);
}

/** The role that a value means; UNSPECIFIED means none. */
export function roleOf(value: Role_Value): Role | undefined {
  return value === 'UNSPECIFIED' || value === 'UNRECOGNIZED' ? undefined : lower(value);
}
