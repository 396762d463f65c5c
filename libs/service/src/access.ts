import {
  type AccessInput,
  type AccessObject,
  type Action,
  type Denied,
  type Filter,
  filter,
  filterWithPersonalData,
  type Granted,
  permit,
  permitted,
  readsPersonalData,
} from '@bandeng/access';
import { isRefused, type Refused } from '@bandeng/decider';
import type { Directory } from '@bandeng/directory';
import type { Actor, CommandContext } from '@bandeng/records';
import type { Call } from '@bandeng/rpc';

/** Access as a service asks for it: bound to its directory, so that every answer follows from postings as they are now. */
export interface BoundAccess {
  /** Whether the caller may do what the RPC's action says (or another one) to the object, and in which capacity. */
  permit(call: Call, object: AccessObject, action?: Action): Granted | Refused<Denied>;
  /** Everything the caller may do to the object. */
  permitted(call: Call, object: AccessObject): ReadonlySet<Action>;
  /** A filter of the objects the caller may do it to; undefined when there is none at all. */
  filter(call: Call, action?: Action): Filter | undefined;
  /** A filter of those objects in which the caller is shown the personal data by a posting. */
  filterWithPersonalData(call: Call, action?: Action): Filter | undefined;
  /** Whether the caller is shown the personal data in an object they may read. */
  readsPersonalData(call: Call, object: AccessObject): boolean;
  /** Who is written into the history, once it is permitted. */
  actor(call: Call, granted?: Granted): Actor;
  /** What a command brings along from the call that asks for it, once it is permitted; it happens now. */
  context(call: Call, granted?: Granted): CommandContext;
}

/** Binds the role table to a directory. */
export function bindAccess(directory: Directory, now: () => Date): BoundAccess {
  // A page asks for each of its rows: one call has one set of postings, and none is older than that call.
  const inputs = new WeakMap<Call, AccessInput>();
  const input = (call: Call): AccessInput => {
    const known = inputs.get(call);
    if (known !== undefined) return known;
    const { caller, actingAs } = call;
    const postings = caller.kind === 'person' ? directory.postingsOf(caller.id, now()) : [];
    const made = { caller, postings, actingAs };
    inputs.set(call, made);
    return made;
  };
  const named = (call: Call, action: Action | undefined): Action => {
    const asked = action ?? call.action;
    if (asked === undefined) throw new TypeError(`${call.rpc} names no action, so one must be given`);
    return asked;
  };
  return {
    permit: (call, object, action) => permit(input(call), named(call, action), object),
    permitted: (call, object) => permitted(input(call), object),
    filter: (call, action) => filter(input(call), named(call, action)),
    filterWithPersonalData: (call, action) => filterWithPersonalData(input(call), named(call, action)),
    readsPersonalData: (call, object) => readsPersonalData(input(call), object),
    actor: actorOf,
    context: (call, granted) => {
      const { commandId: id, requestHash: request, trace, ifMatch } = call;
      const context = { id, request, at: now().toISOString(), actor: actorOf(call, granted), trace };
      return ifMatch === undefined ? context : { ...context, ifMatch };
    },
  };
}

function actorOf({ caller }: Call, granted?: Granted): Actor {
  switch (caller.kind) {
    case 'person':
      return granted?.posting === undefined ? { person: caller.id } : { person: caller.id, posting: granted.posting };
    case 'client':
      return { client: caller.id };
    case 'service':
      return { system: caller.name };
    case 'guest':
      return { guest: true };
  }
}

/** What a refused permission looks like to someone who may not even know of the object. */
export function hidden<Reason extends string>(outcome: Refused<Denied>, missing: Reason): Refused<Denied | Reason> {
  return isRefused(outcome) && outcome.refused === 'not-visible' ? { refused: missing } : outcome;
}
