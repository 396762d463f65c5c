/** Closed and open loops: how load is made. */

/** Connections of every bench, and commands at a time against the bare driver. */
export const connections = 32;

/** One step of a loop; false says that there is nothing left to do. */
export type Step = (connection: number) => Promise<boolean>;

/** Each connection does one step after the other until time is up or nothing is left. Answers steps a second. */
export async function closedLoop(milliseconds: number, step: Step, width = connections): Promise<number> {
  const started = performance.now();
  let steps = 0;
  const work = async (connection: number): Promise<void> => {
    while (performance.now() - started < milliseconds) {
      if (!(await step(connection))) return;
      steps++;
    }
  };
  await Promise.all(Array.from({ length: width }, (_, connection) => work(connection)));
  return (steps * 1_000) / (performance.now() - started);
}

/**
 * Starts `rate` steps a second, whether or not earlier ones have ended, and waits for all. When every connection is busy the
 * step waits for one, so a load that is too high for the other side shows as a lower rate, which is answered.
 */
export async function openLoop(milliseconds: number, rate: number, step: Step): Promise<number> {
  const started = performance.now();
  let steps = 0;
  let due = 0;
  const work = async (connection: number): Promise<void> => {
    for (;;) {
      const at = (due++ * 1_000) / rate;
      if (at >= milliseconds) return;
      const wait = started + at - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (!(await step(connection))) return;
      steps++;
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, connection) => work(connection)));
  return (steps * 1_000) / (performance.now() - started);
}
