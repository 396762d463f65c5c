/** Who has a ticket, or is asked to take it, as one key: what a right at a unit, grid or community is compared with. */
import { type Refused, refuse } from '@bandeng/decider';

/** To whom a community can dispatch: a unit, a grid team, or the members checked in at a community (open call). */
export type Dispatchable = `unit:${string}` | `grid:${string}` | `open_call:${string}`;
/** Who can have a ticket: also the person who took an open call. */
export type Handler = Dispatchable | `person:${string}`;

const communityDigits = 12;
const cityDigits = 4;

/** An open call becomes the one who takes it; a unit or grid stays the handler, whoever accepts for it. */
export function takenBy(handler: Dispatchable, person: string): Handler {
  return handler.startsWith('open_call:') ? `person:${person}` : handler;
}

/**
 * Whether a handler is too far away: a unit may sit anywhere in the ticket's city, a grid or the members must be of its
 * community. A past order may lie above any community; then it is enough that they are below it.
 */
export function isOutside(territory: string, handler: Dispatchable, whereabouts: string): boolean {
  if (handler.startsWith('unit:')) return whereabouts.slice(0, cityDigits) !== territory.slice(0, cityDigits);
  const community = whereabouts.slice(0, communityDigits);
  return !territory.startsWith(community) && !community.startsWith(territory);
}

/** There is no such unit, grid or community. */
export function unknownHandler(handler: Dispatchable): Refused<'unknown-unit' | 'unknown-grid' | 'unknown-community'> {
  if (handler.startsWith('unit:')) return refuse('unknown-unit', { field: 'handler.unit' });
  if (handler.startsWith('grid:')) return refuse('unknown-grid', { field: 'handler.grid' });
  return refuse('unknown-community', { field: 'handler.openCall' });
}
