import { given } from '@bandeng/decider/testing';
import { expect, it } from 'vitest';
import { chinaCalendar as calendar } from '../calendar-data.ts';
import { ticketDecider } from './decision.ts';
import type { TicketEvent } from './ticket.ts';

const at = '2026-11-24T02:00:00.000Z';
const acceptBy = '2026-11-25T02:00:00.000Z';
const resolveBy = '2026-12-01T02:00:00.000Z';

const ordered: TicketEvent = {
  type: 'ordered',
  data: {
    ...{ at, number: '459902-20261124-000001', territory: '459902001001501', category: '城乡建设.园林' },
    ...{ urgency: 'ordinary', source: 'guest', text: 'text', followHash: 'hash' },
    ...{ territories: ['4599', '459902001001', '459902001001501'], branches: ['城乡建设', '城乡建设.园林'] },
  },
};
const toParks = { handler: 'unit:parks', dispatcher: 'wang' } as const;
const byLi = { dispatcher: 'wang', acceptor: 'li' } as const;

/** A call to the unit, or an open one, that somebody took, and what they did then. */
const dispatched = (handler: 'unit:parks' | 'open_call:459902001001'): TicketEvent => ({
  type: 'dispatched',
  data: { at, handler, dispatcher: 'wang', acceptBy },
});
const accepted = (handler: 'unit:parks' | 'person:li'): TicketEvent => ({
  type: 'accepted',
  data: { at, handler, ...byLi, resolveBy },
});
const suspended = (handler: 'unit:parks' | 'person:li'): TicketEvent => ({
  type: 'suspended',
  data: { at, handler, ...byLi, reason: 'why', until: acceptBy, left: 1, resolveBy, deadlinePassed: false },
});

const dispatch = { type: 'dispatch', by: 'wang', at, calendar, handler: 'unit:parks', whereabouts: '459901' } as const;

it.each([
  ['worked on', []],
  ['suspended', [suspended('person:li')]],
])('what one person took by an open call goes to others while it is %s', (_, more) => {
  const taken = given(ticketDecider, ordered, dispatched('open_call:459902001001'), accepted('person:li'), ...more);
  const anew = taken.when(dispatch);
  anew.thenEvents({ type: 'dispatched', data: { at, ...toParks, acceptBy, acceptor: 'li' } });
  expect(anew.state()?.standing).toEqual({ status: 'dispatched', ...toParks, acceptBy });
  expect(anew.state()?.reason).toBeUndefined();
});

it.each([
  ['asked for by an open call', [dispatched('open_call:459902001001')]],
  ['taken by a unit', [dispatched('unit:parks'), accepted('unit:parks')]],
  ['suspended by a unit', [dispatched('unit:parks'), accepted('unit:parks'), suspended('unit:parks')]],
])('what is %s does not', (_, past) => {
  given(ticketDecider, ordered, ...past)
    .when(dispatch)
    .thenRefused('not-in-this-state');
});
