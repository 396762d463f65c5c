import type { Document } from '@bandeng/records';
import { wasteIn } from '@bandeng/testing/queries';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  dueTo,
  failedDeliveries,
  inboxPage,
  myDeliveries,
  peopleDue,
  preferencesOf,
  readAlready,
  readingsOf,
  waitingFor,
} from '../src/queries.ts';
import { ids } from '../src/records.ts';
import { office } from './office.ts';

/** Every question of this service goes by an index, in a city that has told its people much. */

type Office = Awaited<ReturnType<typeof office>>;

const number = 4_000;
const people = 11;
const noon = Date.parse('2026-11-24T04:00:00.000Z');
const districts = ['459901', '459902'];

let desk: Office;

beforeAll(async () => {
  desk = await office();
  const fill = async (name: string, document: (index: number) => Document): Promise<void> => {
    const documents = Array.from({ length: number }, (_, index) => ({
      version: 1,
      history: [],
      ...document(index),
    }));
    await desk.database.collection<Document & { _id: string }>(name).insertMany(documents as never[]);
  };
  await fill('notices', (index) => ({
    _id: `notice-${index}`,
    to: [
      index % 5 === 0 ? 'member:459901001001' : 'person:dispatcher',
      `${index % 3 === 0 ? '' : 'read:'}person:p${index % people}`,
    ],
    recipients: [{ person: `p${index % people}` }],
    readBy: index % 3 === 0 ? [] : [{ person: `p${index % people}`, readAt: new Date(noon) }],
    postedAt: new Date(noon - Math.floor(index / 2) * 60_000),
  }));
  await fill('readings', (index) => ({ _id: ids.reading(`notice-${index}`, 'p1'), readAt: new Date(noon) }));
  await fill('preferences', (index) => ({ _id: ids.preferences(`p${index}`), person: `p${index}`, choices: [] }));
  await fill('deliveries', (index) => {
    const at = new Date(noon - Math.floor(index / 2) * 60_000);
    const district = districts[index % 2] ?? '';
    const state = index % 10;
    return {
      _id: `delivery-${index}`,
      person: `p${index % people}`,
      notice: `notice-${index}`,
      channel: ['email', 'sms'][index % 3] ?? 'webhook',
      plannedAt: at,
      territories: ['45', '4599', district, `${district}001`],
      ...(state === 0 ? { failedAt: at } : {}),
      ...(state === 1 ? { nextDue: at } : {}),
      ...(state === 2 ? { nextDue: new Date(noon + 60_000) } : {}),
    };
  });
});

afterAll(() => desk.close());

const mine = (person: string) => [`person:${person}`, 'member:459901001001'];

it('an inbox is read page by page, also of what is unread, and with what is for many', async () => {
  const waste = await wasteIn(desk.database, async () => {
    for (const to of [mine('p1'), mine('p1').slice(0, 1)]) {
      for (const unread of [false, true]) {
        let after: { postedAt: string; id: string } | undefined;
        for (let page = 0; page < 3; page++) {
          const found = await inboxPage(desk.kept.notices, { to, unread, size: 21, after });
          expect(found).toHaveLength(21);
          const last = found.at(-1);
          after = last && { postedAt: last.state.postedAt, id: last.id };
        }
      }
    }
    await readingsOf(desk.kept.readings, [ids.reading('notice-1', 'p1'), ids.reading('notice-2', 'p2')]);
    await preferencesOf(desk.kept.wishes, ['p1', 'p2', 'nobody']);
  });
  expect(waste).toEqual([]);
});

it('what is due costs what is due, however much was sent before', async () => {
  const waste = await wasteIn(desk.database, async () => {
    expect((await peopleDue(desk.kept.deliveries, new Date(noon), 100)).size).toBeGreaterThan(0);
    const due = await dueTo(desk.kept.deliveries, 'p1', new Date(noon));
    expect(due.length).toBeGreaterThan(0);
    await readAlready(desk.kept, due.slice(0, 10));
    await waitingFor(desk.kept.deliveries, 'p1');
  });
  expect(waste).toEqual([]);
});

it('a person’s deliveries and those that failed in a district are read page by page', async () => {
  const waste = await wasteIn(desk.database, async () => {
    const withins = [[{ territories: '459901' }], [{ territories: '459901' }, { territories: '459902001' }]];
    for (let page = 0, after: { at: string; id: string } | undefined; page < 3; page++) {
      const found = await myDeliveries(desk.kept.deliveries, { person: 'p1', size: 21, after });
      const last = found.at(-1);
      after = last && { at: last.state.plannedAt, id: last.id };
    }
    for (const within of withins) {
      for (const channel of [undefined, 'email' as const]) {
        let after: { at: string; id: string } | undefined;
        for (let page = 0; page < 3; page++) {
          const found = await failedDeliveries(desk.kept.deliveries, { within, channel, size: 21, after });
          const last = found.at(-1);
          if (last === undefined) break;
          const at = noon - Math.floor(Number(last.id.slice('delivery-'.length)) / 2) * 60_000;
          after = { at: new Date(at).toISOString(), id: last.id };
        }
      }
    }
  });
  expect(waste).toEqual([]);
});
