import { expect, test } from 'vitest';
import type { Delivery } from './domain/delivery.ts';
import { contentsOf } from './letters.ts';

const told = (event: string, number: string, postedAt: string): Delivery => ({
  notice: 'n',
  person: 'mei',
  channel: 'email',
  kind: 'task',
  urgent: false,
  event,
  ticket: 't',
  number,
  postedAt,
  plannedAt: postedAt,
  territories: [],
  status: 'sending',
  tries: 1,
});
const dispatched = told('bandeng.tickets.ticket-dispatched.v1', '459901-20261124-000001', '2026-11-24T01:00:00.000Z');
const resolved = told('bandeng.tickets.ticket-resolved.v1', '459901-20261123-000007', '2026-11-23T17:30:00.000Z');

test('a letter of one notice says its title and number', () => {
  expect(contentsOf([dispatched], 'zh-CN')).toMatchObject({
    subject: '【板凳】社区已派单 459901-20261124-000001',
    text: expect.stringMatching(/^编号 459901-20261124-000001 的点单已派出，等待接单。/),
  });
  expect(contentsOf([dispatched], 'en').subject).toBe('[Bandeng] Dispatched 459901-20261124-000001');
});

test('a letter of several says when each happened in China, oldest first', () => {
  const { subject, text } = contentsOf([dispatched, resolved], 'zh-CN');
  expect(subject).toBe('【板凳】2 条通知');
  expect(text.split('\n\n').slice(0, 2)).toEqual([
    expect.stringMatching(/^2026-11-24 01:30 {2}已办结，请评价\n/),
    expect.stringMatching(/^2026-11-24 09:00 {2}社区已派单\n/),
  ]);
});
