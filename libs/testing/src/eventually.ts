/** How long a check is repeated, and how often. */
export interface EventuallyOptions {
  /** Milliseconds; 5,000 by default. */
  within?: number;
  /** Longest pause between two checks in milliseconds; 100 by default. */
  every?: number;
}

/**
 * Repeats a check until it neither throws nor answers `false`, and answers what it answered. When time is up it throws
 * what the check threw last, so that a failed expectation reads as usual.
 */
export async function eventually<T>(check: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const within = options.within ?? 5_000;
  const longest = options.every ?? 100;
  const giveUpAt = performance.now() + within;
  for (let pause = 5; ; pause = Math.min(pause * 1.5, longest)) {
    let last: unknown;
    try {
      const answer = await check();
      if (answer !== false) return answer;
      last = new Error(`still false after ${within} ms: ${check.toString()}`);
    } catch (thrown) {
      last = thrown;
    }
    if (performance.now() >= giveUpAt) throw last;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
