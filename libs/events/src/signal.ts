/** Something to wait for: wakes all that wait, and whoever waits next if nobody did. */
export interface Signal {
  raise(): void;
  /** Ends when raised, or after so many milliseconds. */
  wait(milliseconds: number): Promise<void>;
}

/** A signal that nobody has raised yet. */
export function signal(): Signal {
  let raised = false;
  const waiting = new Set<() => void>();
  return {
    raise() {
      if (waiting.size === 0) raised = true;
      for (const wake of waiting) wake();
    },
    wait(milliseconds) {
      if (raised) {
        raised = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, milliseconds);
        waiting.add(wake);
      });
    },
  };
}

/** Waits so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
