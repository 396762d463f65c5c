/** A ticket as the contract shows it, to those who may see it. */
import type { Action as Permission } from '@bandeng/access';
import type {
  Category as CategoryMessage,
  Deadlines,
  Evidence,
  TicketAction_Value,
  Ticket as TicketMessage,
} from '@bandeng/contracts/tickets';
import type { Stored } from '@bandeng/records';
import { hindrance } from './domain/actions.ts';
import type { Category, CategoryEvent } from './domain/category.ts';
import { categoryId } from './domain/category.ts';
import { passTime } from './domain/passing-time.ts';
import type { Action, Standing, Ticket, TicketEvent, WordId } from './domain/ticket.ts';
import type { Sight } from './sight.ts';
import {
  spelledAction,
  spelledHandler,
  spelledKind,
  spelledRejection,
  spelledSatisfaction,
  spelledSource,
  spelledStatus,
  spelledUrgency,
} from './spelling.ts';

export type StoredTicket = Stored<Ticket, TicketEvent>;

const permissions: { readonly [A in Action]: Permission } = {
  dispatch: 'tickets.dispatch',
  accept: 'tickets.accept',
  decline: 'tickets.decline',
  note: 'tickets.note',
  attach: 'tickets.attach',
  suspend: 'tickets.suspend',
  resume: 'tickets.resume',
  resolve: 'tickets.resolve',
  rate: 'tickets.rate',
  reject: 'tickets.reject',
  withdraw: 'tickets.withdraw',
};
const actions = Object.keys(permissions).filter((word): word is Action => word in permissions);

/** What may be done to a ticket now: what is permitted and not hindered, no more and no less. */
export function allowedActions(ticket: Ticket, permitted: ReadonlySet<Permission>, at: string): TicketAction_Value[] {
  const { now } = passTime(ticket, at);
  const allowed = actions.filter(
    (action) => permitted.has(permissions[action]) && hindrance(now, action) === undefined,
  );
  return allowed.map((action) => spelledAction[action]);
}

/** The words that a ticket points to; empty where there are none, or where they were erased. */
export function wordsOf({ words }: Pick<StoredTicket, 'words'>, id: WordId | undefined): string {
  return id === undefined ? '' : (words[id]?.text ?? '');
}

/** The instants that run where a ticket stands. */
export function deadlinesOf(standing: Standing): Deadlines {
  const none: Deadlines = { acceptBy: undefined, resolveBy: undefined, suspendedUntil: undefined, closeAt: undefined };
  switch (standing.status) {
    case 'dispatched':
      return { ...none, acceptBy: new Date(standing.acceptBy) };
    case 'in_progress':
      return { ...none, resolveBy: new Date(standing.resolveBy) };
    case 'suspended':
      return { ...none, suspendedUntil: new Date(standing.until) };
    case 'resolved':
      return { ...none, closeAt: new Date(standing.closeAt) };
    case 'ordered':
    case 'rated':
    case 'closed':
    case 'rejected':
    case 'withdrawn':
      return none;
  }
}

/** What shows how it is, or what was done. */
export function evidenceOf({ evidence = [] }: Pick<Ticket, 'evidence'>, sight: Sight): Evidence[] {
  return evidence.map(({ file, kind, bytes: size, by, addedAt }) => ({
    file,
    kind: spelledKind[kind],
    size,
    addedAt: new Date(addedAt),
    person: sight.people && isPerson(by) ? by : '',
  }));
}

/** Others are written with what they are before a colon; a guest is just that. */
function isPerson(by: string): boolean {
  return by !== 'guest' && !by.includes(':');
}

/** A ticket with what the caller may see of it and do to it. */
export function ticketMessage(
  stored: StoredTicket,
  sight: Sight,
  allowed: readonly TicketAction_Value[],
): TicketMessage {
  const { state } = stored;
  const { standing } = state;
  const words = (id: WordId | undefined) => wordsOf(stored, id);
  const handler = 'handler' in standing ? standing.handler : undefined;
  const shown = handler !== undefined && (sight.people || !handler.startsWith('person:'));
  const acceptor = 'acceptor' in standing ? standing.acceptor : undefined;
  const declined = sight.internal ? words(state.declineReason) : '';
  return {
    id: stored.id,
    version: stored.version,
    number: state.number,
    status: spelledStatus[standing.status],
    text: words(state.text),
    place: words(state.place),
    displayName: sight.people || sight.own ? words(state.displayName) : '',
    territory: state.territory,
    category: state.category,
    urgency: spelledUrgency[state.urgency],
    source: spelledSource[state.source],
    handler: shown ? spelledHandler(handler) : undefined,
    acceptor: sight.people ? (acceptor ?? '') : '',
    orderer: sight.people || sight.own ? (state.orderer ?? '') : '',
    deadlines: deadlinesOf(standing),
    overdue: state.overdue,
    reopened: state.reopened,
    followUpDue: state.followUpDue,
    resolution: words(state.resolution),
    rating: state.rating && spelledSatisfaction[state.rating],
    ratingRemark: words(state.ratingRemark),
    rejectionReason: standing.status === 'rejected' ? spelledRejection[standing.rejectionReason] : undefined,
    reason: words(state.reason) || declined,
    orderedAt: new Date(state.orderedAt),
    changedAt: new Date(state.changedAt),
    allowedActions: [...allowed],
    followCode: '',
    evidence: evidenceOf(state, sight),
  };
}

export function categoryMessage({ version, state }: Stored<Category, CategoryEvent>): CategoryMessage {
  const { path, externalCode = '' } = state;
  return { id: categoryId(path), version, path: [...path], externalCode };
}
