import { createHash } from 'node:crypto';

/** A source of numbers that is the same for the same seed, so that a city can be made again exactly. */
export interface Chance {
  /** A number from 0 up to 1. */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** One of the items. */
  of<Item>(items: readonly Item[]): Item;
  /** True in `share` of all cases. */
  happens(share: number): boolean;
  /** The same items in another order. */
  shuffled<Item>(items: readonly Item[]): Item[];
}

/** Chance from a seed (the mulberry32 generator: fast, even, good enough for a synthetic city, never for secrets). */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    of: (items) => {
      const item = items[between(0, items.length - 1)];
      if (item === undefined) throw new RangeError('nothing to choose from');
      return item;
    },
    happens: (share) => next() < share,
    shuffled(items) {
      const left = [...items];
      return items.flatMap(() => left.splice(between(0, left.length - 1), 1));
    },
  };
}

/** The id of something planned: the same parts give the same UUID (version 8). */
export function plannedId(seed: number, kind: string, number: number | string): string {
  const hash = createHash('sha256').update(`city:${seed}:${kind}:${number}`).digest('hex');
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
