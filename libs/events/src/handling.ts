import { type CatalogueEntry, decoded, eventOfType } from './catalogue.ts';
import { type CloudEvent, MAX_EVENT_BYTES, parseCloudEvent } from './cloudevents.ts';
import type { DeadLetter, DeadLetterReason, DeadLetters } from './deadletters.ts';
import { type ReactionDefinition, runReaction } from './definitions.ts';
import { isTransient } from './failures.ts';
import type { EventHooks, Log } from './hooks.ts';
import { pause } from './signal.ts';

/** A message that can be handled, or why it cannot. */
export type ReadMessage =
  | { readonly event: CloudEvent }
  | { readonly poison: DeadLetterReason; readonly problem: string; readonly event?: CloudEvent };

/** Reads a message of a service's stream: an event whose data is the message of the catalogue. */
export function readMessage(bytes: Uint8Array, service: string): ReadMessage {
  if (bytes.length > MAX_EVENT_BYTES) return { poison: 'too-large', problem: `${bytes.length} bytes` };
  const event = parseCloudEvent(bytes);
  if ('malformed' in event) return { poison: 'malformed', problem: event.malformed };
  const known: CatalogueEntry | undefined = eventOfType(event.type);
  if (known?.service !== service) return { poison: 'unknown-type', problem: event.type.slice(0, 200), event };
  try {
    return { event: { ...event, data: decoded(event.type, event.data) } };
  } catch (error) {
    return { poison: 'malformed', problem: problemOf(error), event };
  }
}

/** Where a message lies and what it holds, for its dead letter. */
export interface Origin {
  readonly stream: string;
  readonly sequence: number;
  /** Tells it apart when it has no id that can be read. */
  readonly place: string;
  raw(): string;
}

/** What the reactions of one service share while they run. */
export interface Handling {
  readonly service: string;
  readonly deadLetters: DeadLetters;
  readonly tries: number;
  /** Waits for a free place; answers how to give it back. */
  place(): Promise<() => void>;
  now(): Date;
  readonly log: Log;
  readonly hooks: EventHooks | undefined;
}

/**
 * What came of one reaction to one event: `done`; `dead`, its dead letter is stored; or `abandoned`, to be handled by
 * whoever comes next.
 */
export interface Handled {
  readonly end: 'done' | 'dead' | 'abandoned';
  /** Commands that had not happened before. */
  readonly effects: number;
}

/**
 * Runs one reaction until it is done, or has failed so often that its dead letter is stored. What is away for a while is
 * waited for and counts as no failure. Abandoned when `over` says so between two tries. `replayed`: the event was handled
 * before.
 */
export async function handle(
  definition: ReactionDefinition,
  event: CloudEvent,
  origin: Origin,
  handling: Handling,
  over: () => boolean,
  replayed = false,
): Promise<Handled> {
  const { log, hooks, tries } = handling;
  const about = { event: event.id, reaction: definition.name };
  let failures = 0;
  let waits = 0;
  let effects = 0;
  const run = async (): Promise<void> => {
    effects = await runReaction(definition, event, handling);
  };
  while (!over()) {
    const giveBack = await handling.place();
    try {
      if (over()) return { end: 'abandoned', effects };
      await (hooks?.around === undefined ? run() : hooks.around(event, definition.name, run, { replayed }));
      if (!replayed) hooks?.lag?.(definition.name, handling.now().getTime() - Date.parse(event.time));
      return { end: 'done', effects };
    } catch (error) {
      if (isTransient(error)) {
        waits += 1;
        log.debug({ ...about, err: error }, 'reaction waits');
      } else {
        failures += 1;
        waits = 0;
        log.warn({ ...about, err: error, failures }, 'reaction failed');
        if (failures >= tries) {
          const letter = letterOf(definition.name, 'failed', problemOf(error), origin, event, failures);
          return { end: (await storeLetter(letter, handling, over)) ? 'dead' : 'abandoned', effects };
        }
      }
    } finally {
      giveBack();
    }
    await pause(waits > 0 ? Math.min(1_000, 50 * 2 ** waits) : 25 * 2 ** failures);
  }
  return { end: 'abandoned', effects };
}

/** The dead letter of a message for a reaction. */
export function letterOf(
  reaction: string,
  reason: DeadLetterReason,
  problem: string,
  origin: Origin,
  event: CloudEvent | undefined,
  tries: number,
): Omit<DeadLetter, 'id' | 'status' | 'at'> {
  return {
    event: event === undefined ? origin.place : `${event.source} ${event.id}`,
    reaction,
    reason,
    problem,
    type: event?.type.slice(0, 200) ?? '',
    aggregate: event?.subject ?? '',
    stream: origin.stream,
    sequence: origin.sequence,
    tries,
    raw: origin.raw(),
  };
}

/** Stores a dead letter, however long the database is away; false when it was over before. */
export async function storeLetter(
  letter: Omit<DeadLetter, 'id' | 'status' | 'at'>,
  handling: Handling,
  over: () => boolean,
): Promise<boolean> {
  while (!over()) {
    try {
      await handling.deadLetters.store({ ...letter, at: handling.now().toISOString() });
      handling.log.error({ event: letter.event, reaction: letter.reaction, reason: letter.reason }, 'dead letter');
      handling.hooks?.deadLetter?.(letter.reaction, letter.reason);
      return true;
    } catch (error) {
      handling.log.warn({ err: error, event: letter.event }, 'dead letter not stored yet');
      await pause(500);
    }
  }
  return false;
}

function problemOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
