import { expect, test } from 'vitest';
import { recipients, toldOf } from './concerned.ts';

const holders = {
  dispatchers: () => ['dispatcher-1', 'dispatcher-2'],
  at: (handler: { kind: string; id: string }) =>
    handler.kind === 'person' ? [handler.id] : [`holder-of-${handler.id}`],
};

test('on ordering the one who ordered and the community’s dispatchers are told', () => {
  expect(recipients('bandeng.tickets.ticket-ordered.v1', { orderer: 'resident' }, holders)).toEqual([
    { person: 'resident' },
    { person: 'dispatcher-1' },
    { person: 'dispatcher-2' },
  ]);
});

test('an order without an account is told to the dispatchers alone', () => {
  expect(recipients('bandeng.tickets.ticket-ordered.v1', { orderer: '' }, holders)).toEqual([
    { person: 'dispatcher-1' },
    { person: 'dispatcher-2' },
  ]);
});

test('on dispatch the holders of postings at the unit are told', () => {
  const concern = { orderer: 'resident', handler: { kind: 'unit', id: 'u1' } as const };
  expect(recipients('bandeng.tickets.ticket-dispatched.v1', concern, holders)).toEqual([
    { person: 'resident' },
    { person: 'holder-of-u1' },
  ]);
});

test('an open call is one notice for the members of the community, not one for each', () => {
  const concern = { handler: { kind: 'open_call', id: '459901001001' } as const };
  expect(recipients('bandeng.tickets.ticket-dispatched.v1', concern, holders)).toEqual([
    { role: 'member', territory: '459901001001' },
  ]);
});

test('whoever concerns a step twice is told once', () => {
  const concern = { orderer: 'same', acceptor: 'same', dispatcher: 'same' };
  expect(recipients('bandeng.tickets.ticket-reopened.v1', concern, holders)).toEqual([{ person: 'same' }]);
});

test('a lapsed acceptance goes to whoever dispatches there when the one who dispatched is not known', () => {
  expect(recipients('bandeng.tickets.ticket-acceptance-lapsed.v1', {}, holders)).toEqual([
    { person: 'dispatcher-1' },
    { person: 'dispatcher-2' },
  ]);
});

test('a silent closing is told to nobody', () => {
  expect(Object.keys(toldOf)).not.toContain('bandeng.tickets.ticket-closed.v1');
});
