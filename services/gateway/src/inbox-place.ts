/**
 * Where a client stands in an inbox: until when it was told everything, and what since. Notices come in nearly the order of what
 * they tell of, so a younger one may be there before an older one.
 */

/** What tells notices apart and puts them in order. */
export interface Placed {
  readonly id: string;
  /** RFC 3339 in UTC with milliseconds, as JSON has it. */
  readonly at: string;
}

export interface InboxPlace {
  /** The key of a notice, or an instant: up to there nothing more is told. */
  readonly upTo: string;
  /** Notices behind it that were told, oldest first. */
  readonly told: readonly Placed[];
}

/** The place of whoever is told everything. */
export const beginning: InboxPlace = { upTo: '', told: [] };

/** How much later than a younger one a notice may come and still be told. */
const lateness = 60_000;
/** Notices that are remembered while a client listens. */
const mostKept = 500;
/** Notices that go along in the id of an event, and come back in a header. */
const mostNamed = 10;

/** Keys are in the order of time, and an instant is before all keys of that instant. */
export function keyOf({ id, at }: Placed): string {
  return `${at}~${id}`;
}

/** The place of somebody who was told these as well. */
export function placeAfter(before: InboxPlace, told: readonly Placed[], now: number = Date.now()): InboxPlace {
  const all = [...before.told, ...told].sort(oldestFirst);
  const newest = all.at(-1)?.at;
  if (newest === undefined) return before;
  // A clock that is ahead must not keep others from being told.
  const late = new Date(Math.min(Date.parse(newest), now) - lateness).toISOString();
  return cut(all, laterOf(before.upTo, late), mostKept);
}

/** What of an inbox was not told yet, oldest first. */
export function untold<Notice extends Placed>({ upTo, told }: InboxPlace, inbox: readonly Notice[]): Notice[] {
  const known = new Set(told.map(({ id }) => id));
  return inbox.filter((one) => keyOf(one) > upTo && !known.has(one.id)).sort(oldestFirst);
}

/** As the id of a server-sent event: `<up to>/<id>@<time>,…`; `-` stands for the beginning. */
export function placeText(place: InboxPlace): string {
  const { upTo, told } = cut(place.told, place.upTo, mostNamed);
  return `${upTo === '' ? '-' : upTo}/${told.map(({ id, at }) => `${id}@${at}`).join(',')}`;
}

const limit = /^(?<at>[^~]+)(?:~[\w:-]{1,64})?$/;
const named = /^(?<id>[\w:-]{1,64})@(?<at>.+)$/;

/** The place that a client sends back. */
export function placeFrom(text: string): InboxPlace | 'malformed' {
  const [upTo = '', list, ...more] = text.split('/');
  if (list === undefined || more.length > 0) return 'malformed';
  if (upTo !== '-' && !isInstant(limit.exec(upTo)?.groups?.at)) return 'malformed';
  const told: Placed[] = [];
  for (const one of list === '' ? [] : list.split(',')) {
    const { id = '', at = '' } = named.exec(one)?.groups ?? {};
    if (!isInstant(at)) return 'malformed';
    told.push({ id, at });
  }
  return { upTo: upTo === '-' ? '' : upTo, told };
}

function isInstant(text: string | undefined): boolean {
  return text !== undefined && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) && !Number.isNaN(Date.parse(text));
}

function oldestFirst(one: Placed, other: Placed): number {
  return keyOf(one) < keyOf(other) ? -1 : 1;
}

function laterOf(one: string, other: string): string {
  if (one < other) return other;
  return one;
}

/** Of many the youngest: nothing is told any more up to the last one that is left out. */
function cut(all: readonly Placed[], upTo: string, most: number): InboxPlace {
  const kept = all.filter((one) => keyOf(one) > upTo);
  const last = kept.at(-most - 1);
  return {
    upTo: last === undefined ? upTo : keyOf(last),
    // Nothing but that of them, for a client may listen for long.
    told: kept.slice(-most).map(({ id, at }) => ({ id, at })),
  };
}
