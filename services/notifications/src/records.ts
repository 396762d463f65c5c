import { type Aggregates, derivedId, type Records } from '@bandeng/records';
import {
  type Delivery,
  type DeliveryCommand,
  type DeliveryEvent,
  type DeliveryRefusal,
  delivery,
} from './domain/delivery.ts';
import {
  type Notice,
  type NoticeCommand,
  type NoticeEvent,
  type NoticeRefusal,
  notice,
  readAtOf,
  recipientKey,
} from './domain/notice.ts';
import {
  type Channel,
  type Preferences,
  type PreferencesEvent,
  type PreferencesRefusal,
  preferences,
  type SetPreferences,
} from './domain/preferences.ts';
import { type Reading, type ReadingEvent, reading } from './domain/reading.ts';

export type Notices = Aggregates<Notice, NoticeCommand, NoticeEvent, NoticeRefusal>;
export type Readings = Aggregates<Reading, Reading, ReadingEvent, never>;
export type Wishes = Aggregates<Preferences, SetPreferences, PreferencesEvent, PreferencesRefusal>;
export type Deliveries = Aggregates<Delivery, DeliveryCommand, DeliveryEvent, DeliveryRefusal>;

/** Everything that the service keeps. */
export interface Kept {
  readonly notices: Notices;
  readonly readings: Readings;
  readonly wishes: Wishes;
  readonly deliveries: Deliveries;
}

/** Ids follow from what they name, so that whatever comes twice meets its own document. */
export const ids = {
  notice: (event: string) => derivedId('notice', event),
  reading: (notice: string, reader: string) => derivedId('reading', notice, reader),
  preferences: (person: string) => derivedId('preferences', person),
  delivery: (notice: string, channel: Channel, person: string) => derivedId('delivery', notice, channel, person),
};

/** Where a notice stands that the person of an address has read: an inbox is the unread and the read, put together in their order. */
export const readPlace = (address: string): string => `read:${address}`;

/** The collections of the service; an inbox is found by the addresses of its person, newest first. */
export async function openKept(records: Records): Promise<Kept> {
  const notices = await records.define({
    name: 'notices',
    decider: notice,
    private: true,
    keys: (state) => ({
      to: state.recipients.map((recipient) => {
        const read = 'person' in recipient && readAtOf(state, recipient.person) !== undefined;
        return read ? readPlace(recipientKey(recipient)) : recipientKey(recipient);
      }),
    }),
    indexes: [{ name: 'inbox', key: { to: 1, postedAt: -1, _id: -1 } }],
  });
  const readings = await records.define({ name: 'readings', decider: reading, private: true });
  const wishes = await records.define({ name: 'preferences', decider: preferences, private: true });
  const deliveries = await records.define({
    name: 'deliveries',
    decider: delivery,
    private: true,
    nextDue: (state) => state.due,
    keys: (state) => ({ failedAt: state.status === 'failed' ? state.endedAt : undefined }),
    indexes: [
      { name: 'mine', key: { person: 1, plannedAt: -1, _id: -1 } },
      { name: 'waiting', key: { person: 1, nextDue: 1 }, partialFilterExpression: { nextDue: { $exists: true } } },
      ...[{}, { channel: 1 } as const].map((channel) => ({
        name: ['failed', ...Object.keys(channel)].join('-'),
        key: { territories: 1 as const, ...channel, failedAt: -1 as const, _id: -1 as const },
        partialFilterExpression: { failedAt: { $exists: true } },
      })),
    ],
  });
  return { notices, readings, wishes, deliveries };
}
