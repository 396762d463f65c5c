/** Who sees how much of a ticket. */
import type { AccessObject, Filter } from '@bandeng/access';
import { isRefused } from '@bandeng/decider';
import type { Call } from '@bandeng/rpc';
import type { House } from '@bandeng/service';
import type { Ticket } from './domain/ticket.ts';

/** What of a ticket is shown beyond what everybody sees who may see it. */
export interface Sight {
  /** Ids and names of people, and the name that the one who ordered goes by: by a posting at the ticket. */
  readonly people: boolean;
  /** Notes among colleagues, and why somebody declined: by any posting at the ticket, also an auditor's. */
  readonly internal: boolean;
  /** It is one's own order. */
  readonly own: boolean;
}

/** Holders of a follow code, other systems, and whoever has just given a ticket away. */
export const plainSight: Sight = { people: false, internal: false, own: false };

/** A ticket as rights are checked against it. */
export function objectOf({ territories, standing, orderer }: Ticket): AccessObject {
  const handler = 'handler' in standing ? standing.handler : undefined;
  return { territories, handler, orderer };
}

export function sightOf({ access }: Pick<House, 'access'>, call: Call, ticket: Ticket): Sight {
  const { caller } = call;
  if (caller.kind !== 'person') return plainSight;
  // One's own order opens no internals: what counts is a posting.
  const { orderer, ...byPosting } = objectOf(ticket);
  return {
    people: access.readsPersonalData(call, byPosting),
    internal: !isRefused(access.permit(call, byPosting, 'tickets.read')),
    own: orderer === caller.id,
  };
}

/**
 * The tickets that the caller may see when they are asked for by handler. Who has a ticket is hidden from some who see it, so a list
 * by somebody else holds only those in which the caller is shown people.
 */
export function visibleBy({ access }: Pick<House, 'access'>, call: Call, handler: string): Filter | undefined {
  const { caller } = call;
  const own = caller.kind === 'person' && handler === `person:${caller.id}`;
  const hidden = handler.startsWith('person:') && !own;
  return hidden ? access.filterWithPersonalData(call, 'tickets.read') : access.filter(call, 'tickets.read');
}

/** The larger sight of two: who declines a ticket still sees the answer as the one who had it. */
export function either(one: Sight, other: Sight): Sight {
  return {
    people: one.people || other.people,
    internal: one.internal || other.internal,
    own: one.own || other.own,
  };
}
