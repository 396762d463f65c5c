/**
 * Where a client stands in an inbox: what it was told last, and until when before. Notices come in the order in which they were
 * written; their times, those of what they tell of, may be some seconds out of that order.
 */

/** A notice as it is told. */
export interface Told {
  readonly id: string;
  /** RFC 3339 in UTC, as JSON has it. */
  readonly at: string;
  /** The notice as JSON in one line. */
  readonly data: string;
}

export interface InboxPlace {
  /** What is older was told, or is too late to be. */
  readonly from: string;
  /** Notices from there on that were told, oldest first: id and time. */
  readonly told: ReadonlyMap<string, string>;
}

/** How much later than a younger one a notice may come and still be told. */
const lateness = 60_000;
/** Notices that a place names: it goes along with each notice and comes back in a header. */
const mostNamed = 10;

/** The place of somebody who was told these as well. */
export function placeAfter(before: InboxPlace | undefined, told: readonly Told[]): InboxPlace {
  const all = [...(before?.told ?? []), ...told.map(({ id, at }) => [id, at] as const)].sort(([, a], [, b]) =>
    a < b ? -1 : a > b ? 1 : 0,
  );
  const newest = all.at(-1)?.[1];
  const late = newest === undefined ? '' : new Date(Date.parse(newest) - lateness).toISOString();
  const named = all.filter(([, at]) => at >= late).slice(-mostNamed);
  const first = named.length === mostNamed ? (named[0]?.[1] ?? '') : '';
  const from = [before?.from ?? '', late, first].sort().at(-1) ?? '';
  return { from, told: new Map(named) };
}

/** What of an inbox (newest first) was not told yet, oldest first. */
export function untold(place: InboxPlace, inbox: readonly Told[]): Told[] {
  return inbox.filter(({ id, at }) => at >= place.from && !place.told.has(id)).reverse();
}

/** As the id of a server-sent event: `<from>/<id>@<time>,…`; `-` stands for the beginning. */
export function placeText({ from, told }: InboxPlace): string {
  return `${from === '' ? '-' : from}/${[...told].map(([id, at]) => `${id}@${at}`).join(',')}`;
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const named = /^([\w:-]{1,64})@(.+)$/;

/** The place that a client sends back. */
export function placeFrom(text: string): InboxPlace | 'malformed' {
  const [from = '', list, ...more] = text.split('/');
  if (list === undefined || more.length > 0 || !(from === '-' || instant.test(from))) return 'malformed';
  const told = new Map<string, string>();
  for (const one of list === '' ? [] : list.split(',')) {
    const [, id, at] = named.exec(one) ?? [];
    if (id === undefined || at === undefined || !instant.test(at)) return 'malformed';
    told.set(id, at);
  }
  return { from: from === '-' ? '' : from, told };
}
