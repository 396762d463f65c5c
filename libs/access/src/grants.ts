import { type PackRule, packRules } from '@casl/ability/extra';
import type { Action } from './actions.ts';
import { ownRights, type Right, type Role, rightsOfRoles } from './roles.ts';

/** A posting as far as rights go: the role, and where it is held. */
export interface HeldPosting {
  readonly id: string;
  readonly role: Role;
  readonly unit?: string;
  readonly territory?: string;
}

/** What a right is checked against: the places, the handler and the people of an object, as its document stores them. */
export interface AccessObject {
  /** Codes of the place itself, all its ancestors, and the grids that cover it. */
  readonly territories?: readonly string[] | undefined;
  /** `unit:<id>`, `grid:<code>`, `open_call:<code>` or `person:<id>`. */
  readonly handler?: string | undefined;
  /** Id of the person who ordered. */
  readonly orderer?: string | undefined;
  /** Id of the person whom it is about. */
  readonly person?: string | undefined;
}

/** One equality; empty where the right is not tied to a place. */
export type Condition = Readonly<Partial<Record<keyof AccessObject, string>>>;

/**
 * What somebody may do where: some actions, where one field of the object has a value; everywhere without a field. Every right is
 * of this form, so a check compares two strings, and a filter is a list of them.
 */
export interface Grant {
  readonly field: keyof AccessObject | undefined;
  readonly value: string;
  readonly actions: ReadonlySet<Action>;
}

interface Holder {
  readonly person: string;
  readonly unit?: string | undefined;
  readonly territory?: string | undefined;
}

type Place = Pick<Grant, 'field' | 'value'>;

function placeOf({ where }: Right, { person, unit, territory }: Holder): Place | undefined {
  switch (where) {
    case 'territory':
      return territory === undefined ? undefined : { field: 'territories', value: territory };
    case 'handled-by-unit':
      return unit === undefined ? undefined : { field: 'handler', value: `unit:${unit}` };
    case 'handled-by-grid':
      return territory === undefined ? undefined : { field: 'handler', value: `grid:${territory}` };
    case 'called-to-community':
      return territory === undefined ? undefined : { field: 'handler', value: `open_call:${territory}` };
    case 'handled-by-person':
      return { field: 'handler', value: `person:${person}` };
    case 'anywhere':
      return { field: undefined, value: '' };
  }
}

// The sets are the table's, one for each row, whoever holds the posting.
const actionsOfRights = new Map(
  Object.values(rightsOfRoles).flatMap((rights) => rights.map((right) => [right, new Set(right.actions)] as const)),
);

/** What one posting of one person grants. */
export function grantsOfPosting({ role, unit, territory }: HeldPosting, person: string): Grant[] {
  return rightsOfRoles[role].flatMap((right) => {
    const place = placeOf(right, { person, unit, territory });
    const actions = actionsOfRights.get(right);
    return place === undefined || actions === undefined ? [] : { ...place, actions };
  });
}

const ownActions = { orderer: new Set(ownRights.orderer), person: new Set(ownRights.person) };

/** What everybody is granted on what is their own. */
export function grantsOfOwn(person: string): Grant[] {
  return [
    { field: 'orderer', value: person, actions: ownActions.orderer },
    { field: 'person', value: person, actions: ownActions.person },
  ];
}

/** What another system is granted: the actions its scopes name, in its territory. */
export function grantsOfClient(scopes: readonly string[], territory: string): Grant[] {
  return rightsOfRoles.system.flatMap((right) => {
    const place = placeOf(right, { person: '', territory });
    const actions = new Set(right.actions.filter((action) => scopes.includes(action)));
    return place === undefined || actions.size === 0 ? [] : { ...place, actions };
  });
}

// What a key says never changes, so nothing needs to be invalidated. Two generations keep what is in use and let go of
// the rest: a city has far more people than ask within a minute.
const generation = 2_000;
let young = new Map<string, readonly Grant[]>();
let old = new Map<string, readonly Grant[]>();

/** The grants under a key that says everything they depend on. */
export function cachedGrants(key: string, make: () => readonly Grant[]): readonly Grant[] {
  const known = young.get(key);
  if (known !== undefined) return known;
  const grants = old.get(key) ?? make();
  if (young.size >= generation) {
    old = young;
    young = new Map();
  }
  young.set(key, grants);
  return grants;
}

/** Whether it counts at this object. */
export function holds({ field, value }: Grant, object: AccessObject): boolean {
  if (field === undefined) return true;
  if (field !== 'territories') return object[field] === value;
  return object.territories?.includes(value) === true;
}

/** Whether one of the grants permits an action on an object. */
export function allows(grants: readonly Grant[], action: Action, object: AccessObject): boolean {
  // Not `some`: this is asked for each posting of each caller, and a closure would cost more than what it compares.
  for (const grant of grants) if (grant.actions.has(action) && holds(grant, object)) return true;
  return false;
}

/** A MongoDB filter of equalities: one, or `$or` of several; `{}` is everything. */
export type Filter = Condition | { readonly $or: readonly Condition[] };

/** The filter of what the grants permit an action on; undefined is nothing. */
export function filterOf(grants: readonly Grant[], action: Action): Filter | undefined {
  const needed: Grant[] = [];
  for (const grant of grants) {
    if (!grant.actions.has(action)) continue;
    if (grant.field === undefined) return {};
    needed.push(grant);
  }
  const conditions: Condition[] = [];
  for (const [rank, grant] of needed.entries()) if (!isSpare(grant, rank, needed)) conditions.push(conditionOf(grant));
  const [only] = conditions;
  return conditions.length > 1 ? { $or: conditions } : only;
}

function conditionOf({ field, value }: Grant): Condition {
  return field === undefined ? {} : { [field]: value };
}

/** A branch that lies in another adds nothing but an index scan: the same as one before it, or a place below a place. */
function isSpare({ field, value }: Grant, rank: number, among: readonly Grant[]): boolean {
  for (const [place, other] of among.entries()) {
    if (place === rank || other.field !== field) continue;
    if (other.value === value ? place < rank : field === 'territories' && value.startsWith(other.value)) return true;
  }
  return false;
}

/** A rule in the form of CASL: a verb on a noun, under a condition. */
export interface Rule {
  action: string;
  subject: string;
  conditions?: Condition;
}

/** A rule in CASL's short form, for front ends: `createMongoAbility(unpackRules(rules))`. */
export type PackedRule = PackRule<Rule>;

/** Grants in CASL's short form, without repetitions. */
export function packed(grants: readonly Grant[]): PackedRule[] {
  const rules = grants.flatMap((grant) => [...grant.actions].map((action) => ruleOf(action, conditionOf(grant))));
  return packRules([...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()]);
}

function ruleOf(action: Action, conditions: Condition): Rule {
  const point = action.indexOf('.');
  const rule = { action: action.slice(point + 1), subject: action.slice(0, point) };
  return Object.keys(conditions).length === 0 ? rule : { ...rule, conditions };
}
