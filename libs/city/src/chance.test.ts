import { expect, test } from 'vitest';
import { chanceFrom } from './chance.ts';

const some = (seed: number): unknown[] => {
  const chance = chanceFrom(seed);
  return [chance.between(1, 1_000), chance.shuffled([1, 2, 3, 4, 5, 6]), chance.between(0, 1_000_000)];
};

test('the same seed draws the same, another seed something else', () => {
  expect(some(7)).toEqual(some(7));
  expect(some(7)).not.toEqual(some(8));
});

test('both ends can be drawn, and nothing is lost in shuffling', () => {
  const chance = chanceFrom(1);
  expect(new Set(Array.from({ length: 200 }, () => chance.between(1, 3)))).toEqual(new Set([1, 2, 3]));
  expect(chance.shuffled([3, 1, 2]).toSorted()).toEqual([1, 2, 3]);
});
