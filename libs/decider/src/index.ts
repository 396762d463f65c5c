/**
 * The pure heart of an aggregate: `decide` says what happens, or refuses with a name; `evolve` says what that makes of the state.
 * No I/O, no clock, no chance: instants and ids come in with the command.
 */

/** Something that happened, in the words of the field. */
export interface DomainEvent<Type extends string = string, Data extends object = object> {
  readonly type: Type;
  readonly data: Data;
}

/** An expected failure: its name, the field it concerns if one does, and the values that explain it. */
export interface Refused<Reason extends string = string> {
  readonly refused: Reason;
  /** JSON path of the field of the request that led to it. */
  readonly field?: string;
  /** What explains it to a person, for example `{ status: 'resolved' }`. Never personal data. */
  readonly values?: Readonly<Record<string, string | number | readonly string[]>>;
}

/** How an aggregate decides and how it changes. A state of `undefined` means: it is not there yet. */
export interface Decider<State, Command, Event extends DomainEvent, Reason extends string> {
  decide(state: State | undefined, command: Command): readonly Event[] | Refused<Reason>;
  evolve(state: State | undefined, event: Event): State;
}

/** A refusal, with what explains it. */
export function refuse<const Reason extends string>(
  refused: Reason,
  about: Omit<Refused, 'refused'> = {},
): Refused<Reason> {
  return { refused, ...about };
}

/** Whether an outcome is a refusal; narrows both ways. */
export function isRefused(outcome: unknown): outcome is Refused {
  return typeof outcome === 'object' && outcome !== null && 'refused' in outcome;
}

/** The state that events make, from nothing or from a state. */
export function fold<State, Event extends DomainEvent>(
  evolve: (state: State | undefined, event: Event) => State,
  events: Iterable<Event>,
  from?: State,
): State | undefined {
  let state = from;
  for (const event of events) state = evolve(state, event);
  return state;
}
