import { type Refused, refuse } from '@bandeng/decider';
import { type Action, isReading, readingOf } from './actions.ts';
import {
  type AccessObject,
  allows,
  cachedGrants,
  type Filter,
  filterOf,
  type Grant,
  grantsOfClient,
  grantsOfOwn,
  grantsOfPosting,
  type HeldPosting,
  holds,
  type PackedRule,
  packed,
} from './grants.ts';
import { type Role, rightsOfRoles, roles, withoutPersonalData } from './roles.ts';

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
    return allows(grantsOfSystem(caller), action, object) ? {} : denied(input, action, object);
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
  return grantsOf(input).some((grants) => allows(grants, action, object));
}

const nothing: ReadonlySet<Action> = new Set();

/** What the caller may do to the object, in whichever capacity; what only one of several capacities may is among it. */
export function permitted(input: AccessInput, object: AccessObject): ReadonlySet<Action> {
  // Of a page of rows one posting sees each, mostly by one right: then the table's own set is the answer.
  let only = nothing;
  let all: Set<Action> | undefined;
  for (const grants of grantsOf(input)) {
    for (const grant of grants) {
      if (!holds(grant, object)) continue;
      if (only === nothing) only = grant.actions;
      else {
        all ??= new Set(only);
        for (const action of grant.actions) all.add(action);
      }
    }
  }
  return all ?? only;
}

/**
 * A MongoDB filter of the objects on which it is permitted: equalities, several joined by `$or`, so that each branch has
 * an index that ends in the sort key. Undefined: none at all.
 */
export function filter(input: AccessInput, action: Action): Filter | undefined {
  return filterOf(grantsOf(input).flat(), action);
}

/**
 * Whether the caller reads the personal data in an object: what is theirs, or by a posting whose role is shown them.
 * An auditor and another system read the rest of it only.
 */
export function readsPersonalData(input: AccessInput, object: AccessObject): boolean {
  const { caller } = input;
  const action = 'tickets.read';
  if (caller.kind !== 'person') return false;
  if (isOwn(caller.id, action, object)) return true;
  return considered(input).some(
    (posting) => !withoutPersonalData.has(posting.role) && opens(posting, caller.id, action, object),
  );
}

/**
 * A filter as by `filter`, of the objects in which the caller reads the personal data by a posting. For what is asked for by a
 * value that is hidden from others: what was found would tell it.
 */
export function filterWithPersonalData(input: AccessInput, action: Action): Filter | undefined {
  const { caller } = input;
  if (caller.kind !== 'person') return undefined;
  const shown = considered(input).filter(({ role }) => !withoutPersonalData.has(role));
  return filterOf(
    shown.flatMap((posting) => grantsOfHeld(posting, caller.id)),
    action,
  );
}

/** Everything the caller may do, as packed CASL rules for a front end: verbs on nouns, equalities as conditions. */
export function rulesFor(input: AccessInput): PackedRule[] {
  return packed(grantsOf(input).flat());
}

function opens(posting: HeldPosting, person: string, action: Action, object: AccessObject): boolean {
  return allows(grantsOfHeld(posting, person), action, object);
}

function isOwn(person: string, action: Action, object: AccessObject): boolean {
  return allows(grantsOfOwn(person), action, object);
}

function considered({ postings, actingAs }: AccessInput): readonly HeldPosting[] {
  return actingAs === undefined ? postings : postings.filter(({ id }) => id === actingAs);
}

/** What counts for the caller, each capacity by itself. */
function grantsOf(input: AccessInput): readonly (readonly Grant[])[] {
  const { caller } = input;
  switch (caller.kind) {
    case 'person':
      return [grantsOfOwn(caller.id), ...considered(input).map((posting) => grantsOfHeld(posting, caller.id))];
    case 'client':
      return [grantsOfSystem(caller)];
    case 'service':
    case 'guest':
      return [];
  }
}

// Only these roles' rights depend on who holds the posting; the others' are made once for each place.
const personal: ReadonlySet<Role> = new Set(
  roles.filter((role) => rightsOfRoles[role].some(({ where }) => where === 'handled-by-person')),
);

// A directory hands out the same posting again and again, so most checks need not even make the key.
const ofPosting = new WeakMap<HeldPosting, { readonly person: string; readonly grants: readonly Grant[] }>();

function grantsOfHeld(posting: HeldPosting, person: string): readonly Grant[] {
  const known = ofPosting.get(posting);
  if (known !== undefined && known.person === person) return known.grants;
  const { role, unit = '', territory = '' } = posting;
  const key = `posting ${role} ${unit} ${territory} ${personal.has(role) ? person : ''}`;
  const grants = cachedGrants(key, () => grantsOfPosting(posting, person));
  ofPosting.set(posting, { person, grants });
  return grants;
}

function grantsOfSystem({ scopes, territory }: { scopes: readonly string[]; territory: string }): readonly Grant[] {
  return cachedGrants(`client ${territory} ${scopes.join(' ')}`, () => grantsOfClient(scopes, territory));
}
