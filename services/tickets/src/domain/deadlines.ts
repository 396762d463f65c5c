/** How much time a ticket has, and when it runs out. Policy alone: which hours count is the calendar's. */
import { afterWorkingTime, type WorkingCalendar, workingTimeBetween } from './calendar.ts';

/** How soon a ticket must be accepted and resolved. */
export type Urgency = 'ordinary' | 'urgent';

/** The limits of each urgency: a dispatch is accepted within working hours, the matter resolved within working days. */
const limits: { readonly [U in Urgency]: { readonly acceptHours: number; readonly resolveDays: number } } = {
  urgent: { acceptHours: 2, resolveDays: 1 },
  ordinary: { acceptHours: 8, resolveDays: 5 },
};

/** Days of the calendar, worked or not, that the one who ordered has to rate. */
const daysToRate = 7;

const hour = 3_600_000;

/** Until when a dispatch must be accepted. Nothing when the calendar ends before. */
export function acceptBy(calendar: WorkingCalendar, dispatchedAt: string, urgency: Urgency): string | undefined {
  return afterWorkingTime(calendar, dispatchedAt, limits[urgency].acceptHours * hour);
}

/** Until when what was accepted, or reopened, must be resolved. Nothing when the calendar ends before. */
export function resolveBy(calendar: WorkingCalendar, from: string, urgency: Urgency): string | undefined {
  return afterWorkingTime(calendar, from, limits[urgency].resolveDays * calendar.dayLength);
}

/** When a resolved ticket closes by itself. */
export function closeAt(resolvedAt: string): string {
  return new Date(Date.parse(resolvedAt) + daysToRate * 24 * hour).toISOString();
}

/** What is left of the time to resolve, in milliseconds of working time. Nothing when the calendar ends before. */
export function timeLeft(calendar: WorkingCalendar, at: string, deadline: string): number | undefined {
  return workingTimeBetween(calendar, at, deadline);
}

/** Until when a ticket must be resolved that goes on with so much time left. Nothing when the calendar ends before. */
export function resumedResolveBy(calendar: WorkingCalendar, from: string, left: number): string | undefined {
  return afterWorkingTime(calendar, from, left);
}
