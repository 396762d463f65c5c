import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeAfter, placeFrom, placeText, untold } from './inbox-place.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 24, 8) + seconds * 1_000).toISOString();
const notice = (id: string, seconds: number) => ({ id, at: at(seconds), data: id });

describe('the place of a client in an inbox', () => {
  test('whoever has an empty inbox is told whatever comes', () => {
    const place = placeAfter(undefined, []);
    expect(untold(place, [notice('b', 2), notice('a', 1)]).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  test('what came a minute late is told, what came later than that is left to the inbox', () => {
    const place = placeAfter(undefined, [notice('now', 100)]);
    expect(untold(place, [notice('now', 100), notice('late', 41), notice('lost', 39)]).map(({ id }) => id)).toEqual([
      'late',
    ]);
  });

  test('many notices at once do not make the place longer than a header may be, and none comes twice', () => {
    const many = Array.from({ length: 300 }, (_, index) => notice(crypto.randomUUID(), index / 100));
    const place = placeAfter(undefined, many);
    expect(placeText(place).length).toBeLessThan(1_000);
    expect(untold(place, many.toReversed()).length).toBeLessThanOrEqual(1);
  });

  test.each([
    '',
    'x',
    '2026-11-24/',
    '-',
    '-/a',
    '-/a@x',
    '-/a@2026-11-24T08:00:00.000Z,',
    'EV_NOTIFICATIONS:12',
    '-//',
  ])('%j is no place', (text) => {
    expect(placeFrom(text)).toBe('malformed');
  });

  const notices = fc
    .uniqueArray(fc.tuple(fc.uuid(), fc.integer({ min: 0, max: 200 })), { selector: ([id]) => id, maxLength: 40 })
    .map((some) => some.map(([id, seconds]) => notice(id, seconds)));

  test('survives its way to the client and back', () => {
    fc.assert(
      fc.property(notices, fc.nat({ max: 40 }), (some, cut) => {
        const place = placeAfter(placeAfter(undefined, some.slice(0, cut)), some.slice(cut));
        expect(placeFrom(placeText(place))).toEqual(place);
      }),
    );
  });

  test('nothing is told twice, and nothing in time is left out', () => {
    fc.assert(
      fc.property(notices, fc.nat({ max: 40 }), (some, cut) => {
        const [before, later] = [some.slice(0, cut), some.slice(cut)];
        const place = placeAfter(undefined, before);
        const told = untold(
          place,
          some.toSorted((a, b) => (a.at < b.at ? 1 : -1)),
        ).map(({ id }) => id);
        const inTime = later.filter((one) => one.at >= place.from).map(({ id }) => id);
        expect(told.toSorted()).toEqual(inTime.toSorted());
      }),
    );
  });
});
