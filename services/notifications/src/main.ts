import { publishing } from '@bandeng/events';
import { defineService, runService } from '@bandeng/service';
import { publications, readingPublications } from './publications.ts';
import { reactions } from './reactions.ts';
import { openNotices } from './records.ts';
import { notificationsRpc } from './rpc.ts';

/** The inbox of each person. */
export const notifications = defineService({
  name: 'notifications',
  configure: () => ({}),
  async start(house) {
    const { notices, readings } = await openNotices(house.records);
    return {
      implementations: [notificationsRpc(house, notices, readings)],
      publications: [publishing(notices, publications), publishing(readings, readingPublications)],
      reactions: reactions(notices, house.directory, house.now),
    };
  },
});

if (import.meta.main) await runService(notifications);
