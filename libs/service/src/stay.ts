import type { Built } from './house.ts';

/** What has been entered is left in reverse. */
export interface Stay {
  enter<Thing>(built: Built<Thing>): Thing;
  onLeave(leave: () => Promise<void>): void;
  /** Leaves all, also when some of it cannot be left. @throws the first fault. */
  leave(): Promise<void>;
}

/** Begins with nothing entered. */
export function openStay(): Stay {
  const leaving: (() => Promise<void>)[] = [];
  return {
    enter({ built, close }) {
      leaving.unshift(close);
      return built;
    },
    onLeave: (leave) => void leaving.unshift(leave),
    async leave() {
      const faults: unknown[] = [];
      for (const leave of leaving.splice(0)) await leave().catch((fault: unknown) => faults.push(fault));
      if (faults.length > 0) throw faults[0];
    },
  };
}
