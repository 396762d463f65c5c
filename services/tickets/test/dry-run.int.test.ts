import { afterAll, beforeAll, expect, it } from 'vitest';
import { building, category, startTown } from './town.ts';

/** What would come of an import, said before anything does. */

let town: Awaited<ReturnType<typeof startTown>>;
beforeAll(async () => {
  town = await startTown();
});
afterAll(async () => town?.stop());

const past = {
  source: 'hotline',
  sourceId: '7',
  orderedAt: new Date('2019-05-28T03:31:04Z'),
  text: '路灯不亮',
  territory: building,
  category,
};
const imported = (more: object = {}) =>
  town.asClient('tickets.import tickets.read', 'ImportTicket', { ...past, ...more });

it('a dry run shows the ticket as it would be, and takes nothing over', async () => {
  const would = await imported({ dryRun: true });
  expect(would).toMatchObject({
    status: 200,
    replayed: false,
    body: { status: 'ORDERED', text: past.text, source: 'IMPORT' },
  });
  expect((await town.as('wang', 'ListTickets', {})).body.tickets).toEqual([]);
  expect((await town.as('wang', 'GetTicket', { id: would.body.id })).status).toBe(404);
  expect(await imported({ dryRun: true, category: '没有这一类' })).toMatchObject({ status: 422, fields: ['category'] });
  expect(await imported({ dryRun: true, orderedAt: new Date('2030-01-01') })).toMatchObject({ fields: ['orderedAt'] });
});

it('it knows what is there already, and what came with other content', async () => {
  const real = await imported();
  expect(real).toMatchObject({ status: 200, replayed: false });
  expect(await imported({ dryRun: true })).toMatchObject({ status: 200, replayed: true, body: { id: real.body.id } });
  const other = await imported({ dryRun: true, text: '别的' });
  expect(other).toMatchObject({ status: 422, reason: 'source-id-reused', fields: ['sourceId'] });
});

it('a category is tried in the same way', async () => {
  const register = (more: object) => town.as('wu', 'RegisterCategory', { path: ['交通', '停车'], ...more });
  expect(await register({ dryRun: true })).toMatchObject({ status: 200, replayed: false, body: { id: '交通.停车' } });
  expect((await town.as('wu', 'GetCategory', { id: '交通.停车' })).status).toBe(404);
  await register({});
  expect(await register({ dryRun: true })).toMatchObject({ status: 200, replayed: true });
});
