import { type DomainEvent, isRefused } from '@bandeng/decider';
import type { Aggregates, Prepare } from './aggregates.ts';
import type { Actor, Stored } from './documents.ts';

/** Work that falls due by the clock; started only in the process that holds the service's lease. */
export interface Sweep {
  readonly name: string;
  /** Handles what is due now, once; answers how many commands took effect. `saw` is told how many aggregates were due. */
  run(signal: AbortSignal, saw?: (due: number) => void): Promise<number>;
}

/** What a deadline that has passed asks for. Its command id is `due:<deadline>:<instant>`. */
export interface DueCommand<S, C, E extends DomainEvent> {
  /** Which deadline: `acceptance`. */
  readonly deadline: string;
  /** When it was due. */
  readonly instant: string;
  readonly prepare: Prepare<S, C, E, string>;
}

/** What a sweep does with what is due, and in whose name. */
export interface SweepOptions<S, C, E extends DomainEvent> {
  /** `system:<service>`. */
  readonly actor: Actor;
  now(): Date;
  /** The commands for one aggregate whose `nextDue` has passed; it comes without history and words. */
  due(stored: Stored<S, E>, now: string): readonly DueCommand<S, C, E>[];
  /** Told of each aggregate on which nothing took effect: the last refusal, what was thrown, or `nothing-moved`. */
  failed?(id: string, reason: unknown): void;
}

/** The index that sweeps go by: they cost what is due, not what is open. */
export const dueIndex = {
  name: 'due',
  key: { nextDue: 1 },
  partialFilterExpression: { nextDue: { $exists: true } },
} as const;

const sideBySide = 8;
const longestPause = 60_000;

/**
 * A sweep over aggregates with a `nextDue`. One that fails does not hold up the others, and is left alone for a while that
 * doubles up to a minute.
 */
export function sweepOf<S extends object, C, E extends DomainEvent, R extends string>(
  aggregates: Aggregates<S, C, E, R>,
  options: SweepOptions<S, C, E>,
): Sweep {
  let failures = new Map<string, { tries: number; until: number }>();

  async function commandsOn(stored: Stored<S, E>, now: string): Promise<number> {
    let effects = 0;
    let reason: unknown = 'nothing-moved';
    for (const { deadline, instant, prepare } of options.due(stored, now)) {
      const context = { id: `due:${deadline}:${instant}`, at: now, actor: options.actor };
      const outcome = await aggregates.run(stored.id, context, prepare);
      if (isRefused(outcome)) reason = outcome;
      else if (!outcome.replayed && outcome.stored.version > stored.version) effects += 1;
    }
    if (effects === 0) options.failed?.(stored.id, reason);
    return effects;
  }

  async function handle(stored: Stored<S, E>, now: string): Promise<number> {
    try {
      return await commandsOn(stored, now);
    } catch (error) {
      options.failed?.(stored.id, error);
      return 0;
    }
  }

  return {
    name: aggregates.name,

    async run(signal, saw) {
      const now = options.now();
      const still: typeof failures = new Map();
      let effects = 0;
      let due = 0;
      let batch: Promise<void>[] = [];
      const one = async (stored: Stored<S, E>): Promise<void> => {
        const before = failures.get(stored.id);
        if (before !== undefined && before.until > performance.now()) {
          still.set(stored.id, before);
          return;
        }
        const its = await handle(stored, now.toISOString());
        effects += its;
        if (its > 0) return;
        const tries = (before?.tries ?? 0) + 1;
        still.set(stored.id, { tries, until: performance.now() + Math.min(longestPause, 1_000 * 2 ** tries) });
      };
      const found = aggregates.collection.find(
        { nextDue: { $lte: now } },
        { sort: { nextDue: 1 }, projection: { history: 0, words: 0 }, batchSize: 100, maxTimeMS: 10_000 },
      );
      for await (const document of found) {
        if (signal.aborted) break;
        due += 1;
        batch.push(one(aggregates.stored(document)));
        if (batch.length < sideBySide) continue;
        await Promise.all(batch);
        batch = [];
      }
      await Promise.all(batch);
      failures = still;
      saw?.(due);
      return effects;
    },
  };
}
