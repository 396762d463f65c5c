/** What can be asked of the graph, each with its index. Pages go by key, never by skipping. */
import type { Condition, Filter as Permitted } from '@bandeng/access';
import type { DomainEvent } from '@bandeng/decider';
import { isWithin } from '@bandeng/directory';
import { type Aggregates, type Filter, type RecordDocument, readTime, type Stored } from '@bandeng/records';
import type { Posting, PostingEvent } from './domain/posting.ts';
import type { Territory, TerritoryEvent } from './domain/territory.ts';
import type { Unit, UnitEvent, UnitKind } from './domain/unit.ts';
import { chinese, type OrganizationGraph, type Postings, type Territories, type Units } from './records.ts';

/** Where a page ended: the value it is sorted by, and the id. */
export type Key = readonly [value: string, id: string];

/** A page, and where it ended if there is more. */
export interface Page<S, E extends DomainEvent> {
  readonly items: readonly Stored<S, E>[];
  readonly last: Key | undefined;
}

const withoutHistory = { history: 0 } as const;

type Branch = Readonly<Record<string, unknown>>;

/** One query for several branches from a key on. Each branch is whole, so that each is one range of its index. */
function onwards(branches: readonly Branch[], field: string, step: '$gt' | '$lt', value: unknown, id: string) {
  return {
    $or: branches.flatMap((branch) => [
      { ...branch, [field]: { [step]: value } },
      { ...branch, [field]: value, _id: { [step]: id } },
    ]),
  };
}

function any(branches: readonly Branch[]): Branch {
  const [only] = branches;
  return branches.length === 1 && only !== undefined ? only : { $or: branches };
}

function pageOf<S extends object, C, E extends DomainEvent, R extends string>(
  aggregates: Aggregates<S, C, E, R>,
  documents: readonly RecordDocument[],
  size: number,
  key: (state: S) => string,
): Page<S, E> {
  const items = documents.slice(0, size).map((document) => aggregates.stored(document));
  const last = items.at(-1);
  return { items, last: documents.length > size && last !== undefined ? [key(last.state), last.id] : undefined };
}

/** Units by name; of one kind, or in one territory and below, or all. */
export function unitsFilter(by: { kind?: UnitKind } | { territory?: string }, after: Key | undefined): Branch {
  const branch: Branch = {
    ...('kind' in by && by.kind !== undefined ? { kind: by.kind } : {}),
    ...('territory' in by && by.territory !== undefined ? { territories: by.territory } : {}),
  };
  return after === undefined ? branch : onwards([branch], 'name', '$gt', after[0], after[1]);
}

export async function unitsPage(
  units: Units,
  by: { kind?: UnitKind } | { territory?: string },
  size: number,
  after: Key | undefined,
): Promise<Page<Unit, UnitEvent>> {
  const found = await units.collection
    .find(unitsFilter(by, after), {
      projection: withoutHistory,
      sort: { name: 1, _id: 1 },
      collation: chinese,
      limit: size + 1,
      maxTimeMS: readTime,
    })
    .toArray();
  return pageOf(units, found, size, ({ name }) => name);
}

/** Territories in the order of their codes; those directly below one, or all. */
export async function territoriesPage(
  territories: Territories,
  parent: string | undefined,
  size: number,
  after: Key | undefined,
): Promise<Page<Territory, TerritoryEvent>> {
  const filter: Filter<RecordDocument> = {
    ...(parent === undefined ? {} : { parent }),
    ...(after === undefined ? {} : { _id: { $gt: after[1] } }),
  };
  const found = await territories.collection
    .find(filter, { projection: withoutHistory, sort: { _id: 1 }, limit: size + 1, maxTimeMS: readTime })
    .toArray();
  return pageOf(territories, found, size, () => '');
}

/** What is asked for of postings: one field or nothing. */
export type PostingsAsked = { readonly person?: string; readonly unit?: string; readonly territories?: string };

/** Postings that are asked for and permitted; undefined when there can be none. */
export function postingsFilter(
  asked: PostingsAsked,
  permitted: Permitted | undefined,
  after: Key | undefined,
): Branch | undefined {
  if (permitted === undefined) return undefined;
  const branches = ('$or' in permitted ? permitted.$or : [permitted]).flatMap((branch): Branch[] => {
    const condition = both(asked, branch);
    return condition === undefined ? [] : [condition];
  });
  // A branch within another would only open the same documents twice.
  const needed = branches.filter(
    (branch, place) => !branches.some((other, at) => isIn(branch, other) && (at < place || !isIn(other, branch))),
  );
  if (needed.length === 0) return undefined;
  return after === undefined ? any(needed) : onwards(needed, 'createdAt', '$lt', new Date(after[0]), after[1]);
}

/** Two conditions as one of equalities; nothing when they exclude each other. */
function both(asked: PostingsAsked, branch: Condition): Branch | undefined {
  if (branch.person !== undefined && asked.person !== undefined && branch.person !== asked.person) return undefined;
  const place = narrower(asked.territories, branch.territories);
  if (place === 'apart') return undefined;
  return { ...branch, ...asked, ...(place === undefined ? {} : { territories: place }) };
}

/** Whether everything that one branch finds, the other finds too. */
function isIn(branch: Branch, other: Branch): boolean {
  return Object.entries(other).every(([field, value]) => {
    const own = branch[field];
    if (field === 'territories' && typeof own === 'string' && typeof value === 'string') return isWithin(own, value);
    return own === value;
  });
}

function narrower(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  if (isWithin(one, other)) return one;
  return isWithin(other, one) ? other : 'apart';
}

/** Postings, newest first. */
export async function postingsPage(
  postings: Postings,
  filter: Branch,
  size: number,
): Promise<Page<Posting, PostingEvent>> {
  const found = await postings.collection
    .find(filter, {
      projection: withoutHistory,
      sort: { createdAt: -1, _id: -1 },
      limit: size + 1,
      maxTimeMS: readTime,
    })
    .toArray();
  return pageOf(postings, found, size, ({ createdAt }) => createdAt);
}

/** The postings of a person that have not ended by an instant, those that are to begin later too. */
export async function runningPostings(
  postings: Postings,
  person: string,
  at: Date,
): Promise<readonly Stored<Posting, PostingEvent>[]> {
  const open = [{ validUntil: { $exists: false } }, { validUntil: { $gt: at } }];
  const found = postings.collection.find({ person, $or: open }, { projection: withoutHistory, maxTimeMS: readTime });
  return (await found.toArray()).map((document) => postings.stored(document));
}

/** People with a posting as administrator that has not ended at an instant. Reads all postings: for the operator alone. */
export async function administratorsAt(postings: Postings, at: Date): Promise<string[]> {
  const open = [{ validUntil: { $exists: false } }, { validUntil: { $gt: at } }];
  const people: unknown[] = await postings.collection.distinct('person', { role: 'administrator', $or: open });
  return people.map(String);
}

/** Which of these codes are registered. */
export async function registered(territories: Territories, codes: readonly string[]): Promise<Set<string>> {
  if (codes.length === 0) return new Set();
  const found = await territories.collection
    .find({ _id: { $in: [...codes] } }, { projection: { _id: 1 }, maxTimeMS: readTime })
    .toArray();
  return new Set(found.map(({ _id }) => _id));
}

/** Where the changes of one kind go on; `end` when there are no more. */
export type ChangeKey = Key | 'start' | 'end';

/** What changed at or after an instant, oldest first. */
async function changesOf<S extends { changedAt: string }, C, E extends DomainEvent, R extends string>(
  aggregates: Aggregates<S, C, E, R>,
  since: Date | undefined,
  size: number,
  after: ChangeKey,
): Promise<{ items: readonly Stored<S, E>[]; next: ChangeKey }> {
  if (after === 'end') return { items: [], next: 'end' };
  const start = since === undefined ? {} : { changedAt: { $gte: since } };
  const filter = after === 'start' ? start : onwards([{}], 'changedAt', '$gt', new Date(after[0]), after[1]);
  const found = await aggregates.collection
    .find(filter, {
      projection: withoutHistory,
      sort: { changedAt: 1, _id: 1 },
      limit: size + 1,
      batchSize: size + 1,
      maxTimeMS: readTime,
    })
    .toArray();
  const { items, last } = pageOf(aggregates, found, size, ({ changedAt }) => changedAt);
  return { items, next: last ?? 'end' };
}

/** Where the changes of all three kinds go on. */
export interface ChangesKey {
  readonly units: ChangeKey;
  readonly territories: ChangeKey;
  readonly postings: ChangeKey;
}

export const fromTheStart: ChangesKey = { units: 'start', territories: 'start', postings: 'start' };

/** One page of what changed: so many of each kind at most. */
export async function changesPage(
  { units, territories, postings }: OrganizationGraph,
  since: Date | undefined,
  size: number,
  after: ChangesKey,
): Promise<{
  units: readonly Stored<Unit, UnitEvent>[];
  territories: readonly Stored<Territory, TerritoryEvent>[];
  postings: readonly Stored<Posting, PostingEvent>[];
  next: ChangesKey | undefined;
}> {
  const [us, ts, ps] = await Promise.all([
    changesOf(units, since, size, after.units),
    changesOf(territories, since, size, after.territories),
    changesOf(postings, since, size, after.postings),
  ]);
  const next = { units: us.next, territories: ts.next, postings: ps.next };
  const more = [us, ts, ps].some((page) => page.next !== 'end');
  return { units: us.items, territories: ts.items, postings: ps.items, next: more ? next : undefined };
}
