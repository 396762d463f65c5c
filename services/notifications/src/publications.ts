import { type Publications, publish } from '@bandeng/events';
import type { Notice, NoticeEvent } from './domain/notice.ts';
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
