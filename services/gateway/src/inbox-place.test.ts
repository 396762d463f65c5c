import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { beginning, type InboxPlace, type Placed, placeAfter, placeFrom, placeText, untold } from './inbox-place.ts';

const noon = Date.UTC(2026, 10, 24, 4);
const at = (seconds: number) => new Date(noon + seconds * 1_000).toISOString();
const notice = (id: string, seconds: number): Placed => ({ id, at: at(seconds) });
const later = noon + 3_600_000;
const ids = (notices: readonly Placed[]) => notices.map(({ id }) => id);

/** Tells one after the other, as a stream does; answers the place after it and what was told. */
function look(from: InboxPlace, inbox: readonly Placed[]): { place: InboxPlace; told: string[] } {
  const told = untold(from, inbox);
  return { place: told.reduce((place, one) => placeAfter(place, [one], later), from), told: ids(told) };
}

describe('the place of a client in an inbox', () => {
  test('whoever has an empty inbox is told whatever comes, the oldest first', () => {
    expect(look(beginning, [notice('b', 2), notice('a', 1)]).told).toEqual(['a', 'b']);
  });

  test('what comes a minute late is told, what comes later than that is left to the inbox', () => {
    const { place } = look(beginning, [notice('now', 100)]);
    expect(look(place, [notice('now', 100), notice('late', 41), notice('lost', 39)]).told).toEqual(['late']);
  });

  test('of a burst the one that comes last but is older is told too', () => {
    const burst = Array.from({ length: 200 }, (_, index) => notice(`n${index}`, index / 100));
    const { place } = look(
      beginning,
      burst.filter(({ id }) => id !== 'n3'),
    );
    expect(look(place, burst).told).toEqual(['n3']);
  });

  test('many of one instant are told once each, also to whoever comes again', () => {
    const burst = Array.from({ length: 40 }, (_, index) => notice(`n${index}`, 0));
    const { place, told } = look(beginning, burst);
    expect(told).toHaveLength(40);
    expect(look(place, burst).told).toEqual([]);
    const back = placeFrom(placeText(place));
    if (back === 'malformed') throw new Error('malformed');
    expect(look(back, burst).told).toEqual([]);
  });

  test('what it says to the client is never longer than a header may be', () => {
    const many = Array.from({ length: 2_000 }, (_, index) => notice(crypto.randomUUID(), index / 100));
    const { place } = look(beginning, many);
    expect(place.told).toHaveLength(500);
    expect(placeText(place).length).toBeLessThan(1_000);
  });

  test('a clock that is ahead mutes nobody else for long', () => {
    const place = placeAfter(beginning, [notice('ahead', 7_200)], noon);
    expect(look(place, [notice('usual', 1)]).told).toEqual(['usual']);
  });

  test.each([
    '',
    'x',
    '2026-11-24/',
    '-',
    '-/a',
    '-/a@x',
    '-/a@2026-11-24T08:00:00.000Z,',
    '-/a@9999-99-99T99:99:99.999Z',
    '9999-99-99T99:99:99.999Z/',
    'EV_NOTIFICATIONS:12',
    '-//',
  ])('%j is no place', (text) => {
    expect(placeFrom(text)).toBe('malformed');
  });

  const inboxes = fc.uniqueArray(fc.tuple(fc.uuid(), fc.integer({ min: 0, max: 50 })), {
    ...{ selector: ([id]) => id, maxLength: 60, size: 'max' },
  });

  test('within a minute nothing is left out and nothing is told twice, in whatever order it comes', () => {
    fc.assert(
      fc.property(inboxes, fc.array(fc.nat({ max: 60 }), { maxLength: 5 }), (some, cuts) => {
        const arriving = some.map(([id, seconds]) => notice(id, seconds));
        let place = beginning;
        const told: string[] = [];
        for (const cut of [...cuts, arriving.length].sort((a, b) => a - b)) {
          const looked = look(place, arriving.slice(0, cut).toReversed());
          place = looked.place;
          told.push(...looked.told);
        }
        expect(told.toSorted()).toEqual(ids(arriving).toSorted());
      }),
    );
  });

  test('whoever comes again is told nothing twice', () => {
    fc.assert(
      fc.property(inboxes, (some) => {
        const inbox = some.map(([id, seconds]) => notice(id, seconds));
        const { place } = look(beginning, inbox);
        const back = placeFrom(placeText(place));
        expect(back === 'malformed' ? back : look(back, inbox).told).toEqual([]);
      }),
    );
  });
});
