/** Lets so many through at a time; the others wait in line. */
export interface Turnstile {
  /** Does the work when its turn comes, in the order of coming. */
  <Result>(work: () => Promise<Result>): Promise<Result>;
  /** How many wait; who comes now would be behind them. */
  waiting(): number;
}

/** Opens a turnstile that lets `most` be inside. */
export function turnstile(most: number): Turnstile {
  const line: (() => void)[] = [];
  let inside = 0;
  const pass = async <Result>(work: () => Promise<Result>): Promise<Result> => {
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
  return Object.assign(pass, { waiting: () => line.length });
}

/** A turnstile for each key: whoever comes by one that is crowded holds up nobody who comes by another. */
export function turnstiles(most: number): <Result>(key: string, work: () => Promise<Result>) => Promise<Result> {
  const open = new Map<string, { readonly pass: Turnstile; here: number }>();
  return async (key, work) => {
    const one = open.get(key) ?? { pass: turnstile(most), here: 0 };
    open.set(key, one);
    one.here += 1;
    try {
      return await one.pass(work);
    } finally {
      one.here -= 1;
      if (one.here === 0) open.delete(key);
    }
  };
}
