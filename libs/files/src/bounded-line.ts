/** Does work when its turn comes; undefined when too much waits already. */
export type BoundedLine = <Result>(work: () => Promise<Result>) => Promise<Result> | undefined;

/** Lets `atOnce` works run side by side and `waiting` more wait for them, in the order in which they came. */
export function boundedLine({ atOnce, waiting }: { readonly atOnce: number; readonly waiting: number }): BoundedLine {
  const line: (() => void)[] = [];
  let running = 0;

  async function run<Result>(work: () => Promise<Result>, turn: Promise<void> | undefined): Promise<Result> {
    await turn;
    try {
      return await work();
    } finally {
      // Who leaves hands the place to the next in line, if there is one.
      const next = line.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }

  return (work) => {
    if (running >= atOnce) {
      if (line.length >= waiting) return undefined;
      return run(work, new Promise((resolve) => line.push(resolve)));
    }
    running += 1;
    return run(work, undefined);
  };
}
