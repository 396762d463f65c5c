/** What the handlers of this service share: its collections, its facts, and how a ticket is answered. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Action as Permission } from '@bandeng/access';
import type { Ticket as TicketMessage } from '@bandeng/contracts/tickets';
import { type Files, gridFsContents, openFiles, s3Contents } from '@bandeng/files';
import type { Serials } from '@bandeng/records';
import type { Call } from '@bandeng/rpc';
import type { House } from '@bandeng/service';
import type { Configuration } from './config.ts';
import type { Ticket } from './domain/ticket.ts';
import { branchLookup } from './queries.ts';
import type { Categories, Tickets } from './records.ts';
import { allowedActions, type StoredTicket, ticketMessage } from './representation.ts';
import { objectOf, type Sight, sightOf } from './sight.ts';

export interface Desk {
  readonly house: House;
  readonly tickets: Tickets;
  readonly categories: Categories;
  readonly serials: Serials;
  /** Photos and documents. */
  readonly files: Files;
  /** The key that follow codes are made with. */
  readonly followKey: KeyObject;
  /** Ids of a branch of the categories and all above it. */
  readonly branches: (category: string) => Promise<string[] | undefined>;
}

/** A desk at which tickets are written, without the files that people bring: all that telling stories needs. */
export type WritingDesk = Omit<Desk, 'files'>;

export async function openWritingDesk(
  house: House,
  { tickets, categories }: { tickets: Tickets; categories: Categories },
): Promise<WritingDesk> {
  return {
    house,
    tickets,
    categories,
    serials: house.records.serials('tickets'),
    followKey: createSecretKey(house.keys.secret('follow-code')),
    branches: await branchLookup(categories),
  };
}

export async function openDesk(
  house: House,
  collections: { tickets: Tickets; categories: Categories },
  { bucket }: Configuration,
): Promise<Desk> {
  const { database, now } = house;
  const contents = bucket === undefined ? gridFsContents(database) : s3Contents(bucket);
  return { ...(await openWritingDesk(house, collections)), files: await openFiles({ database, contents, now }) };
}

/** Who calls, as written beside words and into events. */
export function callerKey({ caller }: Call): string {
  switch (caller.kind) {
    case 'person':
      return caller.id;
    case 'client':
      return `client:${caller.id}`;
    case 'service':
      return `system:${caller.name}`;
    case 'guest':
      return 'guest';
  }
}

/**
 * As whom words and files count that come by the follow code of a ticket: whoever holds it, most likely the one who ordered, so
 * what they wrote is theirs to take along and goes when they are erased.
 */
export function followerKey({ orderer }: Pick<Ticket, 'orderer'>): string {
  return orderer === undefined ? 'guest' : `follower:${orderer}`;
}

/** All as whom something of a person is written. */
export function keysOf(person: string): readonly string[] {
  return [person, followerKey({ orderer: person })];
}

/** A ticket as its caller may see it now. */
export function present({ house }: Desk, call: Call, stored: StoredTicket, sight?: Sight): TicketMessage {
  const permitted: ReadonlySet<Permission> = house.access.permitted(call, objectOf(stored.state));
  const allowed = allowedActions(stored.state, permitted, house.now().toISOString());
  return ticketMessage(stored, sight ?? sightOf(house, call, stored.state), allowed);
}
