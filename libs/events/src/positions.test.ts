import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canResume, incarnationOf, readPosition, writePosition } from './positions.ts';

const created = '2026-03-01T08:00:00.000Z';
const state = { stream: 'EV_TICKETS', created, first: 5, firstAt: created, last: 9 };

it('reads the positions it has written', () => {
  const one = fc.record({ incarnation: fc.constantFrom(undefined, 'abc', '1z'), sequence: fc.nat() });
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^EV_[A-Z]{1,9}$/), one, { minKeys: 1 }), (positions) => {
      const map = new Map(Object.entries(positions));
      expect(readPosition(writePosition(map))).toEqual(map);
    }),
  );
});

it('takes nothing else for a position', () => {
  for (const text of ['', '5', 'EV_TICKETS', 'EV_TICKETS:', 'EV_TICKETS:-1', 'ev_tickets:1', 'EV_TICKETS:1,']) {
    expect(readPosition(text)).toBeUndefined();
  }
});

it('can resume as long as nothing behind the position is missing', () => {
  const incarnation = incarnationOf(created);
  expect([3, 4, 9, 10].map((sequence) => canResume({ incarnation, sequence }, state))).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect(canResume({ incarnation: 'other', sequence: 7 }, state)).toBe(false);
  expect(canResume({ incarnation: undefined, sequence: 7 }, state)).toBe(true);
});
