/** Work side by side, but one after the other for each key. */
export interface Lanes {
  /** Runs the task when those of the same key before it have ended. The task must not throw. */
  run(key: string, task: () => Promise<void>): void;
  /** Waits for a free place, of which there are as many as the concurrency; answers how to give it back. */
  place(): Promise<() => void>;
  /** Ends when nothing runs. */
  idle(): Promise<void>;
}

/** Opens lanes with so many places, which they do not take by themselves: a task asks for one with `place`. */
export function lanes(concurrency: number): Lanes {
  const tails = new Map<string, Promise<void>>();
  const queue: (() => void)[] = [];
  let free = concurrency;

  function giveBack(): void {
    const next = queue.shift();
    if (next === undefined) free += 1;
    else next();
  }

  return {
    run(key, task) {
      const before = tails.get(key);
      const tail = (before === undefined ? task() : before.then(task)).finally(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      tails.set(key, tail);
    },
    async place() {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => queue.push(resolve));
      let given = false;
      return () => {
        if (!given) giveBack();
        given = true;
      };
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}
