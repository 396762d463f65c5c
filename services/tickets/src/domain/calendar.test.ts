import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chinaCalendar } from '../calendar-data.ts';
import { afterWorkingTime, dayOf, workingTimeBetween } from './calendar.ts';
import { acceptBy, closeAt, resolveBy, resumedResolveBy, timeLeft } from './deadlines.ts';

/** An instant by the clock on a wall in China. */
const china = (clock: string) => new Date(`${clock}:00.000+08:00`).toISOString();
const hour = 3_600_000;

describe('deadlines', () => {
  it.each([
    ['Tuesday ten o’clock', '2026-11-24T10:00', '2026-11-25T10:00'],
    ['Friday afternoon goes over the weekend', '2026-11-27T15:00', '2026-11-30T15:00'],
    ['Saturday starts with Monday', '2026-11-28T11:00', '2026-11-30T18:00'],
    ['before opening', '2026-11-24T06:00', '2026-11-24T18:00'],
    ['in the lunch break', '2026-11-24T12:30', '2026-11-25T12:00'],
    ['after closing', '2026-11-24T20:00', '2026-11-25T18:00'],
    ['Spring Festival 2025: off 28 January to 4 February', '2025-01-27T14:00', '2025-02-05T14:00'],
    ['Saturday 8 February 2025 is worked in exchange', '2025-02-07T17:00', '2025-02-08T17:00'],
    ['Sunday 28 September 2025 is worked in exchange', '2025-09-26T16:00', '2025-09-28T16:00'],
    ['National Day and Mid-Autumn 2025: off 1 to 8 October', '2025-09-30T10:00', '2025-10-09T10:00'],
    ['Spring Festival 2026: off 15 to 23 February, 14 February worked', '2026-02-13T17:00', '2026-02-14T17:00'],
    ['the day before Spring Festival 2026', '2026-02-14T10:00', '2026-02-24T10:00'],
    ['New Year 2026: off 1 to 3 January, Sunday the 4th worked', '2025-12-31T16:00', '2026-01-04T16:00'],
    ['Labour Day 2026: off 1 to 5 May', '2026-04-30T17:30', '2026-05-06T17:30'],
  ])('an ordinary dispatch has eight working hours: %s', (_, from, until) => {
    expect(acceptBy(chinaCalendar, china(from), 'ordinary')).toBe(china(until));
  });

  it('an urgent dispatch has two working hours, over lunch if need be', () => {
    expect(acceptBy(chinaCalendar, china('2026-11-24T11:00'), 'urgent')).toBe(china('2026-11-24T14:00'));
    expect(acceptBy(chinaCalendar, china('2026-11-27T17:00'), 'urgent')).toBe(china('2026-11-30T10:00'));
  });

  it('five working days are a week, or longer where a holiday lies between', () => {
    expect(resolveBy(chinaCalendar, china('2026-11-24T10:00'), 'ordinary')).toBe(china('2026-12-01T10:00'));
    // Off: Mid-Autumn 25 to 27 September, National Day 1 to 7 October. Worked: 24, 28, 29, 30 September, 8 and 9 October.
    expect(resolveBy(chinaCalendar, china('2026-09-24T10:00'), 'ordinary')).toBe(china('2026-10-09T10:00'));
    expect(resolveBy(chinaCalendar, china('2026-11-24T10:00'), 'urgent')).toBe(china('2026-11-25T10:00'));
  });

  it('what is left at a pause goes on after it', () => {
    const deadline = china('2026-12-01T10:00');
    const left = timeLeft(chinaCalendar, china('2026-11-26T17:00'), deadline);
    expect(left).toBe((1 + 8 + 8 + 1) * hour);
    expect(resumedResolveBy(chinaCalendar, china('2026-12-19T12:00'), left ?? 0)).toBe(china('2026-12-23T11:00'));
  });

  it('a rating may come within seven days of the calendar, worked or not', () => {
    expect(closeAt('2026-11-24T10:00:00.123Z')).toBe('2026-12-01T10:00:00.123Z');
  });

  it('before 2004 and after 2027 there is no calendar', () => {
    expect(acceptBy(chinaCalendar, '2003-12-31T10:00:00.000Z', 'ordinary')).toBeUndefined();
    expect(acceptBy(chinaCalendar, china('2027-12-31T16:00'), 'ordinary')).toBeUndefined();
    expect(acceptBy(chinaCalendar, china('2027-12-30T16:00'), 'ordinary')).toBe(china('2027-12-31T16:00'));
    expect(timeLeft(chinaCalendar, china('2027-12-30T16:00'), china('2028-01-03T10:00'))).toBeUndefined();
  });

  it('the holidays of 2027 are assumed and say so', () => {
    expect(chinaCalendar.provisionalFrom).toBe('2027-01-01');
    expect(acceptBy(chinaCalendar, china('2027-02-04T10:00'), 'ordinary')).toBe(china('2027-02-09T10:00'));
  });
});

describe('working time', () => {
  const instants = fc
    .date({ min: new Date('2004-01-01T00:00:00Z'), max: new Date('2027-10-01T00:00:00Z'), noInvalidDate: true })
    .map((date) => date.toISOString());
  const lengths = fc.integer({ min: 1, max: 60 * 8 * hour });

  it('between an instant and its deadline lies exactly the time that was given', () => {
    fc.assert(
      fc.property(instants, lengths, (from, length) => {
        const until = afterWorkingTime(chinaCalendar, from, length);
        return until !== undefined && workingTimeBetween(chinaCalendar, from, until) === length;
      }),
    );
  });

  it('adds up: a part and then the rest is the whole', () => {
    fc.assert(
      fc.property(instants, lengths, lengths, (from, first, second) => {
        const middle = afterWorkingTime(chinaCalendar, from, first) ?? '';
        expect(afterWorkingTime(chinaCalendar, middle, second)).toBe(
          afterWorkingTime(chinaCalendar, from, first + second),
        );
      }),
    );
  });

  it('is the same as counting minute by minute', () => {
    const works = (at: number) =>
      workingTimeBetween(chinaCalendar, new Date(at).toISOString(), new Date(at + 60_000).toISOString());
    const from = china('2026-09-30T11:17');
    let counted = 0;
    let at = Date.parse(from);
    while (counted < 9.5 * hour) {
      counted += works(at) ?? 0;
      at += 60_000;
    }
    expect(afterWorkingTime(chinaCalendar, from, 9.5 * hour)).toBe(new Date(at).toISOString());
  });

  it('costs microseconds', () => {
    const from = china('2026-11-24T10:00');
    const batches = Array.from({ length: 40 }, () => {
      const start = performance.now();
      for (let times = 0; times < 250; times++) resolveBy(chinaCalendar, from, 'ordinary');
      return (performance.now() - start) / 250;
    });
    // The best of them, in milliseconds: the others have waited for the machine.
    expect(Math.min(...batches)).toBeLessThan(0.02);
  });
});

it('the day of an instant is the day in China', () => {
  expect(dayOf(chinaCalendar, '2026-11-24T15:59:59.999Z')).toBe('20261124');
  expect(dayOf(chinaCalendar, '2026-11-24T16:00:00.000Z')).toBe('20261125');
});
