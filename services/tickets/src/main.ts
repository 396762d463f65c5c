import { publishing } from '@bandeng/events';
import { defineService, runService } from '@bandeng/service';
import { configure } from './config.ts';
import { openDesk } from './desk.ts';
import { categoryPublications, publications, publicFields } from './publications.ts';
import { reactions } from './reactions.ts';
import { openTickets } from './records.ts';
import { ticketsRpc } from './rpc.ts';
import { looseFileSweep, ticketSweep } from './sweeps.ts';

/** Orders from a resident's words to the rating. */
export const tickets = defineService({
  name: 'tickets',
  configure,
  async start(house, configuration) {
    const collections = await openTickets(house.records);
    const desk = await openDesk(house, collections, configuration);
    return {
      implementations: [ticketsRpc(desk)],
      publications: [
        publishing(collections.tickets, publications, publicFields),
        publishing(collections.categories, categoryPublications),
      ],
      reactions: reactions(desk),
      sweeps: [ticketSweep(collections.tickets, house), looseFileSweep(desk)],
    };
  },
});

if (import.meta.main) await runService(tickets);
