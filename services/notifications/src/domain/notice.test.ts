import { given } from '@bandeng/decider/testing';
import { expect, test } from 'vitest';
import { isFor, type NoticeEvent, notice, readAtOf, recipientKey } from './notice.ts';

const told = {
  recipients: [
    { person: 'resident' },
    { person: 'dispatcher' },
    { role: 'member' as const, territory: '459901001001' },
  ],
  event: 'bandeng.tickets.ticket-accepted.v1',
  ticket: 'ticket-1',
  number: '459901-20261124-000001',
  postedAt: '2026-11-24T01:00:00.000Z',
};
const posted: NoticeEvent = { type: 'posted', data: told };

test('a notice is posted once, however often it is told', () => {
  given(notice).when({ type: 'post', notice: told }).thenEvents(posted);
  given(notice, posted).when({ type: 'post', notice: told }).thenNothing();
});

test('each of its people reads it once, and the first reading counts', () => {
  const read = given(notice, posted).when({ type: 'read', person: 'resident', at: '2026-11-24T02:00:00.000Z' });
  read.thenEvents({ type: 'read', data: { person: 'resident', readAt: '2026-11-24T02:00:00.000Z' } });
  given(notice, posted, ...read.events())
    .when({ type: 'read', person: 'resident', at: '2026-11-24T03:00:00.000Z' })
    .thenNothing();
  const at = '2026-11-24T04:00:00.000Z';
  const both = given(notice, posted, ...read.events()).when({ type: 'read', person: 'dispatcher', at });
  const state = both.state();
  expect(state && ['resident', 'dispatcher', 'member'].map((person) => readAtOf(state, person))).toEqual([
    '2026-11-24T02:00:00.000Z',
    at,
    undefined,
  ]);
});

test('what was never posted cannot be read, nor can others read it by name', () => {
  const at = '2026-11-24T02:00:00.000Z';
  given(notice).when({ type: 'read', person: 'resident', at }).thenRefused('not-found');
  given(notice, posted).when({ type: 'read', person: 'somebody', at }).thenRefused('not-found');
  expect(isFor(told, 'dispatcher')).toBe(true);
  expect(isFor(told, 'somebody')).toBe(false);
});

test('a notice for those who hold a role is found by the role and its territory', () => {
  expect(recipientKey({ person: 'p' })).toBe('person:p');
  expect(recipientKey({ role: 'member', territory: '459901001001' })).toBe('member:459901001001');
});
