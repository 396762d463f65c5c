/** What time does to a ticket: acceptance lapses, deadlines pass, pauses end, what is resolved closes. */
import { evolve, hands } from './evolution.ts';
import type { Instant, Ticket, TicketEvent } from './ticket.ts';

/** The instant at which time does something to a ticket by itself. */
export function nextDue({ standing }: Ticket): Instant | undefined {
  switch (standing.status) {
    case 'dispatched':
      return standing.acceptBy;
    case 'in_progress':
      return standing.deadlinePassed ? undefined : standing.resolveBy;
    case 'suspended':
      return standing.until;
    case 'resolved':
      return standing.closeAt;
    case 'ordered':
    case 'rated':
    case 'closed':
    case 'rejected':
    case 'withdrawn':
      return undefined;
  }
}

/**
 * What time does until an instant, and the ticket after it. Every command lets time pass first, so that a deadline counts
 * from its instant on and not from when a sweep comes by.
 */
export function passTime(ticket: Ticket, at: Instant): { now: Ticket; events: readonly TicketEvent[] } {
  const events: TicketEvent[] = [];
  let now = ticket;
  for (let event = due(now, at); event !== undefined; event = due(now, at)) {
    events.push(event);
    now = evolve(now, event);
  }
  return { now, events };
}

function due(ticket: Ticket, at: Instant): TicketEvent | undefined {
  const instant = nextDue(ticket);
  if (instant === undefined || at < instant) return undefined;
  const { standing } = ticket;
  switch (standing.status) {
    case 'dispatched': {
      const { handler, dispatcher } = standing;
      return { type: 'acceptance-lapsed', data: { at, handler, dispatcher } };
    }
    case 'in_progress':
      return { type: 'deadline-passed', data: { at, ...hands(standing), resolveBy: standing.resolveBy } };
    case 'suspended': {
      const { resolveBy, deadlinePassed } = standing;
      return { type: 'resumed', data: { at, ...hands(standing), resolveBy, deadlinePassed, byItself: true } };
    }
    case 'resolved':
      return { type: 'closed', data: { at, ...hands(standing) } };
    case 'ordered':
    case 'rated':
    case 'closed':
    case 'rejected':
    case 'withdrawn':
      return undefined;
  }
}
