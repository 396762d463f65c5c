import type { DataOf, EventType } from '@bandeng/contracts';
import { isRefused } from '@bandeng/decider';
import type { Actor, CommandContext } from '@bandeng/records';
import type { CloudEvent } from './cloudevents.ts';
import { isTransient, NotNow } from './failures.ts';
import type { Log } from './hooks.ts';

/** Nothing follows from this event, for a reason. */
export interface Skipped {
  readonly skipped: string;
}

/** Nothing follows from this event. */
export const skip = (reason: string): Skipped => ({ skipped: reason });

/** A command for one aggregate that follows from an event. */
export interface Reaction {
  /** Tells the commands of one reaction to one event apart; needed when there are several. */
  readonly target?: string;
  /**
   * The id is `event:<event id>:<reaction>[:<target>]`, so a second run has no second effect. `context` is complete: this id,
   * now, `system:<service>`, the event's trace. An answer that is a refusal is logged and is the end of it, except `busy` and
   * `too-much-unpublished`, which are tried again.
   */
  run(commandId: string, context: CommandContext): Promise<unknown>;
}

/** In whose name a reaction works: it is the same for all reactions of a service. */
export interface ReactionContext {
  readonly service: string;
  readonly actor: Actor;
  readonly log: Log;
}

/** What a service does when an event of a type has happened. */
export interface ReactionDefinition {
  readonly type: EventType;
  /** Part of the ids of its commands: never change it. */
  readonly name: string;
  /** The data of the event is the message of the catalogue. */
  react(event: CloudEvent, context: ReactionContext): Promise<readonly Reaction[] | Skipped>;
}

/** What a service does when this event has happened. */
export function on<N extends EventType>(
  type: N,
  name: string,
  react: (
    event: CloudEvent<DataOf<N>>,
    context: ReactionContext,
  ) => Promise<readonly Reaction[] | Skipped> | readonly Reaction[] | Skipped,
): ReactionDefinition {
  return { type, name, react: async (event, context) => react(typed(event), context) };
}

/** The type of the event has been compared and its data decoded before. */
function typed<N extends EventType>(event: CloudEvent): CloudEvent<DataOf<N>> {
  return event as CloudEvent<DataOf<N>>;
}

/** Commands of one reaction under way at a time: they are for different aggregates, and what is written together costs less. */
const SIDE_BY_SIDE = 64;

const AGAIN = new Set(['busy', 'too-much-unpublished']);

/**
 * Runs one reaction to one event, its commands side by side; answers how many of its commands had not happened before. Throws `NotNow` when it should be
 * tried later, something else when it failed.
 */
export async function runReaction(
  definition: ReactionDefinition,
  event: CloudEvent,
  about: { readonly service: string; readonly log: Log; now(): Date },
): Promise<number> {
  const { service, log } = about;
  const actor = { system: service };
  const found = await definition.react(event, { service, actor, log });
  if ('skipped' in found) {
    log.debug({ event: event.id, reaction: definition.name, reason: found.skipped }, 'reaction skipped');
    return 0;
  }
  const ids = commandIds(definition.name, event.id, found);
  const trace = event.traceparent === undefined ? {} : { trace: event.traceparent };
  const run = async (reaction: Reaction, id: string): Promise<boolean> => {
    const outcome = await reaction.run(id, { id, at: about.now().toISOString(), actor, ...trace });
    if (!isRefused(outcome)) return !hadHappened(outcome);
    if (AGAIN.has(outcome.refused)) throw new NotNow(outcome.refused);
    if (outcome.refused === 'key-reused') throw new Error(`command ${id} has been used for something else`);
    log.info({ event: event.id, reaction: definition.name, refused: outcome.refused }, 'reaction refused');
    return false;
  };
  let effects = 0;
  for (let from = 0; from < found.length; from += SIDE_BY_SIDE) {
    const some = found.slice(from, from + SIDE_BY_SIDE);
    const ends = await Promise.allSettled(some.map((reaction, index) => run(reaction, ids[from + index] ?? '')));
    const faults = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    // What fails by itself counts as a failure, whatever else is away at the moment.
    if (faults.length > 0) throw faults.find((fault) => !isTransient(fault)) ?? faults[0];
    effects += ends.filter((end) => end.status === 'fulfilled' && end.value).length;
  }
  return effects;
}

/** Whether records answered that the command had had its effect before. */
function hadHappened(outcome: unknown): boolean {
  return typeof outcome === 'object' && outcome !== null && 'replayed' in outcome && outcome.replayed === true;
}

/** The ids of the commands of one reaction to one event. Throws when two would be the same. */
function commandIds(name: string, eventId: string, found: readonly Reaction[]): readonly string[] {
  const ids = found.map(({ target }) => `event:${eventId}:${name}${target === undefined ? '' : `:${target}`}`);
  if (new Set(ids).size < ids.length) throw new Error(`reaction ${name}: several commands need a target each`);
  return ids;
}
