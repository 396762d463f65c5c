import assert from 'node:assert/strict';
import { type Decider, type DomainEvent, fold, isRefused } from './index.ts';

/** What can be asserted about the outcome of a command. */
export interface When<State, Event extends DomainEvent, Reason extends string> {
  /** Exactly these events happened, in this order. */
  thenEvents(...events: Event[]): void;
  /** Nothing happened, and nothing was refused. */
  thenNothing(): void;
  /** It was refused for this reason. */
  thenRefused(reason: Reason): void;
  /** The events that happened; fails if it was refused. */
  events(): readonly Event[];
  /** The state after those events; fails if it was refused. */
  state(): State | undefined;
}

/** Given what has happened, when this is commanded, then that happens: the form in which every decider is tested. */
export function given<State, Command, Event extends DomainEvent, Reason extends string>(
  decider: Decider<State, Command, Event, Reason>,
  ...past: Event[]
): { when(command: Command): When<State, Event, Reason> } {
  const state = fold(decider.evolve, past);
  return {
    when(command) {
      const outcome = decider.decide(state, command);
      const events = (): readonly Event[] => {
        if (isRefused(outcome)) assert.fail(`refused: ${outcome.refused}`);
        return outcome;
      };
      return {
        thenEvents: (...expected) => assert.deepEqual(events(), expected),
        thenNothing: () => assert.deepEqual(events(), []),
        thenRefused: (reason) => {
          if (!isRefused(outcome)) assert.fail(`not refused, but ${JSON.stringify(outcome)}`);
          assert.equal(outcome.refused, reason);
        },
        events,
        state: () => fold(decider.evolve, events(), state),
      };
    },
  };
}
