/**
 * Finding tickets by words. The index has one entry for each term of a ticket, within a district newest first, so one term
 * of the search leads and the others are compared on what it finds: the one that the fewest tickets have.
 */
import type { Condition, Filter as Visible } from '@bandeng/access';
import { communityOf } from '@bandeng/directory';
import type { Filter, RecordDocument } from '@bandeng/records';
import type { Status } from './domain/ticket.ts';
import {
  anyOf,
  isGrid,
  narrowing,
  type Page,
  pageOptions,
  rowFields,
  type TicketQuery,
  type Way,
  waysOf,
  whereOf,
} from './queries.ts';
import { branchKey, districtOf, type Tickets, textsOf } from './records.ts';
import type { StoredTicket } from './representation.ts';
import { hasWords, type Reading, type Word } from './words.ts';

/** How many tickets one page looks at. A term that more have is frequent: whatever it leads to is looked through newest first. */
export const reach = 2_000;
/** A longer word has its rarest term among its first ones as well as anywhere. */
const termsWeighed = 8;
/** A row, and what is compared before it is one. */
const comparedFields = { ...rowFields, derived: 1, listed: 1, branch: 1, status: 1, handler: 1 } as const;
/** Tickets that stand here are few and have an index, whatever they are about. */
const current: ReadonlySet<Status> = new Set(['ordered', 'dispatched', 'in_progress', 'suspended', 'resolved']);

export interface SearchQuery extends TicketQuery {
  readonly words: readonly Word[];
}

/** The terms that lead, and whether more tickets have them than one page looks at. */
interface Lead {
  readonly terms: readonly string[];
  readonly frequent: boolean;
}

/** What is looked through, and by which index where not each branch has one of its own. */
interface SearchPlan {
  readonly filter: Filter<RecordDocument>;
  readonly hint?: string;
}

/**
 * One page of the tickets that are visible and have all the words, newest first. Where words are frequent but seldom together
 * a page can hold fewer than asked for, even none, and yet have a last: what lies behind it was not looked at.
 */
export async function searchPage(
  tickets: Tickets,
  visible: Visible | undefined,
  query: SearchQuery,
  paging: { readonly size: number; readonly after?: string | undefined },
): Promise<Page<StoredTicket>> {
  const nothing = { items: [], last: undefined };
  if (visible === undefined) return nothing;
  const plan = await planSearch(tickets, visible, query, paging.after);
  if (plan === undefined) return nothing;
  const items: StoredTicket[] = [];
  let last: string | undefined;
  let seen = 0;
  const { filter, ...hint } = plan;
  const options = { ...pageOptions, projection: comparedFields, ...hint, batchSize: paging.size + 1, limit: reach + 1 };
  for await (const document of tickets.collection.find(filter, options)) {
    const fit = fits(document, visible, query);
    if (seen === reach || (fit && items.length === paging.size)) return { items, last };
    if (fit) items.push(tickets.stored(document));
    seen += 1;
    last = document.listed;
  }
  return { items, last: undefined };
}

/** What is looked through; undefined when nothing can be found. */
export async function planSearch(
  tickets: Tickets,
  visible: Visible,
  query: SearchQuery,
  after?: string,
): Promise<SearchPlan | undefined> {
  const ways = waysOf(visible, query);
  if (ways.length === 0) return undefined;
  const districts = await districtsOf(tickets, ways);
  const lead = await leadOf(tickets, districts, query.words);
  if (lead.terms.length === 0) return undefined;
  const terms = { 'search.terms': { $in: [...lead.terms] } };
  const behind = after === undefined ? {} : { listed: { $lt: after } };
  if (!lead.frequent && ways.some(isSomebodys)) {
    const conditions = '$or' in visible ? [...visible.$or] : [visible];
    return { filter: { district: { $in: districts }, ...terms, ...behind, $or: conditions }, hint: 'by-words' };
  }
  const branches = ways.map((way) => {
    const byList = isSomebodys(way) || (query.status !== undefined && current.has(query.status));
    if (lead.frequent && byList) return { ...whereOf(way), ...narrowing(query, after) };
    const place = rangeOf(way);
    const within = districts.filter((district) => district.startsWith(districtOf(place)));
    return { district: { $in: within }, ...terms, ...behind, territory: { $gte: place, $lt: `${place}:` } };
  });
  const filter = anyOf(branches);
  return filter && { filter };
}

function isSomebodys({ whose }: Way): boolean {
  return Object.keys(whose).length > 0;
}

/** The smallest place that all of a way lies in. A grid is no range; its community is. */
function rangeOf({ places }: Way): string {
  const codes = places.map((place) => (isGrid(place) ? (communityOf(place) ?? place) : place));
  return codes.reduce((one, other) => (other.length > one.length ? other : one), '');
}

/** The districts that a search is about: that of its place, or all that have tickets. A city has a handful. */
async function districtsOf(tickets: Tickets, ways: readonly Way[]): Promise<string[]> {
  const places = ways.map(rangeOf);
  const named = new Set(places.map(districtOf));
  if (places.every((place) => place.length >= 6)) return [...named];
  const all: string[] = await tickets.collection.distinct('district', {}, { maxTimeMS: pageOptions.maxTimeMS });
  return all.filter((district) => [...named].some((place) => district.startsWith(place)));
}

/** The word that the fewest tickets have, by the rarest term of each of its readings. */
async function leadOf(tickets: Tickets, districts: readonly string[], words: readonly Word[]): Promise<Lead> {
  const counts = new Map<string, Promise<number>>();
  const count = (term: string): Promise<number> => {
    const known =
      counts.get(term) ??
      tickets.collection.countDocuments(
        { district: { $in: [...districts] }, 'search.terms': term },
        { limit: reach, hint: 'by-words', maxTimeMS: pageOptions.maxTimeMS },
      );
    counts.set(term, known);
    return known;
  };
  const rarest = async ({ terms }: Reading): Promise<{ term: string; tickets: number }> => {
    const weighed = await Promise.all(
      terms.slice(0, termsWeighed).map(async (term) => ({ term, tickets: await count(term) })),
    );
    return weighed.reduce((one, other) => (other.tickets < one.tickets ? other : one));
  };
  const leads = await Promise.all(
    words.map(async (word) => {
      const readings = (await Promise.all(word.map(rarest))).filter((reading) => reading.tickets > 0);
      return { terms: readings.map(({ term }) => term), tickets: readings.reduce((sum, one) => sum + one.tickets, 0) };
    }),
  );
  const { terms, tickets: number } = leads.reduce((one, other) => (other.tickets < one.tickets ? other : one));
  return { terms: [...new Set(terms)], frequent: number >= reach };
}

/** All that was asked for, on a document that one term led to, as it lies in the database. */
function fits(document: RecordDocument, visible: Visible, query: SearchQuery): boolean {
  const conditions = '$or' in visible ? visible.$or : [visible];
  const has = ({ territories, handler, orderer }: Condition): boolean =>
    (territories === undefined || document.territories.includes(territories)) &&
    (handler === undefined || document.handler === handler) &&
    (orderer === undefined || document.orderer === orderer);
  const { territory, handler, status, category, words } = query;
  return (
    conditions.some(has) &&
    has({
      ...(territory === undefined ? {} : { territories: territory }),
      ...(handler === undefined ? {} : { handler }),
    }) &&
    (status === undefined || document.status === status) &&
    (category === undefined || document.branch.startsWith(branchKey(category))) &&
    hasWords(
      { number: document.number, texts: textsOf({ place: document.place, text: document.text }, document.words ?? {}) },
      words,
    )
  );
}
