/** What can be done to a ticket where it stands: one table, by which commands are refused and allowed actions are listed. */
import { type Refused, refuse } from '@bandeng/decider';
import type { Action, Standing, Status, Ticket } from './ticket.ts';

/** Where a ticket must stand for each action. Whoever ended stays as it ended. */
const possible = {
  // What one person took by an open call can be given to others: nobody else could go on with it when they stay away.
  dispatch: ['ordered', 'in_progress', 'suspended'],
  accept: ['dispatched'],
  decline: ['dispatched'],
  note: ['ordered', 'dispatched', 'in_progress', 'suspended', 'resolved'],
  attach: ['ordered', 'dispatched', 'in_progress', 'suspended', 'resolved'],
  suspend: ['in_progress'],
  resume: ['suspended'],
  resolve: ['in_progress'],
  rate: ['resolved'],
  reject: ['ordered', 'dispatched'],
  withdraw: ['ordered', 'dispatched', 'in_progress', 'suspended'],
} as const satisfies { readonly [A in Action]: readonly Status[] };
export type StandingFor<A extends Action> = Extract<Standing, { status: (typeof possible)[A][number] }>;

export function allows<A extends Action>(standing: Standing, action: A): standing is StandingFor<A> {
  const statuses: readonly Status[] = possible[action];
  if (!statuses.includes(standing.status)) return false;
  return action !== 'dispatch' || !('handler' in standing) || standing.handler?.startsWith('person:') === true;
}

/** So many photos and documents a ticket has at most. */
export const mostEvidence = 20;

/** Why an action is not possible where the ticket stands; nothing when it is. Time must have passed before. */
export function hindrance(
  { standing, evidence = [] }: Ticket,
  action: Action,
): Refused<'not-in-this-state' | 'too-much-evidence'> | undefined {
  if (!allows(standing, action)) return notNow(standing);
  if (action !== 'attach' || evidence.length < mostEvidence) return undefined;
  return refuse('too-much-evidence', { field: 'file', values: { most: mostEvidence } });
}

export function notNow({ status }: Standing): Refused<'not-in-this-state'> {
  return refuse('not-in-this-state', { values: { status } });
}
