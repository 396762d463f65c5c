import { expect, test } from 'vitest';
import { figureLine, interleave, type Pair, percentile, ratioLine, ratios, summary } from './pairs.ts';

test('the halves take turns, and each is made ready before it starts', async () => {
  const seen: string[] = [];
  const half = (name: keyof Pair, value: number) => async () => {
    seen.push(name);
    return value;
  };
  const pairs = await interleave(2, {
    ours: half('ours', 3),
    baseline: half('baseline', 4),
    before: async (next) => {
      seen.push(`before ${next}`);
    },
  });
  const once = ['before ours', 'ours', 'before baseline', 'baseline'];
  expect(seen).toEqual([...once, ...once]);
  expect(pairs).toEqual([
    { ours: 3, baseline: 4 },
    { ours: 3, baseline: 4 },
  ]);
});

test('the median is the middle value, or the mean of the two in the middle', () => {
  expect(summary([5, 1, 3])).toEqual({ median: 3, least: 1, most: 5 });
  expect(summary([4, 1, 3, 2])).toEqual({ median: 2.5, least: 1, most: 4 });
  expect(summary([7])).toEqual({ median: 7, least: 7, most: 7 });
  expect(() => summary([])).toThrow(RangeError);
});

test('a percentile is a value that was measured', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentile(hundred, 0.95)).toBe(95);
  expect(percentile(hundred, 1)).toBe(100);
  expect(percentile([8], 0.95)).toBe(8);
  expect(percentile([1, 2], 0.5)).toBe(1);
  expect(() => percentile([], 0.5)).toThrow(RangeError);
});

test('a machine that was slow during one pair moves neither its ratio nor the median', () => {
  const pairs = [
    { ours: 50, baseline: 100 },
    { ours: 5, baseline: 10 },
    { ours: 60, baseline: 100 },
  ];
  expect(ratios(pairs)).toEqual([0.5, 0.5, 0.6]);
  expect(ratioLine('create', pairs, { must: 0.45, aim: 0.6 }).line).toBe(
    'create ratio 0.50 (must 0.45, aim 0.60) spread 0.50-0.60',
  );
});

test('a ratio is missed below its must, a figure above it', () => {
  const half = [{ ours: 1, baseline: 2 }];
  expect(ratioLine('create', half, { must: 0.5, aim: 0.6 }).missed).toBe(false);
  expect(ratioLine('create', half, { must: 0.51, aim: 0.6 }).missed).toBe(true);
  const about = { aim: 1, unit: 's', digits: 1 };
  expect(figureLine('start', [8], { must: 8, ...about }).missed).toBe(false);
  expect(figureLine('start', [8.1], { must: 8, ...about }).missed).toBe(true);
});

test('a figure is printed with its unit', () => {
  expect(figureLine('lag p95', [34.4, 31, 40], { must: 150, aim: 50, unit: 'ms', digits: 0 }).line).toBe(
    'lag p95 34 ms (must 150, aim 50) spread 31-40',
  );
  expect(figureLine('start', [3.96, 3.94, 4.5], { must: 8, aim: 4, unit: 's', digits: 1 }).line).toBe(
    'start 4.0 s (must 8, aim 4) spread 3.9-4.5',
  );
});
