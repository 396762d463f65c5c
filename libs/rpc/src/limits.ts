/** Largest file that is taken, in bytes. */
export const largestFile = 10 * 1024 * 1024;

/** Largest message in bytes, either way: a file and what goes with it. */
export const largestMessage = largestFile + 1024 * 1024;

/** Milliseconds that a call gets whose caller set no deadline. */
export const defaultBudget = 3_000;
