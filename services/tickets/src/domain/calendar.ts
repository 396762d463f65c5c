/**
 * Working time: which hours of which days count. The calendar is data that comes in with a command; this file only counts.
 * Instants are ISO strings in UTC, lengths of time are milliseconds.
 */

/** What a calendar says, in the form in which people maintain it. Days are `YYYY-MM-DD` in the calendar's own zone. */
export interface CalendarRules {
  readonly firstDay: string;
  readonly lastDay: string;
  /** How far the zone is ahead of UTC, in minutes. One number: Asia/Shanghai has had no other since 1991. */
  readonly minutesAheadOfUtc: number;
  /** The hours of a working day, in their order, `HH:MM`. */
  readonly hours: readonly { readonly from: string; readonly until: string }[];
  /** Statutory holidays and days given in exchange; those on a weekend may be left out. */
  readonly holidays: Iterable<string>;
  /** Days of a weekend that are worked in exchange (调休). */
  readonly makeUpDays: Iterable<string>;
  /** From this day on the holidays are assumed, for the State Council has not announced them yet. */
  readonly provisionalFrom?: string;
}

/** A calendar made ready for counting: plain numbers, so that a deadline costs a microsecond. */
export interface WorkingCalendar {
  readonly firstDay: number;
  readonly ahead: number;
  readonly hours: readonly { readonly from: number; readonly until: number }[];
  readonly dayLength: number;
  /** Working time before each day, counted from the first; one more item than there are days. */
  readonly workedBefore: readonly number[];
  readonly provisionalFrom?: string;
}

const minute = 60_000;
const day = 24 * 60 * minute;

/** Makes a calendar ready for counting. */
export function workingCalendar(rules: CalendarRules): WorkingCalendar {
  const holidays = new Set(rules.holidays);
  const makeUpDays = new Set(rules.makeUpDays);
  const hours = rules.hours.map(({ from, until }) => ({ from: timeOfDay(from), until: timeOfDay(until) }));
  const dayLength = hours.reduce((sum, { from, until }) => sum + until - from, 0);
  const firstDay = dayNumber(rules.firstDay);
  const workedBefore = [0];
  let worked = 0;
  for (let number = firstDay; number <= dayNumber(rules.lastDay); number++) {
    const date = new Date(number * day).toISOString().slice(0, 10);
    const works = makeUpDays.has(date) || (!isWeekend(number) && !holidays.has(date));
    worked += works ? dayLength : 0;
    workedBefore.push(worked);
  }
  const { provisionalFrom } = rules;
  return {
    firstDay,
    ahead: rules.minutesAheadOfUtc * minute,
    hours,
    dayLength,
    workedBefore,
    ...(provisionalFrom && { provisionalFrom }),
  };
}

/** The instant at which so much working time will have passed; the earliest such. Nothing when the calendar ends before. */
export function afterWorkingTime(calendar: WorkingCalendar, from: string, length: number): string | undefined {
  const start = workedUntil(calendar, from);
  if (start === undefined) return undefined;
  if (length <= 0) return from;
  const target = start + length;
  const { workedBefore } = calendar;
  if (target > (workedBefore.at(-1) ?? 0)) return undefined;
  // The last day before which less than the target was worked: on it the target is reached.
  let low = 0;
  let high = workedBefore.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((workedBefore[middle] ?? 0) < target) low = middle;
    else high = middle;
  }
  let missing = target - (workedBefore[low] ?? 0);
  for (const { from: opens, until: closes } of calendar.hours) {
    if (missing <= closes - opens) return instant(calendar, low, opens + missing);
    missing -= closes - opens;
  }
  return undefined;
}

/** Working time between two instants; 0 when the second is not later. Nothing when one lies beyond the calendar. */
export function workingTimeBetween(calendar: WorkingCalendar, from: string, until: string): number | undefined {
  const start = workedUntil(calendar, from);
  const end = workedUntil(calendar, until);
  return start === undefined || end === undefined ? undefined : Math.max(0, end - start);
}

/** The day on which an instant falls in the calendar's zone, as `YYYYMMDD`. */
export function dayOf(calendar: WorkingCalendar, at: string): string {
  return new Date(Date.parse(at) + calendar.ahead).toISOString().slice(0, 10).replaceAll('-', '');
}

/** Working time from the first day to an instant. */
function workedUntil(calendar: WorkingCalendar, at: string): number | undefined {
  const local = Date.parse(at) + calendar.ahead;
  const index = Math.floor(local / day) - calendar.firstDay;
  const before = calendar.workedBefore[index];
  const after = calendar.workedBefore[index + 1];
  if (before === undefined || after === undefined) return undefined;
  if (before === after) return before;
  const time = local - Math.floor(local / day) * day;
  return calendar.hours.reduce((sum, { from, until }) => sum + Math.max(0, Math.min(time, until) - from), before);
}

function instant(calendar: WorkingCalendar, index: number, time: number): string {
  return new Date((calendar.firstDay + index) * day + time - calendar.ahead).toISOString();
}

function dayNumber(date: string): number {
  return Date.parse(`${date}T00:00:00.000Z`) / day;
}

/** Day 0 was a Thursday. */
function isWeekend(number: number): boolean {
  const weekday = (number + 4) % 7;
  return weekday === 0 || weekday === 6;
}

function timeOfDay(clock: string): number {
  return Date.parse(`1970-01-01T${clock}:00.000Z`);
}
