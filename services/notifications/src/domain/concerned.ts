import type { Recipient } from './notice.ts';
import type { Kind } from './preferences.ts';

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

/** Steps of a ticket that somebody is told of, who, and what it is to them: the orderer at every step, the others as it concerns them. */
export const toldOf = {
  'bandeng.tickets.ticket-ordered.v1': { orderer: 'progress', dispatchers: 'task' },
  // Whoever had taken it has it no more.
  'bandeng.tickets.ticket-dispatched.v1': { orderer: 'progress', handler: 'task', acceptor: 'result' },
  'bandeng.tickets.ticket-accepted.v1': { orderer: 'progress', dispatcher: 'progress' },
  'bandeng.tickets.ticket-declined.v1': { dispatcher: 'task' },
  'bandeng.tickets.ticket-acceptance-lapsed.v1': { dispatcher: 'task' },
  'bandeng.tickets.ticket-noted.v1': { orderer: 'progress' },
  'bandeng.tickets.ticket-suspended.v1': { orderer: 'progress', dispatcher: 'progress' },
  'bandeng.tickets.ticket-resumed.v1': { orderer: 'progress', acceptor: 'task' },
  'bandeng.tickets.ticket-deadline-passed.v1': { acceptor: 'task', dispatcher: 'task' },
  'bandeng.tickets.ticket-resolved.v1': { orderer: 'result', dispatcher: 'result' },
  'bandeng.tickets.ticket-rated.v1': { acceptor: 'result', dispatcher: 'result' },
  'bandeng.tickets.ticket-reopened.v1': { orderer: 'progress', acceptor: 'task', dispatcher: 'task' },
  'bandeng.tickets.ticket-rejected.v1': { orderer: 'result' },
  'bandeng.tickets.ticket-withdrawn.v1': { acceptor: 'result', handler: 'result', dispatcher: 'result' },
} as const satisfies Record<string, Partial<Record<Told, Kind>>>;

/** Type of an event that somebody is told of. */
export type ToldEvent = keyof typeof toldOf;

/** Postings as the directory knows them, asked while the event is handled. */
export interface Holders {
  /** People who dispatch for the community in which the ticket lies. */
  dispatchers(): readonly string[];
  /** People who hold a posting at the unit or grid. */
  at(handler: TicketHandler): readonly string[];
}

/** Somebody who is told, and what it is to them. */
export interface Addressee {
  readonly recipient: Recipient;
  readonly kind: Kind;
}

/** Who is told of a step, each once; to whom it is several things, it is what asks most of them. */
export function addressees(event: ToldEvent, concern: Concern, holders: Holders): Addressee[] {
  const people = new Map<string, Kind>();
  const calls: Addressee[] = [];
  const add = (kind: Kind, ...ids: readonly string[]): void => {
    for (const id of ids) if (weight[kind] > weight[people.get(id) ?? 'none']) people.set(id, kind);
  };
  for (const [told, kind] of steps(event)) {
    switch (told) {
      case 'orderer':
        add(kind, concern.orderer ?? '');
        break;
      case 'acceptor':
        add(kind, concern.acceptor ?? '');
        break;
      case 'dispatcher':
        // Whoever dispatched is told; where that is not known, whoever dispatches there now.
        add(kind, ...(concern.dispatcher ? [concern.dispatcher] : holders.dispatchers()));
        break;
      case 'dispatchers':
        add(kind, ...holders.dispatchers());
        break;
      case 'handler':
        if (concern.handler?.kind !== 'open_call') {
          if (concern.handler) add(kind, ...holders.at(concern.handler));
        } else {
          const recipient = { role: 'member', territory: concern.handler.id } as const;
          calls.push({ recipient, kind: kind === 'task' ? 'call' : kind });
        }
        break;
    }
  }
  people.delete('');
  return [...[...people].map(([person, kind]) => ({ recipient: { person }, kind })), ...calls];
}

const weight = { none: 0, progress: 1, result: 2, call: 3, task: 4 } as const satisfies Record<Kind | 'none', number>;

/** Sorts what a step can be to somebody: what asks most of them first. */
export const byAsking = (one: { readonly kind: Kind }, other: { readonly kind: Kind }): number =>
  weight[other.kind] - weight[one.kind];

const everybody: readonly Told[] = ['orderer', 'dispatchers', 'handler', 'acceptor', 'dispatcher'];

function steps(event: ToldEvent): [Told, Kind][] {
  const step: Partial<Record<Told, Kind>> = toldOf[event];
  return everybody.flatMap((told): [Told, Kind][] => {
    const kind = step[told];
    return kind === undefined ? [] : [[told, kind]];
  });
}
