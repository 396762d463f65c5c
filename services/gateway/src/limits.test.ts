import { expect, test } from 'vitest';
import { counter } from './limits.ts';

test('so many in the minute that begins with the first, then none until it is over, each caller for themselves', () => {
  let time = 0;
  const count = counter(2, () => time);
  expect([count('a'), count('a'), count('b')]).toEqual([0, 0, 0]);
  time = 20_500;
  expect([count('a'), count('b')]).toEqual([40, 0]);
  time = 59_999;
  expect(count('a')).toBe(1);
  time = 60_000;
  expect([count('a'), count('a'), count('a')]).toEqual([0, 0, 60]);
});

test('nobody may where none is allowed', () => {
  expect(counter(0)('a')).toBe(60);
});

test('the oldest minute is forgotten when there are too many callers, and no younger one', () => {
  const count = counter(1, () => 0);
  for (let caller = 0; caller < 20_000; caller++) count(`${caller}`);
  expect(count('0')).toBe(60);
  count('one more');
  expect([count('1'), count('0')]).toEqual([60, 0]);
});
