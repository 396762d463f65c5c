import { type Publications, publish } from '@bandeng/events';
import type { Delivery, DeliveryEvent } from './domain/delivery.ts';
import type { Notice, NoticeEvent } from './domain/notice.ts';
import type { PreferencesEvent } from './domain/preferences.ts';
import type { ReadingEvent } from './domain/reading.ts';

export const publications: Publications<NoticeEvent, Notice> = {
  posted: ({ data: { recipient, ticket } }) => {
    const to =
      'person' in recipient ? { person: recipient.person, role: '', territory: '' } : { person: '', ...recipient };
    return publish('notice-posted', { ...to, ticket }, to.territory);
  },
  read: 'private',
};

export const readingPublications: Publications<ReadingEvent, object> = { read: 'private' };

export const preferencesPublications: Publications<PreferencesEvent, object> = { 'preferences-set': 'private' };

/** By which way somebody was told is between them and us. */
export const deliveryPublications: Publications<DeliveryEvent, Delivery> = {
  planned: 'private',
  held: 'private',
  begun: 'private',
  resumed: 'private',
  'put-off': 'private',
  sent: 'private',
  failed: 'private',
  dropped: 'private',
};
