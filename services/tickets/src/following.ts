/** A ticket as whoever holds its follow code sees it. */
import type { FollowedTicket } from '@bandeng/contracts/tickets';
import type { Entry } from '@bandeng/records';
import type { Desk } from './desk.ts';
import type { TicketEvent } from './domain/ticket.ts';
import { allowedActions, deadlinesOf, evidenceOf, type StoredTicket, wordsOf } from './representation.ts';
import { plainSight } from './sight.ts';
import { spelledSatisfaction, spelledStatus } from './spelling.ts';
import { timelineOf } from './timeline.ts';

const byCode = new Set(['tickets.rate', 'tickets.attach'] as const);

/** All that happened; what has moved out of the document is fetched. */
export async function historyOf(
  { tickets }: Pick<Desk, 'tickets'>,
  stored: StoredTicket,
): Promise<readonly Entry<TicketEvent>[]> {
  return stored.history.length === stored.version ? stored.history : tickets.history(stored.id);
}

export async function followedTicket(desk: Desk, stored: StoredTicket): Promise<FollowedTicket> {
  const { state, version } = stored;
  const history = await historyOf(desk, stored);
  return {
    number: state.number,
    version,
    status: spelledStatus[state.standing.status],
    text: wordsOf(stored, state.text),
    category: state.category,
    deadlines: deadlinesOf(state.standing),
    resolution: wordsOf(stored, state.resolution),
    rating: state.rating && spelledSatisfaction[state.rating],
    reason: wordsOf(stored, state.reason),
    orderedAt: new Date(state.orderedAt),
    timeline: timelineOf(stored, history, plainSight),
    allowedActions: allowedActions(state, byCode, desk.house.now().toISOString()),
    evidence: evidenceOf(state, plainSight),
  };
}
