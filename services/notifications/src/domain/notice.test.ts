import { given } from '@bandeng/decider/testing';
import { expect, test } from 'vitest';
import { type NoticeEvent, notice, recipientKey } from './notice.ts';

const told = {
  recipient: { person: 'resident' },
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

test('a notice is read once, and the first reading counts', () => {
  const read = given(notice, posted).when({ type: 'read', at: '2026-11-24T02:00:00.000Z' });
  read.thenEvents({ type: 'read', data: { readAt: '2026-11-24T02:00:00.000Z' } });
  expect(read.state()?.readAt).toBe('2026-11-24T02:00:00.000Z');
  given(notice, posted, ...read.events())
    .when({ type: 'read', at: '2026-11-24T03:00:00.000Z' })
    .thenNothing();
});

test('what was never posted cannot be read', () => {
  given(notice).when({ type: 'read', at: '2026-11-24T02:00:00.000Z' }).thenRefused('not-found');
});

test('a notice for many is found by its role and territory', () => {
  expect(recipientKey({ person: 'p' })).toBe('person:p');
  expect(recipientKey({ role: 'member', territory: '459901001001' })).toBe('member:459901001001');
});
