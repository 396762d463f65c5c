import { expect, test } from 'vitest';
import { counter, networkOf } from './limits.ts';

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

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0db8:0001:0002::9', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:DB8::', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
  ['1::2:3:4:5:6:7', '1:0:2:3'],
  ['64:ff9b::203.0.113.7', '64:ff9b:0:0'],
  ['1:2:3:4:5:6:203.0.113.7', '1:2:3:4'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
