import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openExportPlaces } from './export-places.ts';

const reasonOf = (taken: ReturnType<ReturnType<typeof openExportPlaces>['take']>): string | undefined =>
  'problem' in taken ? taken.problem.reason : undefined;

test('one caller has two, guests half, and all together eight', () => {
  const { take } = openExportPlaces();
  const reasons = (callers: string[], guest: boolean) => callers.map((caller) => reasonOf(take(caller, guest)));
  expect(reasons(['a', 'a', 'a'], true)).toEqual([undefined, undefined, 'too-many-requests']);
  expect(reasons(['b', 'c', 'd'], true)).toEqual([undefined, undefined, 'overloaded']);
  expect(reasons(['e', 'f', 'g', 'h', 'i'], false)).toEqual([undefined, undefined, undefined, undefined, 'overloaded']);
});

test('whatever was taken and given back, a caller who has none finds a place where there is one', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean(), fc.boolean())), (steps) => {
      const { take } = openExportPlaces();
      const held: (() => void)[] = [];
      for (const [caller, guest, back] of steps) {
        const taken = take(`${caller} ${guest}`, guest);
        if (!('problem' in taken)) held.push(taken);
        if (back) held.shift()?.();
      }
      expect(held.length).toBeLessThanOrEqual(8);
      for (const give of held) give();
      const all = ['s', 't', 'u', 'v'].flatMap((caller) => [take(caller, false), take(caller, false)]);
      expect(all.map(reasonOf)).toEqual(Array.from({ length: 8 }, () => undefined));
    }),
  );
});
