/** Failed sign-ins that cost nothing but themselves: people mistype. */
const freeFailures = 4;

const firstWaitSeconds = 30;
const longestWaitSeconds = 15 * 60;

/**
 * Failures of one login are counted by the network they come from: nobody locks somebody else out from afar. So many times as
 * many from everywhere together bring the same waits, for those who guess from many networks.
 */
export const timesFromEverywhere = 20;

/**
 * For how many seconds no sign-in is tried after so many failures in a row: nothing up to the fourth, 30 s from the fifth,
 * twice as long with each further one, at most 15 minutes. A guesser gets some hundred tries a day; the person waits minutes.
 */
export function waitAfter(failures: number): number {
  if (failures <= freeFailures) return 0;
  return Math.min(firstWaitSeconds * 2 ** (failures - freeFailures - 1), longestWaitSeconds);
}
