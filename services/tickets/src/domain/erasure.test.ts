import { given } from '@bandeng/decider/testing';
import { expect, it } from 'vitest';
import { ticketDecider } from './decision.ts';
import type { TicketEvent } from './ticket.ts';

const at = '2026-11-24T02:00:00.000Z';
const later = '2026-11-24T03:00:00.000Z';
const ordered: TicketEvent = {
  type: 'ordered',
  data: {
    at,
    number: '459902-20261124-000001',
    territory: '459902001001501',
    territories: ['4599', '459902001001', '459902001001501'],
    category: '城乡建设.园林',
    branches: ['城乡建设', '城乡建设.园林'],
    urgency: 'ordinary',
    source: 'resident',
    orderer: 'mei',
    text: 'text',
    displayName: 'display-name',
    followHash: 'hash',
  },
};
const dispatched: TicketEvent = {
  type: 'dispatched',
  data: { at, handler: 'open_call:459902001001', dispatcher: 'wang', acceptBy: '2026-11-24T02:30:00.000Z' },
};

it('a ticket whose orderer was erased goes on as it stood, without the words', () => {
  const then = given(ticketDecider, ordered).when({ type: 'erase-words', at: later, words: ['text', 'display-name'] });
  then.thenEvents({ type: 'words-erased', data: { at: later, words: ['text', 'display-name'] } });
  expect(then.state()).toMatchObject({ standing: { status: 'ordered' }, orderer: 'mei', changedAt: later });
});

it('a ticket that has ended loses its words all the same', () => {
  const withdrawn: TicketEvent = { type: 'withdrawn', data: { at } };
  given(ticketDecider, ordered, withdrawn)
    .when({ type: 'erase-words', at: later, words: ['text'] })
    .thenEvents({ type: 'words-erased', data: { at: later, words: ['text'] } });
});

it('nothing happens to a ticket without words of that person', () => {
  given(ticketDecider, ordered).when({ type: 'erase-words', at: later, words: [] }).thenNothing();
});

it('time passes before, as before every command', () => {
  const events = given(ticketDecider, ordered, dispatched)
    .when({ type: 'erase-words', at: later, words: ['text'] })
    .events();
  expect(events.map(({ type }) => type)).toEqual(['acceptance-lapsed', 'words-erased']);
});

it('there is nothing to erase where there is no ticket', () => {
  given(ticketDecider)
    .when({ type: 'erase-words', at, words: ['text'] })
    .thenRefused('not-found');
});
