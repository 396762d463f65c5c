import { expect, test } from 'vitest';
import { drawingFrom } from './drawing.ts';

const some = (seed: number): unknown[] => {
  const drawing = drawingFrom(seed);
  return [drawing.between(1, 1_000), drawing.shuffled([1, 2, 3, 4, 5, 6]), drawing.between(0, 1_000_000)];
};

test('the same seed draws the same, another seed something else', () => {
  expect(some(7)).toEqual(some(7));
  expect(some(7)).not.toEqual(some(8));
});

test('both ends can be drawn, and nothing is lost in shuffling', () => {
  const drawing = drawingFrom(1);
  expect(new Set(Array.from({ length: 200 }, () => drawing.between(1, 3)))).toEqual(new Set([1, 2, 3]));
  expect(drawing.shuffled([3, 1, 2]).toSorted()).toEqual([1, 2, 3]);
});
