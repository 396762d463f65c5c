import type { Recipient } from './notice.ts';

/** Who has a ticket or is asked to take it. */
export type TicketHandler =
  | { readonly kind: 'unit'; readonly id: string }
  | { readonly kind: 'grid'; readonly id: string }
  | { readonly kind: 'open_call'; readonly id: string }
  | { readonly kind: 'person'; readonly id: string };

/** What an event says of the people it concerns; an empty id stands for nobody. */
export interface Concern {
  readonly orderer?: string;
  readonly dispatcher?: string;
  readonly acceptor?: string;
  readonly handler?: TicketHandler;
}

/** Which of the people whom a step of a ticket concerns are told of it. */
export type Told = 'orderer' | 'dispatcher' | 'dispatchers' | 'acceptor' | 'handler';

/** Steps of a ticket that somebody is told of, and who: the orderer at every step, the others as the step concerns them. */
export const toldOf = {
  'bandeng.tickets.ticket-ordered.v1': ['orderer', 'dispatchers'],
  'bandeng.tickets.ticket-dispatched.v1': ['orderer', 'handler'],
  'bandeng.tickets.ticket-accepted.v1': ['orderer', 'dispatcher'],
  'bandeng.tickets.ticket-declined.v1': ['dispatcher'],
  'bandeng.tickets.ticket-acceptance-lapsed.v1': ['dispatcher'],
  'bandeng.tickets.ticket-noted.v1': ['orderer'],
  'bandeng.tickets.ticket-suspended.v1': ['orderer', 'dispatcher'],
  'bandeng.tickets.ticket-resumed.v1': ['orderer', 'acceptor'],
  'bandeng.tickets.ticket-deadline-passed.v1': ['acceptor', 'dispatcher'],
  'bandeng.tickets.ticket-resolved.v1': ['orderer', 'dispatcher'],
  'bandeng.tickets.ticket-rated.v1': ['acceptor', 'dispatcher'],
  'bandeng.tickets.ticket-reopened.v1': ['orderer', 'acceptor', 'dispatcher'],
  'bandeng.tickets.ticket-rejected.v1': ['orderer'],
  'bandeng.tickets.ticket-withdrawn.v1': ['acceptor', 'handler', 'dispatcher'],
} as const satisfies Record<string, readonly Told[]>;

/** Type of an event that somebody is told of. */
export type ToldEvent = keyof typeof toldOf;

/** Postings as the directory knows them, asked while the event is handled. */
export interface Holders {
  /** People who dispatch for the community in which the ticket lies. */
  dispatchers(): readonly string[];
  /** People who hold a posting at the unit or grid. */
  at(handler: TicketHandler): readonly string[];
}

/** Who is told of a step, each once. */
export function recipients(event: ToldEvent, concern: Concern, holders: Holders): Recipient[] {
  const people = new Set<string>();
  const calls: Recipient[] = [];
  for (const told of toldOf[event]) {
    switch (told) {
      case 'orderer':
        people.add(concern.orderer ?? '');
        break;
      case 'acceptor':
        people.add(concern.acceptor ?? '');
        break;
      case 'dispatcher':
        // Whoever dispatched is told; where that is not known, whoever dispatches there now.
        for (const person of concern.dispatcher ? [concern.dispatcher] : holders.dispatchers()) people.add(person);
        break;
      case 'dispatchers':
        for (const person of holders.dispatchers()) people.add(person);
        break;
      case 'handler':
        if (concern.handler?.kind === 'open_call') calls.push({ role: 'member', territory: concern.handler.id });
        else if (concern.handler) for (const person of holders.at(concern.handler)) people.add(person);
        break;
    }
  }
  people.delete('');
  return [...[...people].map((person) => ({ person })), ...calls];
}
