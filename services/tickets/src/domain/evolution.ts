/** What follows from what happened: the ticket as it stands after each event. */
import type { Hands, Instant, Order, Standing, Status, Ticket, TicketEvent } from './ticket.ts';

/** The ticket after an event. */
export function evolve(ticket: Ticket | undefined, event: TicketEvent): Ticket {
  if (event.type === 'ordered') return fresh(event.data, event.data.at, event.data.at);
  if (event.type === 'imported') return fresh(event.data, event.data.orderedAt, event.data.at);
  if (ticket === undefined) throw new Error(`a ticket cannot begin with ${event.type}`);
  return { ...after(ticket, event), changedAt: event.data.at };
}

type Later = Exclude<TicketEvent, { type: 'ordered' | 'imported' }>;

function after(ticket: Ticket, event: Later): Ticket {
  switch (event.type) {
    case 'dispatched': {
      const { handler, dispatcher, acceptBy } = event.data;
      const { declineReason: _declined, reason: _paused, ...anew } = ticket;
      return { ...anew, standing: { status: 'dispatched', handler, dispatcher, acceptBy } };
    }
    case 'accepted':
    case 'reopened': {
      const reopened = event.type === 'reopened' ? 1 : ticket.reopened;
      return { ...ticket, reopened, standing: atWork(event.data, event.data.resolveBy, false) };
    }
    case 'declined':
      return { ...ticket, declineReason: event.data.reason, standing: { status: 'ordered' } };
    case 'acceptance-lapsed':
      return { ...ticket, standing: { status: 'ordered' } };
    case 'noted-for-resident':
    case 'noted-internally':
    case 'words-erased':
      return ticket;
    case 'evidence-added': {
      const { at: addedAt, ...added } = event.data;
      return { ...ticket, evidence: [...(ticket.evidence ?? []), { ...added, addedAt }] };
    }
    case 'suspended': {
      const { reason, until, left, resolveBy, deadlinePassed } = event.data;
      const clock = { until, left, resolveBy, deadlinePassed };
      return { ...ticket, reason, standing: { status: 'suspended', ...hands(event.data), ...clock } };
    }
    case 'resumed':
      return {
        ...without(ticket, 'reason'),
        standing: atWork(event.data, event.data.resolveBy, event.data.deadlinePassed),
      };
    case 'deadline-passed':
      return { ...ticket, overdue: true, standing: atWork(event.data, event.data.resolveBy, true) };
    case 'resolved': {
      const { resolution, closeAt } = event.data;
      return { ...ticket, resolution, standing: { status: 'resolved', ...hands(event.data), closeAt } };
    }
    case 'rated': {
      const { satisfaction: rating, remark, followUpDue } = event.data;
      const rated = { ...without(ticket, 'ratingRemark'), rating, followUpDue };
      const standing: Standing = { status: 'rated', ...hands(event.data) };
      return remark === undefined ? { ...rated, standing } : { ...rated, standing, ratingRemark: remark };
    }
    case 'closed':
      return { ...ticket, standing: { status: 'closed', ...hands(event.data) } };
    case 'rejected': {
      const { reason: rejectionReason, explanation: reason } = event.data;
      return { ...ticket, reason, standing: { status: 'rejected', rejectionReason } };
    }
    case 'withdrawn': {
      const { reason } = event.data;
      const withdrawn = {
        ...without(ticket, 'reason'),
        standing: { status: 'withdrawn', ...someHands(event.data) },
      } as const;
      return reason === undefined ? withdrawn : { ...withdrawn, reason };
    }
  }
}

function fresh(data: Order & { readonly at: Instant }, orderedAt: Instant, changedAt: Instant): Ticket {
  const { at: _, ...order } = data;
  return {
    ...order,
    standing: { status: 'ordered' },
    orderedAt,
    changedAt,
    overdue: false,
    reopened: 0,
    followUpDue: false,
  };
}

function atWork(whose: Hands, resolveBy: Instant, deadlinePassed: boolean): Standing {
  return { status: 'in_progress', ...hands(whose), resolveBy, deadlinePassed };
}

/** In whose hands something is, and nothing else of it. */
export function hands({ handler, dispatcher, acceptor }: Hands): Hands {
  return { handler, dispatcher, acceptor };
}

/** The same where it may be in nobody's hands. */
export function someHands(of: Partial<Hands> & { readonly status?: Status }): Partial<Hands> {
  const { handler, dispatcher, acceptor } = of;
  return { ...(handler && { handler }), ...(dispatcher && { dispatcher }), ...(acceptor && { acceptor }) };
}

type Reasons = 'reason' | 'ratingRemark';

function without<Key extends Reasons>(ticket: Ticket, key: Key): Omit<Ticket, Key> {
  const { [key]: _, ...rest } = ticket;
  return rest;
}
