import { expect, test } from 'vitest';
import { addressees, type Concern, type ToldEvent, toldOf } from './concerned.ts';

const holders = {
  dispatchers: () => ['dispatcher-1', 'dispatcher-2'],
  at: (handler: { kind: string; id: string }) =>
    handler.kind === 'person' ? [handler.id] : [`holder-of-${handler.id}`],
};

/** Who is told, and what it is to them. */
const told = (event: ToldEvent, concern: Concern): string[] =>
  addressees(event, concern, holders).map(({ recipient, kind }) =>
    'person' in recipient ? `${recipient.person}: ${kind}` : `${recipient.role} ${recipient.territory}: ${kind}`,
  );

test('on ordering the one who ordered and the community’s dispatchers are told', () => {
  expect(told('bandeng.tickets.ticket-ordered.v1', { orderer: 'resident' })).toEqual([
    'resident: progress',
    'dispatcher-1: task',
    'dispatcher-2: task',
  ]);
});

test('an order without an account is told to the dispatchers alone', () => {
  expect(told('bandeng.tickets.ticket-ordered.v1', { orderer: '' })).toEqual([
    'dispatcher-1: task',
    'dispatcher-2: task',
  ]);
});

test('on dispatch the holders of postings at the unit are told that something waits for them', () => {
  const concern = { orderer: 'resident', handler: { kind: 'unit', id: 'u1' } as const };
  expect(told('bandeng.tickets.ticket-dispatched.v1', concern)).toEqual(['resident: progress', 'holder-of-u1: task']);
});

test('whoever had taken what is dispatched anew is told that they have it no more', () => {
  const concern = { orderer: 'resident', acceptor: 'li', handler: { kind: 'unit', id: 'u1' } as const };
  expect(told('bandeng.tickets.ticket-dispatched.v1', concern)).toEqual([
    'resident: progress',
    'holder-of-u1: task',
    'li: result',
  ]);
});

test('an open call is one notice for the members of the community, not one for each', () => {
  const concern = { handler: { kind: 'open_call', id: '459901001001' } as const };
  expect(told('bandeng.tickets.ticket-dispatched.v1', concern)).toEqual(['member 459901001001: call']);
});

test('whoever concerns a step twice is told once, of what asks most of them', () => {
  const concern = { orderer: 'same', acceptor: 'same', dispatcher: 'same' };
  expect(told('bandeng.tickets.ticket-reopened.v1', concern)).toEqual(['same: task']);
});

test('a lapsed acceptance goes to whoever dispatches there when the one who dispatched is not known', () => {
  expect(told('bandeng.tickets.ticket-acceptance-lapsed.v1', {})).toEqual(['dispatcher-1: task', 'dispatcher-2: task']);
});

test('a silent closing is told to nobody', () => {
  expect(Object.keys(toldOf)).not.toContain('bandeng.tickets.ticket-closed.v1');
});
