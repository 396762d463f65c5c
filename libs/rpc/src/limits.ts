/** Largest message in bytes, either way: a file of 10 MB and what goes with it. */
export const largestMessage = 11 * 1024 * 1024;

/** Milliseconds that a call gets whose caller set no deadline. */
export const defaultBudget = 3_000;
