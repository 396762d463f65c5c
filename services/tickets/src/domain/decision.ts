/** What may happen to a ticket: every command is decided here, or refused with a name. */
import { type Decider, isRefused, type Refused, refuse } from '@bandeng/decider';
import { allows, hindrance, notNow, type StandingFor } from './actions.ts';
import type { WorkingCalendar } from './calendar.ts';
import { acceptBy, closeAt, resolveBy, resumedResolveBy, timeLeft } from './deadlines.ts';
import { evolve, hands, someHands } from './evolution.ts';
import { isOutside, takenBy, unknownHandler } from './handler.ts';
import { passTime } from './passing-time.ts';
import type { Clock, CommandTo, Instant, Ticket, TicketCommand, TicketEvent, TicketRefusal } from './ticket.ts';

type Decision = readonly TicketEvent[] | Refused<TicketRefusal>;

function decide(ticket: Ticket | undefined, command: TicketCommand): Decision {
  if (ticket === undefined) return begin(command);
  const { now, events } = passTime(ticket, command.at);
  const decision = proceed(now, command);
  return isRefused(decision) ? decision : [...events, ...decision];
}

function begin(command: TicketCommand): Decision {
  if (command.type !== 'order' && command.type !== 'import') return refuse('not-found');
  const { type: _, territories, branches, ...order } = command;
  if (territories === undefined) return refuse('unknown-territory', { field: 'territory' });
  if (branches === undefined) return refuse('unknown-category', { field: 'category' });
  const data = { ...order, territories, branches };
  if (!('orderedAt' in data)) return [{ type: 'ordered', data }];
  if (data.orderedAt > command.at) return refuse('in-the-future', { field: 'orderedAt' });
  return [{ type: 'imported', data }];
}

function proceed(ticket: Ticket, command: TicketCommand): Decision {
  const { standing } = ticket;
  const { at } = command;
  switch (command.type) {
    case 'order':
    case 'import':
      return notNow(standing);
    case 'pass-time':
      return [];
    case 'erase-words': {
      const { words } = command;
      return words.length === 0 ? [] : [{ type: 'words-erased', data: { at, words } }];
    }
    case 'dispatch':
      return allows(standing, 'dispatch') ? dispatch(ticket, standing, command) : notNow(standing);
    case 'accept':
      return allows(standing, 'accept') ? accept(ticket, standing, command) : notNow(standing);
    case 'decline': {
      if (!allows(standing, 'decline')) return notNow(standing);
      const { handler, dispatcher } = standing;
      return [{ type: 'declined', data: { at, handler, dispatcher, reason: command.reason } }];
    }
    case 'note': {
      if (!allows(standing, 'note')) return notNow(standing);
      const type = command.audience === 'resident' ? 'noted-for-resident' : 'noted-internally';
      return [{ type, data: { at, note: command.note } }];
    }
    case 'attach': {
      const { by, file, kind, bytes } = command;
      return hindrance(ticket, 'attach') ?? [{ type: 'evidence-added', data: { at, file, kind, bytes, by } }];
    }
    case 'suspend':
      return allows(standing, 'suspend') ? suspend(standing, command) : notNow(standing);
    case 'resume': {
      if (!allows(standing, 'resume')) return notNow(standing);
      const deadline = resume(standing, at, command.calendar);
      if (deadline === undefined) return refuse('beyond-the-calendar');
      const { deadlinePassed } = standing;
      return [
        { type: 'resumed', data: { at, ...hands(standing), resolveBy: deadline, deadlinePassed, byItself: false } },
      ];
    }
    case 'resolve': {
      if (!allows(standing, 'resolve')) return notNow(standing);
      const { resolution } = command;
      return [{ type: 'resolved', data: { at, ...hands(standing), resolution, closeAt: closeAt(at) } }];
    }
    case 'rate':
      return allows(standing, 'rate') ? rate(ticket, standing, command) : notNow(standing);
    case 'reject': {
      if (!allows(standing, 'reject')) return notNow(standing);
      const { reason, explanation } = command;
      return [{ type: 'rejected', data: { at, reason, explanation } }];
    }
    case 'withdraw': {
      if (!allows(standing, 'withdraw')) return notNow(standing);
      const reason = command.reason === undefined ? {} : { reason: command.reason };
      return [{ type: 'withdrawn', data: { at, ...someHands(standing), ...reason } }];
    }
  }
}

function dispatch(ticket: Ticket, standing: StandingFor<'dispatch'>, command: CommandTo<'dispatch'>): Decision {
  const { at, handler, whereabouts, by, note, calendar } = command;
  if (whereabouts === undefined) return unknownHandler(handler);
  if (isOutside(ticket.territory, handler, whereabouts)) return refuse('outside-this-territory', { field: 'handler' });
  const deadline = acceptBy(calendar, at, ticket.urgency);
  if (deadline === undefined) return refuse('beyond-the-calendar');
  const before = 'acceptor' in standing ? { acceptor: standing.acceptor } : {};
  const data = { at, handler, dispatcher: by, acceptBy: deadline, ...before };
  return [{ type: 'dispatched', data: note === undefined ? data : { ...data, note } }];
}

/** Accepting starts the work at once; of an open call the one who accepts becomes the handler. */
function accept(ticket: Ticket, standing: StandingFor<'accept'>, { at, by, calendar }: CommandTo<'accept'>): Decision {
  const deadline = resolveBy(calendar, at, ticket.urgency);
  if (deadline === undefined) return refuse('beyond-the-calendar');
  const { dispatcher } = standing;
  const handler = takenBy(standing.handler, by);
  return [{ type: 'accepted', data: { at, handler, dispatcher, acceptor: by, resolveBy: deadline } }];
}

/** A pause stops the clock; what is left of it goes on afterwards. A deadline that has passed stays passed. */
function suspend(standing: StandingFor<'suspend'>, { at, until, reason, calendar }: CommandTo<'suspend'>): Decision {
  if (until <= at) return refuse('not-in-the-future', { field: 'until' });
  const left = timeLeft(calendar, at, standing.resolveBy);
  if (left === undefined) return refuse('beyond-the-calendar');
  const deadline = resume({ ...standing, left }, until, calendar);
  if (deadline === undefined) return refuse('beyond-the-calendar', { field: 'until' });
  const { deadlinePassed } = standing;
  const clock = { until, left, resolveBy: deadline, deadlinePassed };
  return [{ type: 'suspended', data: { at, ...hands(standing), reason, ...clock } }];
}

function resume(paused: Clock & { left: number }, at: Instant, calendar: WorkingCalendar): Instant | undefined {
  return paused.deadlinePassed ? paused.resolveBy : resumedResolveBy(calendar, at, paused.left);
}

/** The first bad rating opens the ticket again for the same handler; every bad rating asks for a call. */
function rate(ticket: Ticket, standing: StandingFor<'rate'>, command: CommandTo<'rate'>): Decision {
  const { at, satisfaction, remark, calendar } = command;
  const bad = satisfaction <= 2;
  const data = { at, ...hands(standing), satisfaction, followUpDue: bad };
  const rated: TicketEvent = { type: 'rated', data: remark === undefined ? data : { ...data, remark } };
  if (!bad || ticket.reopened === 1) return [rated];
  const deadline = resolveBy(calendar, at, ticket.urgency);
  if (deadline === undefined) return refuse('beyond-the-calendar');
  return [rated, { type: 'reopened', data: { at, ...hands(standing), resolveBy: deadline } }];
}

export const ticketDecider: Decider<Ticket, TicketCommand, TicketEvent, TicketRefusal> = { decide, evolve };
