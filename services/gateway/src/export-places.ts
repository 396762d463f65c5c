/** Who may have a file written now: so many in all, of which guests and every single caller have their part. */
import { type Problem, problem } from './problems.ts';

export interface ExportPlaces {
  /** A place, or why there is none. Whoever has one gives it back, once. */
  take(caller: string, guest: boolean): (() => void) | { readonly problem: Problem };
}

/** So many are written at once; more would only make each other slow. */
const mostAtOnce = 8;
/** Lists that are open to anybody are short: guests leave the other half to whoever works with the rest. */
const mostOfGuests = 4;
const mostOfOne = 2;

export function openExportPlaces(): ExportPlaces {
  const callers = new Map<string, number>();
  let running = 0;
  let ofGuests = 0;
  return {
    take(caller, guest) {
      const own = callers.get(caller) ?? 0;
      if (own >= mostOfOne) {
        const detail = `At most ${mostOfOne} files are written for one caller at once.`;
        return { problem: problem('too-many-requests', { retryAfterSeconds: 5, detail }) };
      }
      if (running >= mostAtOnce || (guest && ofGuests >= mostOfGuests)) {
        return { problem: problem('overloaded', { retryAfterSeconds: 5 }) };
      }
      running += 1;
      if (guest) ofGuests += 1;
      callers.set(caller, own + 1);
      return () => {
        running -= 1;
        if (guest) ofGuests -= 1;
        const others = (callers.get(caller) ?? 1) - 1;
        if (others === 0) callers.delete(caller);
        else callers.set(caller, others);
      };
    },
  };
}
