import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eventSubject, filterSubjects } from './subjects.ts';

/** Codes of every level from the province down to a building. */
const codes = fc
  .tuple(fc.constantFrom(2, 4, 6, 9, 12, 15, 18), fc.stringMatching(/^[0-9]{18}$/))
  .map(([length, digits]) => digits.slice(0, length));

/** Whether the server would deliver a subject to a filter. */
function matches(filter: string, subject: string): boolean {
  const wanted = filter.split('.');
  const tokens = subject.split('.');
  for (const [index, want] of wanted.entries()) {
    if (want === '>') return tokens.length > index;
    if (want !== '*' && want !== tokens[index]) return false;
  }
  return wanted.length === tokens.length;
}

it('spreads the code over six tokens', () => {
  const of = (code: string): string => eventSubject('tickets', 'ticket-ordered', code);
  expect(of('4599')).toBe('ev.tickets.ticket-ordered.45.99._._._._');
  expect(of('459902')).toBe('ev.tickets.ticket-ordered.45.99.02._._._');
  expect(of('459902001')).toBe('ev.tickets.ticket-ordered.45.99.02.001._._');
  expect(of('459902001002')).toBe('ev.tickets.ticket-ordered.45.99.02.001.002._');
  expect(of('459902001002501')).toBe('ev.tickets.ticket-ordered.45.99.02.001.002.501');
});

it('puts the events of a building under its compound', () => {
  expect(eventSubject('tickets', 'x', '459902001002501007')).toBe('ev.tickets.x.45.99.02.001.002.501');
});

it('refuses what is no code, wildcards above all', () => {
  for (const code of ['', '4', '459', '45.>', '*', '>', '4599020', 'abcd', '45 9']) {
    expect(() => eventSubject('tickets', 'x', code)).toThrow(RangeError);
    expect(() => filterSubjects('tickets', [], [code])).toThrow(RangeError);
  }
});

it('filters exactly what lies in a territory, of a building its compound', () => {
  fc.assert(
    fc.property(codes, codes, (place, territory) => {
      const subject = eventSubject('tickets', 'x', place);
      const inside = place.slice(0, 15).startsWith(territory.slice(0, 15));
      expect(filterSubjects('tickets', [], [territory]).some((filter) => matches(filter, subject))).toBe(inside);
    }),
  );
  // Places drawn at random seldom lie in each other.
  fc.assert(
    fc.property(codes, fc.constantFrom(2, 4, 6, 9, 12, 15, 18), (place, length) => {
      const [filter = ''] = filterSubjects('tickets', ['x'], [place.slice(0, length)]);
      expect(matches(filter, eventSubject('tickets', 'x', place))).toBe(true);
    }),
  );
});

it('names no filter that overlaps with another, for the server refuses those', () => {
  fc.assert(
    fc.property(fc.array(codes, { minLength: 1, maxLength: 8 }), (territories) => {
      const filters = filterSubjects('tickets', ['x', 'y', 'x'], territories);
      const subjects = territories.map((code) => eventSubject('tickets', 'x', code));
      for (const subject of subjects) {
        expect(filters.filter((filter) => matches(filter, subject))).toHaveLength(1);
      }
    }),
  );
});
