/**
 * The working calendar of mainland China: statutory holidays and make-up working days as the State Council announced them,
 * 2004 to 2026, from the npm package chinese-days, and an assumed 2027.
 */
import announced from 'chinese-days/dist/chinese-days.json' with { type: 'json' };
import { type WorkingCalendar, workingCalendar } from './domain/calendar.ts';

/**
 * The days off of 2027 by the law on public holidays (全国年节及纪念日放假办法, 13 days). What is exchanged for weekends
 * is announced by the State Council late in 2026; until a release of chinese-days has it, no make-up days are assumed.
 */
const assumed2027 = [
  ['2027-01-01'],
  ['2027-02-05', '2027-02-06', '2027-02-07', '2027-02-08'],
  ['2027-04-05'],
  ['2027-05-01', '2027-05-02'],
  ['2027-06-09'],
  ['2027-09-15'],
  ['2027-10-01', '2027-10-02', '2027-10-03'],
].flat();

/** Eight working hours on every working day, from 2004 to the end of 2027; provisional from 2027 on. */
export const chinaCalendar: WorkingCalendar = workingCalendar({
  firstDay: '2004-01-01',
  lastDay: '2027-12-31',
  minutesAheadOfUtc: 480,
  hours: [
    { from: '09:00', until: '12:00' },
    { from: '13:00', until: '18:00' },
  ],
  holidays: [...Object.keys(announced.holidays), ...assumed2027],
  makeUpDays: Object.keys(announced.workdays),
  provisionalFrom: '2027-01-01',
});
