import type { Filter, RecordDocument, Stored } from '@bandeng/records';
import type { Notice, NoticeEvent } from './domain/notice.ts';
import type { Notices, Readings } from './records.ts';

export type StoredNotice = Stored<Notice, NoticeEvent>;

/** Where a page of an inbox ended. */
export interface InboxKey {
  readonly postedAt: string;
  readonly id: string;
}

/** Whether what a page token held is such a place. */
export function isInboxKey(value: unknown): value is InboxKey {
  return typeof value === 'object' && value !== null && 'postedAt' in value && 'id' in value;
}

/** One page of the notices for any of these recipients, newest first, by key and never by skipping. */
export async function inboxPage(
  notices: Notices,
  options: { to: readonly string[]; unread: boolean; size: number; after: InboxKey | undefined },
): Promise<StoredNotice[]> {
  const { to, unread, size, after } = options;
  const filter: Filter<RecordDocument> = { to: { $in: to }, ...(unread ? { unread: true } : {}) };
  if (after !== undefined) {
    const postedAt = new Date(after.postedAt);
    filter.$or = [{ postedAt: { $lt: postedAt } }, { postedAt, _id: { $lt: after.id } }];
  }
  const found = await notices.collection
    .find(filter, { projection: { history: 0 }, sort: { postedAt: -1, _id: -1 }, limit: size, maxTimeMS: 2_000 })
    .toArray();
  return found.map((document) => notices.stored(document));
}

/** When this person read each of these notices that are for many; those not read are left out. */
export async function readingsOf(readings: Readings, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const found = await readings.collection
    .find({ _id: { $in: [...ids] } }, { projection: { history: 0 }, maxTimeMS: 2_000 })
    .toArray();
  return new Map(found.map((document) => [document._id, readings.stored(document).state.readAt]));
}
