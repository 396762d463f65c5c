import { createMongoAbility, type MongoAbility } from '@casl/ability';
import { type PackRule, packRules, rulesToCondition } from '@casl/ability/extra';
import { type Action, actions } from './actions.ts';
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

/** A rule in the form of CASL: a verb on a noun, under a condition. */
export interface Rule {
  action: string;
  subject: string;
  conditions?: Condition;
}

/** A rule in CASL's short form, for front ends: `createMongoAbility(unpackRules(rules))`. */
export type PackedRule = PackRule<Rule>;

/** Compiled rights. */
export type Ability = MongoAbility<[string, string | AccessObject]>;

interface Holder {
  readonly person: string;
  readonly unit?: string | undefined;
  readonly territory?: string | undefined;
}

function conditionOf({ where }: Right, { person, unit, territory }: Holder): Condition | undefined {
  switch (where) {
    case 'territory':
      return territory === undefined ? undefined : { territories: territory };
    case 'handled-by-unit':
      return unit === undefined ? undefined : { handler: `unit:${unit}` };
    case 'handled-by-grid':
      return territory === undefined ? undefined : { handler: `grid:${territory}` };
    case 'called-to-community':
      return territory === undefined ? undefined : { handler: `open_call:${territory}` };
    case 'handled-by-person':
      return { handler: `person:${person}` };
    case 'anywhere':
      return {};
  }
}

const verbs = new Map(actions.map((action) => [action, action.slice(action.indexOf('.') + 1)]));
const nouns = new Map(actions.map((action) => [action, action.slice(0, action.indexOf('.'))]));

function ruleOf(action: Action, condition: Condition): Rule {
  const rule = { action: verbs.get(action) ?? action, subject: nouns.get(action) ?? action };
  return Object.keys(condition).length === 0 ? rule : { ...rule, conditions: condition };
}

/** The rules of one posting of one person. */
export function rulesOfPosting(posting: HeldPosting, person: string): Rule[] {
  return rightsOfRoles[posting.role].flatMap((right) => {
    const condition = conditionOf(right, { person, unit: posting.unit, territory: posting.territory });
    return condition === undefined ? [] : right.actions.map((action) => ruleOf(action, condition));
  });
}

/** The rules of what is one's own. */
export function rulesOfOwn(person: string): Rule[] {
  return [
    ...ownRights.orderer.map((action) => ruleOf(action, { orderer: person })),
    ...ownRights.person.map((action) => ruleOf(action, { person })),
  ];
}

/** The rules of another system: the actions its scopes name, in its territory. */
export function rulesOfClient(scopes: readonly string[], territory: string): Rule[] {
  return rightsOfRoles.system.flatMap((right) => {
    const condition = conditionOf(right, { person: '', territory });
    if (condition === undefined) return [];
    return right.actions.filter((action) => scopes.includes(action)).map((action) => ruleOf(action, condition));
  });
}

/** Compiles rules. */
export function abilityOf(rules: readonly Rule[]): Ability {
  return createMongoAbility<[string, string | AccessObject]>([...rules]);
}

// What a key says never changes, so nothing needs to be invalidated. Two generations keep what is in use and let go of
// the rest: a city has far more people than ask within a minute.
const generation = 2_000;
let young = new Map<string, Ability>();
let old = new Map<string, Ability>();

/** The compiled rights under a key that says everything they depend on. */
export function cachedAbility(key: string, rules: () => readonly Rule[]): Ability {
  const known = young.get(key);
  if (known !== undefined) return known;
  const ability = old.get(key) ?? abilityOf(rules());
  if (young.size >= generation) {
    old = young;
    young = new Map();
  }
  young.set(key, ability);
  return ability;
}

/** Whether compiled rights permit an action on an object. */
export function allows(ability: Ability, action: Action, object: AccessObject): boolean {
  // Not `can`, which would want the noun written into the object.
  for (const rule of ability.rulesFor(verbs.get(action) ?? '', nouns.get(action) ?? '')) {
    if (rule.matchesConditions(object)) return true;
  }
  return false;
}

/** A MongoDB filter of equalities: one, or `$or` of several; `{}` is everything. */
export type Filter = Condition | { readonly $or: readonly Condition[] };

/** The filter of what compiled rights permit an action on; undefined is nothing. */
export function filterOf(ability: Ability, action: Action): Filter | undefined {
  const rules = ability.rulesFor(verbs.get(action) ?? '', nouns.get(action) ?? '');
  const branches = rulesToCondition<Ability, Condition, readonly Condition[]>(rules, (rule) => conditionsOf(rule), {
    and: (conditions) => conditions,
    or: (conditions) => conditions,
    empty: () => [{}],
  });
  if (branches === null || branches.length === 0) return undefined;
  const needed = withoutContained(branches);
  const [only] = needed;
  return needed.length === 1 && only !== undefined ? only : { $or: needed };
}

function conditionsOf({ conditions = {} }: { readonly conditions?: unknown }): Condition {
  if (isCondition(conditions)) return conditions;
  throw new TypeError('a right is not bound by equalities');
}

function isCondition(value: unknown): value is Condition {
  return typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string');
}

/** A branch that lies in another adds nothing but an index scan: the same twice, or a place below a place. */
function withoutContained(branches: readonly Condition[]): Condition[] {
  const distinct = [...new Map(branches.map((branch) => [JSON.stringify(branch), branch])).values()];
  if (distinct.some((branch) => Object.keys(branch).length === 0)) return [{}];
  return distinct.filter(
    ({ territories: place }) =>
      place === undefined ||
      !distinct.some(({ territories: above }) => above !== undefined && above !== place && isAtOrBelow(place, above)),
  );
}

function isAtOrBelow(place: string, above: string): boolean {
  return place.startsWith(above);
}

/** CASL's short form of rules, without repetitions. */
export function packed(rules: readonly Rule[]): PackedRule[] {
  return packRules([...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()]);
}
