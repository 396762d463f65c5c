/** What a run draws; the same seed draws the same. */
export interface Drawing {
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  /** The same things in another order. */
  shuffled<Thing>(things: readonly Thing[]): Thing[];
}

/** Draws from a seed (mulberry32). Draw a schedule before anything runs: what happens then must not change what is drawn. */
export function drawingFrom(seed: number): Drawing {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    between,
    shuffled(things) {
      const left = [...things];
      return things.flatMap(() => left.splice(between(0, left.length - 1), 1));
    },
  };
}
