/** What the world hears of tickets: opaque ids, no words of people. Past orders that were taken over, and internal notes, are not told. */
import { type Publications, type PublishedFields, publish } from '@bandeng/events';
import type { CategoryEvent } from './domain/category.ts';
import type { Hands, Ticket, TicketEvent } from './domain/ticket.ts';
import {
  spelledHandler,
  spelledKind,
  spelledRejection,
  spelledSatisfaction,
  spelledSource,
  spelledUrgency,
} from './spelling.ts';

/** What of a ticket the world may hear. */
export const publicFields = ['number', 'orderer', 'territory', 'urgency'] as const;
type PublicTicket = Pick<Ticket, (typeof publicFields)[number]>;
type Document = PublishedFields<PublicTicket>;

const number = ({ state }: Document) => ({ number: state.number });
const orderer = ({ state }: Document) => ({ orderer: state.orderer ?? '' });
const place = ({ state }: Document) => state.territory;
const someone = (handler: Hands['handler'] | undefined) =>
  handler === undefined ? undefined : spelledHandler(handler);

export const publications: Publications<TicketEvent, PublicTicket, Document> = {
  ordered: ({ data }, document) =>
    publish(
      'ticket-ordered',
      {
        ...number(document),
        territory: data.territory,
        category: data.category,
        urgency: spelledUrgency[data.urgency],
        source: spelledSource[data.source],
        ...orderer(document),
      },
      place(document),
    ),
  imported: 'private',
  dispatched: ({ data: { handler, acceptBy, dispatcher, acceptor = '' } }, document) => {
    const soon = { acceptBy: new Date(acceptBy), urgency: spelledUrgency[document.state.urgency] };
    const data = {
      ...number(document),
      handler: spelledHandler(handler),
      ...soon,
      dispatcher,
      acceptor,
      ...orderer(document),
    };
    return publish('ticket-dispatched', data, place(document));
  },
  accepted: ({ data: { handler, acceptor, resolveBy, dispatcher } }, document) => {
    const whose = { handler: spelledHandler(handler), acceptor, dispatcher, ...orderer(document) };
    return publish(
      'ticket-accepted',
      { ...number(document), ...whose, resolveBy: new Date(resolveBy) },
      place(document),
    );
  },
  declined: ({ data: { handler, dispatcher } }, document) =>
    publish('ticket-declined', { ...number(document), handler: spelledHandler(handler), dispatcher }, place(document)),
  'acceptance-lapsed': ({ data: { handler, dispatcher } }, document) => {
    const data = { ...number(document), handler: spelledHandler(handler), dispatcher };
    return publish('ticket-acceptance-lapsed', data, place(document));
  },
  'noted-for-resident': (_, document) =>
    publish('ticket-noted', { ...number(document), ...orderer(document) }, place(document)),
  'noted-internally': 'private',
  'evidence-added': ({ data: { file, kind, bytes: size } }, document) =>
    publish('ticket-evidence-added', { ...number(document), file, kind: spelledKind[kind], size }, place(document)),
  suspended: ({ data: { until, dispatcher } }, document) => {
    const data = { ...number(document), until: new Date(until), ...orderer(document), dispatcher };
    return publish('ticket-suspended', data, place(document));
  },
  resumed: ({ data: { resolveBy, acceptor } }, document) => {
    const data = { ...number(document), resolveBy: new Date(resolveBy), ...orderer(document), acceptor };
    return publish('ticket-resumed', data, place(document));
  },
  'deadline-passed': ({ data: { handler, acceptor, dispatcher } }, document) => {
    const data = { ...number(document), handler: spelledHandler(handler), acceptor, dispatcher };
    return publish('ticket-deadline-passed', data, place(document));
  },
  resolved: ({ data: { handler, closeAt, dispatcher } }, document) => {
    const whose = { handler: spelledHandler(handler), dispatcher, ...orderer(document) };
    return publish('ticket-resolved', { ...number(document), ...whose, closeAt: new Date(closeAt) }, place(document));
  },
  rated: ({ data: { satisfaction, handler, acceptor, dispatcher, followUpDue } }, document) => {
    const whose = { handler: spelledHandler(handler), acceptor, dispatcher };
    const data = { ...number(document), satisfaction: spelledSatisfaction[satisfaction], ...whose, followUpDue };
    return publish('ticket-rated', data, place(document));
  },
  reopened: ({ data: { handler, acceptor, resolveBy, dispatcher } }, document) => {
    const whose = { handler: spelledHandler(handler), acceptor, dispatcher, ...orderer(document) };
    return publish(
      'ticket-reopened',
      { ...number(document), ...whose, resolveBy: new Date(resolveBy) },
      place(document),
    );
  },
  closed: (_, document) => publish('ticket-closed', number(document), place(document)),
  rejected: ({ data: { reason } }, document) => {
    const data = { ...number(document), reason: spelledRejection[reason], ...orderer(document) };
    return publish('ticket-rejected', data, place(document));
  },
  withdrawn: ({ data: { handler, acceptor = '', dispatcher = '' } }, document) => {
    const data = { ...number(document), handler: someone(handler), acceptor, dispatcher };
    return publish('ticket-withdrawn', data, place(document));
  },
  // The world never had the words, and heard of the person from identity.
  'words-erased': 'private',
};

/** The tree of categories is the whole city's. */
export const categoryPublications: Publications<CategoryEvent, object> = {
  registered: ({ data: { branches, externalCode = '' } }) =>
    publish('category-registered', { category: branches.at(-1) ?? '', externalCode }, ''),
};
