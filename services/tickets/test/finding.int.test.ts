import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elsewhere, fresh, order, startTown } from './town.ts';

/** Finding tickets by words over gRPC: only what one may see, by everything that people remember of it. */

let town: Awaited<ReturnType<typeof startTown>>;
let id: string;
let number: string;

beforeAll(async () => {
  town = await startTown();
  const ordered = await town.as('mei', 'OrderTicket', order, fresh());
  ({ id, number } = ordered.body);
  await town.as('mei', 'OrderTicket', { ...order, text: '水管漏水' }, fresh());
});
afterAll(async () => town?.stop());

const find = async (person: string, words: string, more: object = {}): Promise<string[]> => {
  const { body, reason } = await town.as(person, 'ListTickets', { words, ...more });
  expect(reason).toBe('');
  return (body.tickets ?? []).map((ticket: { id: string }) => ticket.id);
};

describe('a dispatcher', () => {
  it('finds a ticket by its words, its pinyin and its number', async () => {
    for (const words of ['路灯', '路灯 东门', 'ludeng', 'lu deng', 'dmk', number, number.slice(-6)]) {
      expect(await find('wang', words), words).toEqual([id]);
    }
  });

  it('finds within a status and a territory as without', async () => {
    expect(await find('wang', '路灯', { status: 'ORDERED', territory: order.territory })).toEqual([id]);
    expect(await find('wang', '路灯', { status: 'RESOLVED' })).toEqual([]);
  });

  it('turns pages of what was found', async () => {
    const first = await town.as('wang', 'ListTickets', { words: '东门', pageSize: 1 });
    expect(first.body.tickets).toHaveLength(1);
    const { nextPageToken: pageToken } = first.body;
    const second = await town.as('wang', 'ListTickets', { words: '东门', pageSize: 1, pageToken });
    expect(second.body.tickets.map((ticket: { id: string }) => ticket.id)).toEqual([id]);
    expect(second.body.nextPageToken ?? '').toBe('');
    const other = await town.as('wang', 'ListTickets', { words: '路灯', pageSize: 1, pageToken });
    expect(other).toMatchObject({ status: 400, reason: 'page-token-invalid' });
  });

  it('still finds a ticket that has moved on', async () => {
    await town.as('wang', 'NoteTicket', { id, text: '已经联系维修', audience: 'RESIDENT' });
    expect(await find('wang', '路灯')).toEqual([id]);
  });
});

it('whoever may not see a ticket does not find it', async () => {
  expect(await find('other-dispatcher', '路灯')).toEqual([]);
  expect(await find('other-dispatcher', '路灯', { territory: elsewhere })).toEqual([]);
  expect(await find('li', '路灯')).toEqual([]);
  expect(await find('mei', '路灯')).toEqual([id]);
});

it('one character is too little to search for, and says so', async () => {
  const refused = { status: 400, reason: 'words-too-short', fields: ['words'] };
  expect(await town.as('wang', 'ListTickets', { words: '灯' })).toMatchObject(refused);
  expect(await town.as('wang', 'ListTickets', { words: '灯'.repeat(61) })).toMatchObject({ status: 400 });
});
