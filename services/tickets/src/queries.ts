/** The read side: tickets by the closed catalogue of questions that a list offers, categories, and tickets by follow code. */
import type { Condition, Filter as Visible } from '@bandeng/access';
import { communityOf, isWithin, kindOf } from '@bandeng/directory';
import { type Filter, type RecordDocument, readTime, type Stored } from '@bandeng/records';
import type { Category, CategoryEvent } from './domain/category.ts';
import type { Status, Ticket } from './domain/ticket.ts';
import { branchKey, type Categories, listKey, type Tickets } from './records.ts';
import type { StoredTicket } from './representation.ts';

/** Of which territory or which handler, or neither; with or without a status, with or without a branch of the categories. */
export interface TicketQuery {
  readonly territory?: string;
  readonly handler?: string;
  readonly status?: Status;
  readonly category?: string;
}

const statuses = Object.keys({
  ordered: 0,
  dispatched: 0,
  in_progress: 0,
  suspended: 0,
  resolved: 0,
  rated: 0,
  closed: 0,
  rejected: 0,
  withdrawn: 0,
} satisfies { [S in Status]: 0 });

/**
 * The filter of a page. Each branch is an equality on the index of its own kind (territory, handler or orderer), then the
 * status, then the order of the list; without a status the nine of them are merged. What else narrows stands in the index
 * behind that and is judged there. Undefined: nothing can be found.
 */
export function pageFilter(visible: Visible, query: TicketQuery, after?: string): Filter<RecordDocument> | undefined {
  return anyOf(waysOf(visible, query).map((way) => ({ ...whereOf(way), ...narrowing(query, after) })));
}

/** What narrows each branch, and after what the page begins. */
export function narrowing({ status, category }: TicketQuery, after: string | undefined): Filter<RecordDocument> {
  return {
    status: status ?? { $in: statuses },
    ...(category === undefined ? {} : { branch: { $gte: branchKey(category), $lt: `${category}/` } }),
    ...(after === undefined ? {} : { listed: { $lt: after } }),
  };
}

/** One or the other; undefined when there is none. */
export function anyOf(branches: readonly Filter<RecordDocument>[]): Filter<RecordDocument> | undefined {
  const [only] = branches;
  return branches.length > 1 ? { $or: [...branches] } : only;
}

/** One way in which tickets are visible and asked for: whose they are, or nothing of it, and in all of these places. */
export interface Way {
  readonly whose: { readonly handler?: string; readonly orderer?: string };
  readonly places: readonly string[];
}

/** The ways in which a caller may see what is asked for; none when everything visible lies elsewhere. */
export function waysOf(visible: Visible, query: TicketQuery): Way[] {
  const conditions = '$or' in visible ? visible.$or : [visible];
  return conditions.flatMap((condition) => narrowed(condition, query) ?? []);
}

/** One condition, narrowed to the territory or handler asked for; nothing when they exclude each other. */
function narrowed(condition: Condition, query: TicketQuery): Way | undefined {
  const { handler = query.handler, orderer } = condition;
  if (query.handler !== undefined && handler !== query.handler) return undefined;
  const places = innermost(condition.territories, query.territory);
  if (places === undefined) return undefined;
  const whose = { ...(orderer === undefined ? {} : { orderer }), ...(handler === undefined ? {} : { handler }) };
  // No right to tickets is tied to nothing; were there one, no index would serve it.
  return places.length === 0 && Object.keys(whose).length === 0 ? undefined : { whose, places };
}

/** A way as the indexes of lists have it. */
export function whereOf({ whose, places }: Way): Filter<RecordDocument> {
  if (Object.keys(whose).length > 0) return { ...whose, ...within(places) };
  // Of a grid and what it may cover, the grid is looked up behind the other.
  const [place, ...others] = places.toSorted((one, other) => Number(isGrid(one)) - Number(isGrid(other)));
  return place === undefined ? {} : { territories: place, ...within(others) };
}

/** Of two territories the one in the other, both when a grid may cover the other, undefined when they lie apart. */
function innermost(one: string | undefined, other: string | undefined): readonly string[] | undefined {
  if (one === undefined || other === undefined) return [one, other].filter((place) => place !== undefined);
  if (isWithin(one, other)) return [one];
  if (isWithin(other, one)) return [other];
  const mayOverlap = (isGrid(one) || isGrid(other)) && communityOf(one) === communityOf(other);
  return mayOverlap ? [one, other] : undefined;
}

/** In all of these places: as a range over the ticket's own territory, or as one of the grids that cover it. */
function within(places: readonly string[]): Filter<RecordDocument> {
  const grids = places.filter(isGrid);
  const [range] = places.filter((place) => !isGrid(place));
  const covered = grids.map((code) => ({ grids: { $regex: `,${code},` } }));
  return {
    ...(covered.length > 1 ? { $and: covered } : covered[0]),
    // A colon sorts right behind the digits.
    ...(range === undefined ? {} : { territory: { $gte: range, $lt: `${range}:` } }),
  };
}

export function isGrid(code: string): boolean {
  return kindOf(code) === 'grid';
}

/** What a row is made of: the ticket's own fields and its words. The history and what serves indexes stay behind. */
export const rowFields = {
  version: 1,
  words: 1,
  ...({
    number: 1,
    territory: 1,
    territories: 1,
    category: 1,
    branches: 1,
    urgency: 1,
    source: 1,
    orderer: 1,
    text: 1,
    place: 1,
    displayName: 1,
    followHash: 1,
    standing: 1,
    orderedAt: 1,
    changedAt: 1,
    overdue: 1,
    reopened: 1,
    followUpDue: 1,
    rating: 1,
    ratingRemark: 1,
    resolution: 1,
    reason: 1,
    declineReason: 1,
    evidence: 1,
  } satisfies { [Field in keyof Ticket]-?: 1 }),
} as const;

/** How a page is read. */
export const pageOptions = {
  projection: rowFields,
  sort: { listed: -1 },
  maxTimeMS: readTime,
} as const;

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Key of the last item, when there are more. */
  readonly last: string | undefined;
}

/** One page of the tickets that are visible, newest first. */
export async function ticketPage(
  tickets: Tickets,
  visible: Visible | undefined,
  query: TicketQuery,
  paging: { readonly size: number; readonly after?: string | undefined },
): Promise<Page<StoredTicket>> {
  const filter = visible && pageFilter(visible, query, paging.after);
  if (filter === undefined) return { items: [], last: undefined };
  const found = await tickets.collection.find(filter, { ...pageOptions, limit: paging.size + 1 }).toArray();
  const items = found.slice(0, paging.size).map((document) => tickets.stored(document));
  const last = found.length > paging.size ? items.at(-1) : undefined;
  return { items, last: last && listKey(last.state) };
}

/** The id of the ticket that a code opens. */
export async function ticketByFollowHash(tickets: Tickets, followHash: string): Promise<string | undefined> {
  const found = await tickets.collection.findOne({ followHash }, { projection: { _id: 1 }, maxTimeMS: readTime });
  return found?._id;
}

/** One page of the categories at or below a branch, in the order of their paths. */
export async function categoryPage(
  categories: Categories,
  parent: string | undefined,
  paging: { readonly size: number; readonly after?: string | undefined },
): Promise<Page<Stored<Category, CategoryEvent>>> {
  const { size, after } = paging;
  const filter: Filter<RecordDocument> = {
    ...(parent === undefined ? {} : { branches: parent }),
    ...(after === undefined ? {} : { sorted: { $gt: after } }),
  };
  const found = await categories.collection
    .find(filter, { projection: { history: 0 }, sort: { sorted: 1 }, limit: size + 1, maxTimeMS: readTime })
    .toArray();
  const items = found.slice(0, size).map((document) => categories.stored(document));
  return { items, last: found.length > size ? items.at(-1)?.id : undefined };
}

/** The ids of a branch of the tree and all above it; nothing when no category is at or below it. */
export async function branchLookup(categories: Categories): Promise<(id: string) => Promise<string[] | undefined>> {
  // Categories do not go away, so what was found once needs no second look.
  const known = new Map<string, string[]>();
  return async (id) => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const found = await categories.collection.findOne({ branches: id }, { maxTimeMS: readTime });
    if (found === null) return undefined;
    const { branches } = categories.stored(found).state;
    const up = branches.slice(0, branches.indexOf(id) + 1);
    known.set(id, up);
    return up;
  };
}

const mostOfOnePerson = 100;
/** A page ends behind the ticket with which its texts become longer than this, for it has to fit into one message. */
const mostCharacters = 300_000;

/** Tickets with words of these authors, and these others that hold something of theirs, in the order of their ids. */
export async function personalPage(
  tickets: Tickets,
  authors: readonly string[],
  others: readonly string[],
  after = '',
): Promise<Page<StoredTicket>> {
  const left = others
    .filter((id) => id > after)
    .sort()
    .slice(0, mostOfOnePerson);
  const found = tickets.collection.find(
    {
      $or: [
        { 'search.by': { $in: [...authors] }, _id: { $gt: after } },
        ...(left.length > 0 ? [{ _id: { $in: left } }] : []),
      ],
    },
    { projection: { history: 0 }, sort: { _id: 1 }, limit: mostOfOnePerson, maxTimeMS: readTime },
  );
  const items: StoredTicket[] = [];
  let characters = 0;
  for await (const document of found) {
    const stored = tickets.stored(document);
    items.push(stored);
    for (const { by, text } of Object.values(stored.words)) if (authors.includes(by)) characters += text.length;
    if (characters > mostCharacters) break;
  }
  const full = items.length === mostOfOnePerson || characters > mostCharacters;
  return { items, last: full ? items.at(-1)?.id : undefined };
}
