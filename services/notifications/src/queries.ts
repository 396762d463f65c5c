import { type Filter, olderThan, type RecordDocument, readTime, type Stored } from '@bandeng/records';
import type { Delivery, DeliveryEvent } from './domain/delivery.ts';
import type { Notice, NoticeEvent } from './domain/notice.ts';
import type { Channel, Preferences } from './domain/preferences.ts';
import { type Deliveries, ids, type Kept, type Notices, type Readings, readPlace, type Wishes } from './records.ts';

export type StoredNotice = Stored<Notice, NoticeEvent>;
export type StoredDelivery = Stored<Delivery, DeliveryEvent>;

const brief = { projection: { history: 0 }, maxTimeMS: readTime } as const;

/** Where a page of an inbox ended. */
export interface InboxKey {
  readonly postedAt: string;
  readonly id: string;
}

/** One page of the notices at any of these addresses, newest first, by key and never by skipping. */
export async function inboxPage(
  notices: Notices,
  options: { to: readonly string[]; unread: boolean; size: number; after: InboxKey | undefined },
): Promise<StoredNotice[]> {
  const { to, unread, size, after } = options;
  const filter: Filter<RecordDocument> = {
    to: { $in: unread ? to : to.flatMap((address) => [address, readPlace(address)]) },
    ...(after === undefined ? {} : olderThan('postedAt', { at: new Date(after.postedAt), id: after.id })),
  };
  const found = await notices.collection
    .find(filter, { ...brief, sort: { postedAt: -1, _id: -1 }, limit: size })
    .toArray();
  return found.map((document) => notices.stored(document));
}

/** When this person read each of these notices that are for many; those not read are left out. */
export async function readingsOf(readings: Readings, which: readonly string[]): Promise<Map<string, string>> {
  if (which.length === 0) return new Map();
  const found = await readings.collection.find({ _id: { $in: [...which] } }, brief).toArray();
  return new Map(found.map((document) => [document._id, readings.stored(document).state.readAt]));
}

/** How a person wants to be told, and since when. */
export type Chosen = Preferences & { readonly chosenAt: string };

/** How each of these people wants to be told; those who never said so are left out. */
export async function preferencesOf(wishes: Wishes, people: readonly string[]): Promise<Map<string, Chosen>> {
  const known = new Map<string, Chosen>();
  // In parts: an open call may concern all members of a community.
  for (let from = 0; from < people.length; from += 500) {
    const some = [...new Set(people.slice(from, from + 500))].map(ids.preferences);
    const options = { projection: { history: { $slice: -1 } }, maxTimeMS: readTime };
    for await (const document of wishes.collection.find({ _id: { $in: some } }, options)) {
      const { state, history } = wishes.stored(document);
      known.set(state.person, { ...state, chosenAt: history.at(-1)?.at ?? '' });
    }
  }
  return known;
}

/** Which of these deliveries tell of what their person has read in the inbox already; by id. */
export async function readAlready(kept: Kept, deliveries: readonly StoredDelivery[]): Promise<Set<string>> {
  const noticeIds = [...new Set(deliveries.map(({ state }) => state.notice))];
  const read = new Set<string>();
  for await (const document of kept.notices.collection.find({ _id: { $in: noticeIds } }, brief)) {
    const { id, state } = kept.notices.stored(document);
    for (const { person } of state.readBy) read.add(ids.reading(id, person));
  }
  const forMany = await readingsOf(
    kept.readings,
    deliveries.map(({ state }) => ids.reading(state.notice, state.person)),
  );
  return new Set(
    deliveries
      .filter(({ state }) => {
        const reading = ids.reading(state.notice, state.person);
        return read.has(reading) || forMany.has(reading);
      })
      .map(({ id }) => id),
  );
}

/** People to whom something is due, whoever waits longest first, and how much is due to them; at most `most` deliveries. */
export async function peopleDue(deliveries: Deliveries, now: Date, most: number): Promise<Map<string, number>> {
  const found = deliveries.collection.find(
    { nextDue: { $lte: now } },
    { sort: { nextDue: 1 }, projection: { person: 1 }, limit: most, maxTimeMS: 5_000 },
  );
  const people = new Map<string, number>();
  for await (const { person } of found) people.set(person, (people.get(person) ?? 0) + 1);
  return people;
}

/** What is due to one person, oldest first: more than one letter tells, so that a letter of before comes whole. */
export async function dueTo(deliveries: Deliveries, person: string, now: Date): Promise<StoredDelivery[]> {
  const found = await deliveries.collection
    .find({ person, nextDue: { $lte: now } }, { ...brief, sort: { nextDue: 1 }, limit: 500 })
    .toArray();
  return found.map((document) => deliveries.stored(document));
}

/** What waits for a person and was not tried yet, soonest first; at most 500. */
export async function waitingFor(deliveries: Deliveries, person: string): Promise<StoredDelivery[]> {
  const found = await deliveries.collection
    .find({ person, nextDue: { $exists: true } }, { ...brief, sort: { nextDue: 1 }, limit: 500, hint: 'waiting' })
    .toArray();
  return found
    .map((document) => deliveries.stored(document))
    .filter(({ state }) => state.status === 'waiting' && state.message === undefined);
}

/** Where a page of deliveries ended: an instant and an id. */
export interface DeliveryKey {
  readonly at: string;
  readonly id: string;
}

/** One page of what was or shall be sent to a person, newest first. */
export function myDeliveries(
  deliveries: Deliveries,
  options: { person: string; size: number; after: DeliveryKey | undefined },
): Promise<StoredDelivery[]> {
  return deliveryPage(deliveries, { person: options.person }, 'plannedAt', options);
}

/** One page of what failed for good within the rights of an administrator, newest first. */
export function failedDeliveries(
  deliveries: Deliveries,
  options: {
    /** Any of these conditions. */
    within: Filter<RecordDocument>[];
    channel: Channel | undefined;
    size: number;
    after: DeliveryKey | undefined;
  },
): Promise<StoredDelivery[]> {
  const { within, channel } = options;
  const filter = {
    $and: [{ $or: within }],
    failedAt: { $exists: true },
    ...(channel === undefined ? {} : { channel }),
  };
  return deliveryPage(deliveries, filter, 'failedAt', options);
}

async function deliveryPage(
  deliveries: Deliveries,
  filter: Filter<RecordDocument>,
  by: 'plannedAt' | 'failedAt',
  { size, after }: { size: number; after: DeliveryKey | undefined },
): Promise<StoredDelivery[]> {
  const beyond = after === undefined ? {} : olderThan(by, { at: new Date(after.at), id: after.id });
  const found = await deliveries.collection
    .find({ ...filter, ...beyond }, { ...brief, sort: { [by]: -1, _id: -1 }, limit: size })
    .toArray();
  return found.map((document) => deliveries.stored(document));
}
