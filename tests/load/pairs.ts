/** How two ways of doing the same are compared on a machine that is never quite still. Pure but for the clock. */

/** What one half of a pair reached, for example operations a second. */
export interface Pair {
  readonly ours: number;
  readonly baseline: number;
}

/** What a figure has to reach, and what we aim at. */
export interface Target {
  readonly must: number;
  readonly aim: number;
}

/** What a bench found: its line, and whether the figure is not what it must be. */
export interface Result {
  readonly line: string;
  readonly missed: boolean;
}

export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/**
 * Runs ours, baseline, ours, baseline …, so that what drifts (heat, caches, neighbours) meets both. `before` runs before every
 * half and is not measured: it makes ready what the half uses up, and waits until the other half has left nothing to do.
 */
export async function interleave(
  count: number,
  halves: { ours(): Promise<number>; baseline(): Promise<number>; before?(half: keyof Pair): Promise<void> },
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let number = 0; number < count; number++) {
    await halves.before?.('ours');
    const ours = await halves.ours();
    await halves.before?.('baseline');
    pairs.push({ ours, baseline: await halves.baseline() });
  }
  return pairs;
}

/** The middle of the values and their bounds. @throws RangeError without a value. */
export function summary(values: readonly number[]): Summary {
  const sorted = values.toSorted((one, other) => one - other);
  const [least] = sorted;
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) throw new RangeError('nothing was measured');
  const middle = [sorted[Math.floor((sorted.length - 1) / 2)] ?? least, sorted[Math.floor(sorted.length / 2)] ?? most];
  return { median: middle.reduce((sum, value) => sum + value, 0) / 2, least, most };
}

/** The smallest value that at least `share` of the values do not exceed. @throws RangeError without a value. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('nothing was measured');
  return value;
}

/** Ours for each of the baseline, pair by pair: what disturbed one pair does not weigh on the others. */
export function ratios(pairs: readonly Pair[]): number[] {
  return pairs.map(({ ours, baseline }) => ours / baseline);
}

/** `create ratio 0.52 (must 0.45, aim 0.60) spread 0.48-0.57`; missed when it is less than it must be. */
export function ratioLine(name: string, pairs: readonly Pair[], { must, aim }: Target): Result {
  const { median, least, most } = summary(ratios(pairs));
  const two = (value: number): string => value.toFixed(2);
  const line = `${name} ratio ${two(median)} (must ${two(must)}, aim ${two(aim)}) spread ${two(least)}-${two(most)}`;
  return { line, missed: median < must };
}

/** `lag p95 34 ms (must 150, aim 50) spread 31-40`; missed when it is more than it must be. */
export function figureLine(
  name: string,
  values: readonly number[],
  { must, aim, unit, digits }: Target & { readonly unit: string; readonly digits: number },
): Result {
  const { median, least, most } = summary(values);
  const some = (value: number): string => value.toFixed(digits);
  const line = `${name} ${some(median)} ${unit} (must ${must}, aim ${aim}) spread ${some(least)}-${some(most)}`;
  return { line, missed: median > must };
}
