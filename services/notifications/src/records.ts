import type { Aggregates, Records } from '@bandeng/records';
import {
  type Notice,
  type NoticeCommand,
  type NoticeEvent,
  type NoticeRefusal,
  notice,
  recipientKey,
} from './domain/notice.ts';
import { type Reading, type ReadingEvent, reading } from './domain/reading.ts';

export type Notices = Aggregates<Notice, NoticeCommand, NoticeEvent, NoticeRefusal>;
export type Readings = Aggregates<Reading, Reading, ReadingEvent, never>;

/** The collections of the service; an inbox is found by recipient, newest first. */
export async function openNotices(records: Records): Promise<{ notices: Notices; readings: Readings }> {
  const notices = await records.define({
    name: 'notices',
    decider: notice,
    keys: (state) => ({ to: recipientKey(state.recipient), unread: state.readAt === undefined }),
    indexes: [
      { name: 'inbox', key: { to: 1, postedAt: -1, _id: -1 } },
      { name: 'unread', key: { to: 1, unread: 1, postedAt: -1, _id: -1 } },
    ],
  });
  const readings = await records.define({ name: 'readings', decider: reading });
  return { notices, readings };
}
