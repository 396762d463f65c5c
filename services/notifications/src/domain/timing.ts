/**
 * When something is sent: at once or in the day's digest, and never in quiet hours. One thing alone wakes people: a task of an
 * urgent dispatch, for its handler has two hours to accept it.
 */
import type { Channel, Kind, Preferences, QuietHours } from './preferences.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** Asia/Shanghai has had no other offset since 1991. */
const ahead = 8 * hour;

/** What is to be told, as far as its instant depends on it. */
export interface Telling {
  readonly kind: Kind;
  /** It is about an urgent dispatch that waits to be accepted. */
  readonly urgent: boolean;
}

/** Whether neither quiet hours nor a digest hold it back. */
export const wakes = ({ kind, urgent }: Telling): boolean => urgent && kind === 'task';

/** Whether the person wants what is of this kind by the channel, urgent or not: even what wakes people can be switched off. */
export const wants = ({ choices }: Preferences, channel: Channel, { kind }: Telling): boolean =>
  choices[channel][kind] !== 'off';

/** When it is to be sent by the channel; undefined when the person does not want it that way. */
export function dueAt(preferences: Preferences, channel: Channel, telling: Telling, at: string): string | undefined {
  if (!wants(preferences, channel, telling)) return undefined;
  if (wakes(telling)) return at;
  const wished = preferences.choices[channel][telling.kind] === 'digest' ? digestAfter(preferences.digestHour, at) : at;
  return preferences.quietHours === undefined ? wished : afterQuiet(preferences.quietHours, wished);
}

/**
 * When something that waits is to be sent now that the person has chosen anew; undefined when that is as it was. What they do not
 * want any more is dropped when it is due.
 */
export function dueAnew(
  preferences: Preferences,
  channel: Channel,
  telling: Telling & { readonly due?: string },
  now: string,
): string | undefined {
  const wished = dueAt(preferences, channel, telling, now);
  if (wished === undefined || wished === telling.due) return undefined;
  return wished > now ? wished : later(now, 1);
}

/** What becomes of something that is due, by the preferences as they are now. */
export function verdictAt(
  preferences: Preferences,
  channel: Channel,
  telling: Telling,
  now: string,
): 'send' | 'unwanted' | { readonly until: string } {
  if (!wants(preferences, channel, telling)) return 'unwanted';
  if (wakes(telling) || preferences.quietHours === undefined) return 'send';
  const until = afterQuiet(preferences.quietHours, now);
  return until === now ? 'send' : { until };
}

/** The instant itself, or the end of the quiet hours in which it lies. */
export function afterQuiet({ from, until }: QuietHours, at: string): string {
  const [start, end] = [ofDay(from), ofDay(until)];
  const time = timeOfDay(at);
  const overnight = start > end;
  const quiet = overnight ? time >= start || time < end : time >= start && time < end;
  if (!quiet) return at;
  return later(at, end - time + (overnight && time >= start ? day : 0));
}

/** The next time that clocks in China show this hour, after the instant. */
export function digestAfter(digestHour: number, at: string): string {
  const wait = digestHour * hour - timeOfDay(at);
  return later(at, wait > 0 ? wait : wait + day);
}

const later = (at: string, milliseconds: number): string => new Date(Date.parse(at) + milliseconds).toISOString();
const timeOfDay = (at: string): number => (((Date.parse(at) + ahead) % day) + day) % day;
const ofDay = (clock: string): number => Number(clock.slice(0, 2)) * hour + Number(clock.slice(3)) * minute;
