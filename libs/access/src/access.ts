import { type Refused, refuse } from '@bandeng/decider';
import {
  type Ability,
  type AccessObject,
  abilityOf,
  allows,
  cachedAbility,
  type Filter,
  filterOf,
  type HeldPosting,
  type PackedRule,
  packed,
  type Rule,
  rulesOfClient,
  rulesOfOwn,
  rulesOfPosting,
} from './abilities.ts';
import { type Action, actions, isReading, readingOf } from './actions.ts';
import { actionsOf, ownRights, type Role, rightsOfRoles, roles, withoutPersonalData } from './roles.ts';

/** Who asks, as the token says. The same shape as the `Caller` of `@bandeng/rpc`. */
export type Asking =
  | { readonly kind: 'person'; readonly id: string }
  | { readonly kind: 'client'; readonly id: string; readonly scopes: readonly string[]; readonly territory: string }
  | { readonly kind: 'service'; readonly name: string }
  | { readonly kind: 'guest' };

/** What a decision follows from: who asks, the postings that count now, and the capacity named in `Acting-As`. */
export interface AccessInput {
  readonly caller: Asking;
  readonly postings: readonly HeldPosting[];
  readonly actingAs?: string | undefined;
}

/** Why something is not permitted. */
export type Denied =
  /** The object is visible, the action is not permitted on it. */
  | 'not-permitted'
  /** Several postings permit it; `values.postings` lists them, one must be named. */
  | 'capacity-needed'
  /** The posting named is not one of the caller's that count now. */
  | 'unknown-posting'
  /** The object is to be answered as if it were not there. */
  | 'not-visible'
  /** Nobody is signed in. */
  | 'sign-in-needed';

/** By what right: the posting, or because it is one's own; neither for another system. */
export interface Granted {
  readonly posting?: string;
  readonly own?: boolean;
}

/** Whether the caller may do it to the object, and in which capacity. */
export function permit(input: AccessInput, action: Action, object: AccessObject): Granted | Refused<Denied> {
  const { caller, actingAs } = input;
  if (caller.kind === 'guest') return refuse('sign-in-needed');
  // Services call each other by internal RPCs, which name no action.
  if (caller.kind === 'service') return refuse('not-permitted');
  if (caller.kind === 'client') {
    return allows(abilityOfClient(caller), action, object) ? {} : denied(input, action, object);
  }
  if (actingAs !== undefined && !input.postings.some(({ id }) => id === actingAs)) {
    return refuse('unknown-posting', { field: 'actingAs' });
  }
  if (isOwn(caller.id, action, object)) return { own: true };
  if (isReading(action)) {
    const one = considered(input).find((posting) => opens(posting, caller.id, action, object));
    return one === undefined ? denied(input, action, object) : { posting: one.id };
  }
  const permitting = capacities(input, action, object);
  const [first] = permitting;
  if (first === undefined) return denied(input, action, object);
  if (permitting.length === 1) return { posting: first };
  return refuse('capacity-needed', { field: 'actingAs', values: { postings: permitting } });
}

// Room for more: `values` of a refusal may later say which postings would have opened it.
function denied(input: AccessInput, action: Action, object: AccessObject): Refused<Denied> {
  const reading = readingOf(action);
  // Acting in the wrong capacity hides nothing that another capacity of the same person shows.
  const seen = reading === undefined || may({ ...input, actingAs: undefined }, reading, object);
  return refuse(seen && !isReading(action) ? 'not-permitted' : 'not-visible');
}

/** Ids of the postings that permit it; only the one named in `Acting-As`, if one is named. */
export function capacities(input: AccessInput, action: Action, object: AccessObject): string[] {
  const { caller } = input;
  if (caller.kind !== 'person') return [];
  return considered(input)
    .filter((posting) => opens(posting, caller.id, action, object))
    .map(({ id }) => id);
}

/** Whether it is permitted, in whichever capacity. */
function may(input: AccessInput, action: Action, object: AccessObject): boolean {
  return abilities(input).some((ability) => allows(ability, action, object));
}

/** What the caller may do to the object, in whichever capacity; what only one of several capacities may is among it. */
export function permitted(input: AccessInput, object: AccessObject): Set<Action> {
  const mine = abilities(input);
  return new Set(actions.filter((action) => mine.some((ability) => allows(ability, action, object))));
}

/**
 * A MongoDB filter of the objects on which it is permitted: equalities, several joined by `$or`, so that each branch has
 * an index that ends in the sort key. Undefined: none at all.
 */
export function filter(input: AccessInput, action: Action): Filter | undefined {
  return filterOf(abilityOf(rulesOf(input)), action);
}

/**
 * Whether the caller reads the personal data in an object: what is theirs, or by a posting whose role is shown them.
 * An auditor and another system read the rest of it only.
 */
export function readsPersonalData(input: AccessInput, object: AccessObject, action: Action = 'tickets.read'): boolean {
  const { caller } = input;
  if (caller.kind !== 'person') return false;
  if (isOwn(caller.id, action, object)) return true;
  return considered(input).some(
    (posting) => !withoutPersonalData.has(posting.role) && opens(posting, caller.id, action, object),
  );
}

/** Everything the caller may do, as packed CASL rules for a front end: verbs on nouns, equalities as conditions. */
export function rulesFor(input: AccessInput): PackedRule[] {
  return packed(rulesOf(input));
}

// Most postings have nothing to do with most actions: that is a look into a set, before any condition is compared.
const openedBy = new Map(roles.map((role) => [role, new Set(actionsOf(role))]));
const openToOwners = new Set([...ownRights.orderer, ...ownRights.person]);

function opens(posting: HeldPosting, person: string, action: Action, object: AccessObject): boolean {
  return openedBy.get(posting.role)?.has(action) === true && allows(abilityOfPosting(posting, person), action, object);
}

function isOwn(person: string, action: Action, object: AccessObject): boolean {
  return openToOwners.has(action) && allows(abilityOfOwn(person), action, object);
}

function considered({ postings, actingAs }: AccessInput): readonly HeldPosting[] {
  return actingAs === undefined ? postings : postings.filter(({ id }) => id === actingAs);
}

function rulesOf(input: AccessInput): Rule[] {
  const { caller } = input;
  switch (caller.kind) {
    case 'person':
      return [...rulesOfOwn(caller.id), ...considered(input).flatMap((posting) => rulesOfPosting(posting, caller.id))];
    case 'client':
      return rulesOfClient(caller.scopes, caller.territory);
    case 'service':
    case 'guest':
      return [];
  }
}

function abilities(input: AccessInput): Ability[] {
  const { caller } = input;
  switch (caller.kind) {
    case 'person':
      return [abilityOfOwn(caller.id), ...considered(input).map((posting) => abilityOfPosting(posting, caller.id))];
    case 'client':
      return [abilityOfClient(caller)];
    case 'service':
    case 'guest':
      return [];
  }
}

function abilityOfOwn(person: string): Ability {
  return cachedAbility(`own ${person}`, () => rulesOfOwn(person));
}

// Only these roles' rights depend on who holds the posting; the others' are compiled once for each place.
const personal: ReadonlySet<Role> = new Set(
  roles.filter((role) => rightsOfRoles[role].some(({ where }) => where === 'handled-by-person')),
);

// A directory hands out the same posting again and again, so most checks need not even make the key.
const ofPosting = new WeakMap<HeldPosting, { readonly person: string; readonly ability: Ability }>();

function abilityOfPosting(posting: HeldPosting, person: string): Ability {
  const known = ofPosting.get(posting);
  if (known !== undefined && known.person === person) return known.ability;
  const { role, unit = '', territory = '' } = posting;
  const key = `posting ${role} ${unit} ${territory} ${personal.has(role) ? person : ''}`;
  const ability = cachedAbility(key, () => rulesOfPosting(posting, person));
  ofPosting.set(posting, { person, ability });
  return ability;
}

function abilityOfClient({ scopes, territory }: { scopes: readonly string[]; territory: string }): Ability {
  return cachedAbility(`client ${territory} ${scopes.join(' ')}`, () => rulesOfClient(scopes, territory));
}
