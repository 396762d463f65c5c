import { eventually } from '@bandeng/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Answer,
  building,
  category,
  community,
  dispatchTo,
  elsewhere,
  fresh,
  grid,
  openCall,
  order,
  startTown,
  toParks,
  tuesday,
} from './town.ts';

/** Who may see and do what, what is refused, past orders, lists and categories, over gRPC, on real parts. */

let town: Awaited<ReturnType<typeof startTown>>;

const ids = ({ body }: Answer): string[] => (body.tickets ?? []).map(({ id }: { id: string }) => id);

beforeAll(async () => {
  town = await startTown();
});
beforeEach(() => town.setClock(tuesday));
afterAll(async () => town?.stop());

describe('without an account', () => {
  it('a guest orders, follows by the code, and rates with it', async () => {
    const { body } = await town.asGuest('OrderTicket', order, fresh());
    expect(body).toMatchObject({ source: 'GUEST', status: 'ORDERED' });
    const code = body.followCode.toLowerCase().replace(/(.{4})(.{4})/, '$1-$2-');
    await town.as('wang', 'DispatchTicket', { id: body.id, ...toParks, note: '内部' });
    await town.as('li', 'AcceptTicket', { id: body.id });
    await town.as('li', 'ResolveTicket', { id: body.id, resolution: '好了' });
    const followed = await town.asGuest('FollowTicket', { code });
    expect(followed.body).toMatchObject({
      status: 'RESOLVED',
      resolution: '好了',
      allowedActions: ['ATTACH', 'RATE'],
      number: body.number,
    });
    expect(JSON.stringify(followed.body)).not.toMatch(/wang|内部|"li"/);
    const rated = await town.asGuest('RateFollowedTicket', { code, satisfaction: 'SATISFIED', remark: '不错' });
    expect(rated.body).toMatchObject({ status: 'RATED', rating: 'SATISFIED' });
    expect(rated.body.allowedActions ?? []).toEqual([]);
    expect(await town.asGuest('RateFollowedTicket', { code, satisfaction: 'SATISFIED' })).toMatchObject({
      status: 409,
    });
  });

  it('a guest needs a key that nobody guesses, and a code that there is', async () => {
    const refused = { status: 400, reason: 'idempotency-key-needed', fields: ['idempotencyKey'] };
    expect(await town.asGuest('OrderTicket', order)).toMatchObject(refused);
    expect(await town.asGuest('OrderTicket', order, { key: 'short' })).toMatchObject(refused);
    expect(await town.asGuest('FollowTicket', { code: '000000000000' })).toMatchObject({
      status: 404,
      reason: 'not-found',
    });
  });
});

describe('who may see and do what', () => {
  it('to others a ticket is not there', async () => {
    const id = await town.ordered();
    for (const person of ['stranger', 'other-dispatcher', 'li', 'zhao']) {
      expect(await town.as(person, 'GetTicket', { id })).toMatchObject({ status: 404, reason: 'not-found' });
      expect(await town.as(person, 'DispatchTicket', { id, ...toParks })).toMatchObject({
        status: 404,
        reason: 'not-found',
      });
    }
    expect(await town.as('wang', 'GetTicket', { id: 'nothing' })).toMatchObject({ status: 404, reason: 'not-found' });
  });

  it('who sees it may still not do it', async () => {
    const id = await town.ordered();
    expect(await town.as('sun', 'DispatchTicket', { id, ...toParks })).toMatchObject({
      status: 403,
      reason: 'not-permitted',
    });
    expect(await town.as('mei', 'DispatchTicket', { id, ...toParks })).toMatchObject({
      status: 403,
      reason: 'not-permitted',
    });
    expect(await town.as('wang', 'WithdrawTicket', { id })).toMatchObject({ status: 403, reason: 'not-permitted' });
  });

  it('an auditor reads everything but personal data', async () => {
    const id = await town.inProgress();
    const { body } = await town.as('zhou', 'GetTicket', { id });
    expect([body.orderer ?? '', body.acceptor ?? '', body.displayName ?? '']).toEqual(['', '', '']);
    const { body: line } = await town.as('zhou', 'GetTicketTimeline', { id });
    expect(JSON.stringify(line)).not.toMatch(/wang|"li"|name of/);
  });

  it('who could act in two capacities names one', async () => {
    const id = await town.ordered();
    const unsaid = await town.as('twice', 'DispatchTicket', { id, ...toParks });
    expect(unsaid).toMatchObject({ status: 400, reason: 'capacity-needed' });
    const said = await town.as('twice', 'DispatchTicket', { id, ...toParks }, { actingAs: 'posting-10' });
    expect(said.status).toBe(200);
    const { body } = await town.as('wang', 'GetTicketTimeline', { id });
    expect(body.entries[1]).toMatchObject({ person: 'twice', posting: 'posting-10' });
  });

  it('on behalf of a resident orders who has a posting there; the resident follows by the code', async () => {
    const { body } = await town.as('sun', 'OrderTicket', { ...order, onBehalf: true }, fresh());
    expect(body).toMatchObject({ source: 'ON_BEHALF' });
    expect(body.orderer ?? '').toBe('');
    expect(await town.as('mei', 'OrderTicket', { ...order, onBehalf: true })).toMatchObject({ status: 403 });
    const system = await town.asClient('tickets.order', 'OrderTicket', order, fresh());
    expect(system.body).toMatchObject({ source: 'SYSTEM' });
    expect(await town.asClient('tickets.read', 'OrderTicket', order)).toMatchObject({ status: 403 });
  });
});

describe('bad input', () => {
  it('names the field', async () => {
    const unknown = { ...order, territory: '459902001009' };
    expect(await town.as('mei', 'OrderTicket', unknown)).toMatchObject({
      reason: 'unknown-territory',
      fields: ['territory'],
    });
    expect(await town.as('mei', 'OrderTicket', { ...order, territory: '459902' })).toMatchObject({
      reason: 'unknown-territory',
    });
    expect(await town.as('mei', 'OrderTicket', { ...order, category: '没有' })).toMatchObject({
      reason: 'unknown-category',
    });
    expect(await town.as('mei', 'OrderTicket', { ...order, text: '' })).toMatchObject({
      status: 400,
      fields: ['text'],
    });
    const id = await town.ordered();
    const cases = [
      [{ $case: 'unit', value: 'none' }, 'unknown-unit'],
      [{ $case: 'unit', value: 'far' }, 'outside-this-territory'],
      [{ $case: 'grid', value: `${community}009` }, 'unknown-grid'],
      [{ $case: 'openCall', value: elsewhere }, 'outside-this-territory'],
      [{ $case: 'openCall', value: grid }, 'unknown-community'],
      [{ $case: 'person', value: 'zhao' }, 'not-dispatchable'],
    ] as const;
    for (const [choice, reason] of cases) {
      expect(await town.as('wang', 'DispatchTicket', { id, ...dispatchTo(choice) })).toMatchObject({ reason });
    }
    expect((await town.as('wang', 'GetTicket', { id })).body.version).toBe(1);
  });

  it('a branch of the tree is a category, and a padded code a territory', async () => {
    const { body } = await town.as('mei', 'OrderTicket', {
      ...order,
      category: '城乡建设',
      territory: `${community}000`,
    });
    expect(body).toMatchObject({ category: '城乡建设', territory: community });
  });

  it('a stale version changes nothing', async () => {
    const id = await town.ordered();
    const stale = await town.as('wang', 'DispatchTicket', { id, ...toParks }, { ifMatch: '"7"' });
    expect(stale).toMatchObject({ status: 412, reason: 'stale-version' });
    expect((await town.as('wang', 'DispatchTicket', { id, ...toParks }, { ifMatch: '"1"' })).status).toBe(200);
  });
});

describe('past orders', () => {
  const past = {
    source: 'hotline',
    text: '修路',
    territory: community,
    category,
    orderedAt: new Date('2015-03-01T01:00:00Z'),
  };
  const take = (request: object) => town.asClient('tickets.import', 'ImportTicket', request);

  it('are taken over once, keep their date, run no clock and are told to nobody', async () => {
    const { body, replayed } = await take({ ...past, sourceId: 'H-1' });
    expect(replayed).toBe(false);
    expect(body).toMatchObject({ source: 'IMPORT', orderedAt: '2015-03-01T01:00:00.000Z', status: 'ORDERED' });
    expect(body.number).toMatch(/^459902-20150301-/);
    expect(await take({ ...past, sourceId: 'H-1' })).toMatchObject({ replayed: true, body: { id: body.id } });
    const other = await take({ ...past, sourceId: 'H-1', text: '修桥' });
    expect(other).toMatchObject({ status: 422, reason: 'source-id-reused', fields: ['sourceId'] });
    const dispatched = await town.as('wang', 'DispatchTicket', { id: body.id, ...toParks });
    expect(dispatched.body.deadlines.acceptBy).toContain('2026-11-25T02:00');
    await eventually(() => expect(town.told(body.id)).toEqual(['ticket-dispatched']), { within: 10_000 });
  });

  it('do not come from tomorrow, nor from whoever may not', async () => {
    const tomorrow = { ...past, sourceId: 'H-2', orderedAt: new Date('2026-11-25T10:00:00Z') };
    expect(await take(tomorrow)).toMatchObject({ status: 422, reason: 'in-the-future', fields: ['orderedAt'] });
    expect(await town.as('mei', 'ImportTicket', { ...past, sourceId: 'H-3' })).toMatchObject({ status: 403 });
  });
});

describe('lists', () => {
  it('show what one may see, page by page', async () => {
    town.setClock('2026-11-24T17:00:00+08:00');
    const mine = [await town.ordered(), await town.ordered(), await town.ordered()];
    const first = await town.as('mei', 'ListTickets', { pageSize: 2 });
    expect(ids(first)).toEqual([mine[2], mine[1]]);
    expect(first.body.tickets[0].allowedActions).toEqual(['ATTACH', 'WITHDRAW']);
    const pageToken = first.body.nextPageToken;
    expect(ids(await town.as('mei', 'ListTickets', { pageSize: 2, pageToken }))[0]).toBe(mine[0]);
    const invalid = { status: 400, reason: 'page-token-invalid', fields: ['pageToken'] };
    expect(await town.as('wang', 'ListTickets', { pageSize: 2, pageToken })).toMatchObject(invalid);
    expect(await town.as('mei', 'ListTickets', { status: 'ORDERED', pageToken })).toMatchObject(invalid);
    expect(ids(await town.as('stranger', 'ListTickets', {}))).toEqual([]);
  });

  it('are narrowed by territory or handler, status and category, and by nothing else', async () => {
    town.setClock('2026-11-24T17:30:00+08:00');
    const id = await town.inProgress();
    const inTerritory = { territory: community, status: 'IN_PROGRESS', category: '城乡建设' };
    expect(ids(await town.as('wang', 'ListTickets', inTerritory))).toContain(id);
    expect(ids(await town.as('zheng', 'ListTickets', { territory: building }))).toContain(id);
    expect(ids(await town.as('sun', 'ListTickets', { territory: grid }))).toContain(id);
    expect(ids(await town.as('li', 'ListTickets', { handler: 'unit:parks', status: 'IN_PROGRESS' }))).toContain(id);
    expect(ids(await town.as('li', 'ListTickets', { status: 'ORDERED' }))).toEqual([]);
    expect(ids(await town.as('wang', 'ListTickets', { territory: elsewhere }))).toEqual([]);
    expect(await town.as('wang', 'ListTickets', { territory: community, handler: 'unit:parks' })).toMatchObject({
      status: 400,
      reason: 'unknown-query',
    });
  });
});

describe('lists by who has a ticket', () => {
  it('tell it to those alone who are shown it in the ticket, and everybody their own', async () => {
    town.setClock('2026-11-24T11:00:00+08:00');
    const id = await town.ordered();
    await town.as('wang', 'DispatchTicket', { id, ...openCall });
    expect((await town.as('zhao', 'AcceptTicket', { id })).body.handler).toEqual({ person: 'zhao' });
    const by = (person: string, request: object = {}) =>
      town.as(person, 'ListTickets', { handler: 'person:zhao', ...request });
    for (const words of [{}, { words: '路灯' }]) {
      expect(ids(await by('wang', words))).toContain(id);
      expect(ids(await by('zheng', words))).toContain(id);
      expect(ids(await by('zhao', words))).toContain(id);
      // An auditor, another system and the one who ordered see the ticket, and not who has it.
      const system = await town.asClient('tickets.read', 'ListTickets', { handler: 'person:zhao', ...words });
      expect([system, await by('zhou', words), await by('mei', words)].map(ids)).toEqual([[], [], []]);
      expect(ids(await by('qian', words))).toEqual([]);
    }
    for (const seen of [await town.as('zhou', 'GetTicket', { id }), await town.as('mei', 'GetTicket', { id })]) {
      expect(seen).toMatchObject({ status: 200, body: { id } });
      expect(seen.body.handler).toBeUndefined();
    }
    expect(ids(await town.as('zhou', 'ListTickets', { territory: building }))).toContain(id);
  });

  it('tell everybody who sees a ticket which unit has it', async () => {
    town.setClock('2026-11-24T11:30:00+08:00');
    const id = await town.inProgress();
    const handler = 'unit:parks';
    expect(ids(await town.as('zhou', 'ListTickets', { handler }))).toContain(id);
    expect(ids(await town.asClient('tickets.read', 'ListTickets', { handler }))).toContain(id);
    expect(ids(await town.as('mei', 'ListTickets', { handler }))).toContain(id);
  });
});

describe('categories', () => {
  it('are registered once, read by everybody, in the order of their paths', async () => {
    for (const path of [['环境保护', '噪音'], ['环境保护', '水'], ['环境保护']]) {
      expect((await town.as('wu', 'RegisterCategory', { path })).status).toBe(200);
    }
    expect(await town.as('wu', 'RegisterCategory', { path: ['环境保护', '水'] })).toMatchObject({
      status: 200,
      body: { version: 1 },
    });
    expect(await town.as('wang', 'RegisterCategory', { path: ['新'] })).toMatchObject({ status: 403 });
    const page = await town.asGuest('ListCategories', { parent: '环境保护', pageSize: 2 });
    expect(page.body.categories.map(({ id }: { id: string }) => id)).toEqual(['环境保护', '环境保护.噪音']);
    const next = await town.asGuest('ListCategories', {
      parent: '环境保护',
      pageSize: 2,
      pageToken: page.body.nextPageToken,
    });
    expect(next.body.categories.map(({ id }: { id: string }) => id)).toEqual(['环境保护.水']);
    expect((await town.asGuest('GetCategory', { id: '环境保护.水' })).body).toMatchObject({ path: ['环境保护', '水'] });
    expect(await town.asGuest('GetCategory', { id: '没有' })).toMatchObject({ status: 404 });
  });
});
