/** Lets so many through at a time; the others wait in line. */
export type Turnstile = <Result>(work: () => Promise<Result>) => Promise<Result>;

export function turnstile(most: number): Turnstile {
  const line: (() => void)[] = [];
  let inside = 0;
  return async (work) => {
    if (inside < most) inside += 1;
    else await new Promise<void>((resolve) => line.push(resolve));
    try {
      return await work();
    } finally {
      // Who leaves hands the place to the next in line, if there is one.
      const next = line.shift();
      if (next === undefined) inside -= 1;
      else next();
    }
  };
}
