/** What time does to deliveries: whatever is due is sent, held, dropped or given up, person by person. */
import type { Sweep } from '@bandeng/records';
import { type Post, serve } from './mailing.ts';
import { peopleDue } from './queries.ts';

/** Deliveries looked at in one round, and people served at once. */
const mostDue = 500;
const sideBySide = 4;
const shortestRest = 5_000;
const longestRest = 5 * 60_000;

/**
 * Goes by `nextDue` like every sweep, but by people and not by documents: what is due to one person goes out in one letter. A
 * server that is away gets a rest that doubles up to five minutes; whoever cannot be served does not hold up the others. Both wait by
 * `ticks`, milliseconds that nobody sets back.
 */
export function deliverySweep(post: Post, ticks = () => performance.now()): Sweep {
  const { now, log, kept } = post;
  let rest = { until: 0, length: 0 };
  let troubles = new Map<string, { until: number; times: number }>();

  async function one(person: string): Promise<number> {
    try {
      const { effects, away } = await serve(post, person);
      troubles.delete(person);
      if (away === true) takeRest();
      else if (effects > 0) rest = { until: 0, length: 0 };
      return effects;
    } catch (fault) {
      const times = (troubles.get(person)?.times ?? 0) + 1;
      troubles.set(person, { times, until: ticks() + Math.min(longestRest, 1_000 * 2 ** times) });
      log.warn({ fault: fault instanceof Error ? fault.name : 'unknown', times }, 'somebody was not served');
      return 0;
    }
  }

  function takeRest(): void {
    const length = Math.min(longestRest, Math.max(shortestRest, rest.length * 2));
    rest = { until: ticks() + length, length };
    log.warn({ seconds: length / 1_000 }, 'nothing can be sent now; it gets a rest');
  }

  return {
    name: 'deliveries',
    async run(signal, saw) {
      if (rest.until > ticks()) return 0;
      const people = await peopleDue(kept.deliveries, now(), mostDue);
      saw?.([...people.values()].reduce((sum, count) => sum + count, 0));
      troubles = new Map([...troubles].filter(([person]) => people.has(person)));
      const left = [...people.keys()].filter((person) => (troubles.get(person)?.until ?? 0) <= ticks()).values();
      let effects = 0;
      const worker = async (): Promise<void> => {
        for (const person of left) {
          if (signal.aborted || rest.until > ticks()) return;
          effects += await one(person);
        }
      };
      await Promise.all(Array.from({ length: sideBySide }, worker));
      return effects;
    },
  };
}
