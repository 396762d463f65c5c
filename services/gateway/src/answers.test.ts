import { rpcs } from '@bandeng/contracts';
import { Ticket } from '@bandeng/contracts/tickets';
import { describe, expect, test } from 'vitest';
import { omissionOf } from './answers.ts';
import { routesOf } from './routes.ts';

describe('an answer', () => {
  const get = routesOf(rpcs).find(({ rpc }) => rpc.name === 'GetTicket');
  const list = routesOf(rpcs).find(({ rpc }) => rpc.name === 'ListTickets');

  test('never holds an enum value that says nothing, at any depth', () => {
    const ticket = Ticket.fromPartial({ id: 'x', status: 'ORDERED', allowedActions: ['DISPATCH', 'UNSPECIFIED'] });
    const page = { tickets: [ticket], nextPageToken: '' };
    if (list !== undefined) omissionOf(list.response)(page);
    const json = JSON.stringify(list?.rpc.response.toJSON(page));
    expect(json).not.toContain('UNSPECIFIED');
    expect(JSON.parse(json).tickets[0]).toMatchObject({ id: 'x', status: 'ORDERED', allowedActions: ['DISPATCH'] });
    expect(JSON.parse(json).tickets[0]).not.toHaveProperty('urgency');
    expect(JSON.parse(json).tickets[0]).not.toHaveProperty('rating');
  });

  test('leaves out what has no value and keeps defaults that say something', () => {
    const ticket = Ticket.fromPartial({ id: 'x', handler: { handler: { $case: 'unit', value: 'u' } } });
    if (get !== undefined) omissionOf(get.response)(ticket);
    expect(Ticket.toJSON(ticket)).toMatchObject({ overdue: false, reopened: 0, handler: { unit: 'u' } });
    expect(Ticket.toJSON(ticket)).not.toHaveProperty('deadlines');
  });
});
