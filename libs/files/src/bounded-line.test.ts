import { expect, test } from 'vitest';
import { boundedLine } from './bounded-line.ts';

test('so many run, so many wait in their order, and whoever comes then is sent away', async () => {
  const line = boundedLine({ atOnce: 2, waiting: 2 });
  const begun: number[] = [];
  const ends = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const works = ends.map(({ promise }, index) =>
    line(() => {
      begun.push(index);
      return promise;
    }),
  );
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  expect(works[4]).toBeUndefined();
  ends[1]?.reject(new Error('failed'));
  await expect(works[1]).rejects.toThrow('failed');
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  for (const index of [0, 2, 3]) ends[index]?.resolve();
  await Promise.all([works[0], works[2], works[3]]);
  expect(begun).toEqual([0, 1, 2, 3]);
  await expect(line(async () => 'free again')).resolves.toBe('free again');
});
