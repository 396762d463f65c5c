/** The contract of tickets, and what answers each of its RPCs. */
import { type Implementation, implement } from '@bandeng/rpc';
import type { Desk } from './desk.ts';
import { evidence } from './evidence.ts';
import { handling } from './handling.ts';
import { ordering } from './ordering.ts';
import { personalTickets } from './personal-tickets.ts';
import { reading } from './reading.ts';
import { refusals } from './refusals.ts';
import { registering } from './registering.ts';

export function ticketsRpc(desk: Desk): Implementation {
  const handlers = {
    ...ordering(desk),
    ...handling(desk),
    ...evidence(desk),
    ...reading(desk),
    ...personalTickets(desk),
    ...registering(desk),
  };
  return implement('tickets', handlers, refusals);
}
