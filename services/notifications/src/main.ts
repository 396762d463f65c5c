import { defineService, runService } from '@bandeng/service';
import { carriersOf } from './channels/carriers.ts';
import { configure } from './config.ts';
import { reactions } from './reactions.ts';
import { openKept } from './records.ts';
import { notificationsRpc } from './rpc.ts';
import { deliverySweep } from './sweeps.ts';

/** The inbox of each person, and what is sent beside it. */
export const notifications = defineService({
  name: 'notifications',
  configure,
  async start(house, configuration) {
    const kept = await openKept(house.records);
    const carriers = carriersOf(configuration, house.log);
    const channels = [...carriers.keys()];
    return {
      implementations: [notificationsRpc(house, kept, channels)],
      reactions: reactions(kept, {
        ...house,
        channels,
        hint: (person) => house.bus.hint('notifications', person),
      }),
      sweeps:
        carriers.size === 0 ? [] : [deliverySweep({ ...house, kept, carriers, identity: house.clients.identity })],
      stop: async () => {
        for (const carrier of carriers.values()) carrier.close();
      },
    };
  },
});

if (import.meta.main) await runService(notifications);
