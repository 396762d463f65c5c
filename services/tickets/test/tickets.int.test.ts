import { eventually } from '@bandeng/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, building, category, community, elsewhere, grid, startTown } from './town.ts';

let town: Awaited<ReturnType<typeof startTown>>;
const tuesday = '2026-11-24T10:00:00+08:00';
const order = { text: '小区大门口的路灯坏了三天', territory: building, category, place: '东门', displayName: '梅阿姨' };
let keys = 0;
const fresh = () => ({ key: `an-idempotency-key-${++keys}` });

beforeAll(async () => {
  town = await startTown();
  const registered = await town.as('wu', 'RegisterCategory', { path: category.split('.'), externalCode: 'YL-01' });
  expect(registered).toMatchObject({ status: 200, body: { id: category, externalCode: 'YL-01' } });
});
beforeEach(() => town.setClock(tuesday));
afterAll(async () => town?.stop());

async function ordered(extra: object = {}): Promise<{ id: string; code: string }> {
  const { body, reason } = await town.as('mei', 'OrderTicket', { ...order, ...extra }, fresh());
  expect(reason).toBe('');
  return { id: body.id, code: body.followCode };
}

const dispatchTo = (choice: { $case: string; value: string }) => ({ handler: { handler: choice } });
const toParks = dispatchTo({ $case: 'unit', value: 'parks' });
const openCall = dispatchTo({ $case: 'openCall', value: community });

async function inProgress(): Promise<{ id: string; code: string }> {
  const ticket = await ordered();
  expect((await town.as('wang', 'DispatchTicket', { id: ticket.id, ...toParks })).status).toBe(200);
  expect((await town.as('li', 'AcceptTicket', { id: ticket.id })).status).toBe(200);
  return ticket;
}

describe('from order to rating', () => {
  it('everybody does their part, and another system hears of it', async () => {
    const { body: first } = await town.as('mei', 'OrderTicket', order, fresh());
    const { id } = first;
    expect(first).toMatchObject({
      status: 'ORDERED',
      version: 1,
      text: order.text,
      displayName: '梅阿姨',
      orderer: 'mei',
      source: 'RESIDENT',
      urgency: 'ORDINARY',
      allowedActions: ['WITHDRAW'],
    });
    expect(first.number).toMatch(/^459902-20261124-\d{6}$/);
    expect(first.followCode).toMatch(/^[0-9A-Z]{12}$/);

    const atDesk = await town.as('wang', 'GetTicket', { id });
    expect(atDesk.body).toMatchObject({ orderer: 'mei', displayName: '梅阿姨' });
    expect(atDesk.body.followCode ?? '').toBe('');
    expect(atDesk.body.allowedActions.toSorted()).toEqual(['DISPATCH', 'NOTE', 'REJECT']);

    const dispatched = await town.as('wang', 'DispatchTicket', { id, ...toParks, note: '请今天看一下' });
    expect(dispatched.body).toMatchObject({ status: 'DISPATCHED', handler: { unit: 'parks' }, version: 2 });
    expect(dispatched.body.deadlines.acceptBy).toMatch(/^2026-11-25T02:00/);

    const accepted = await town.as('li', 'AcceptTicket', { id });
    expect(accepted.body).toMatchObject({ status: 'IN_PROGRESS', acceptor: 'li' });
    expect(accepted.body.allowedActions.toSorted()).toEqual(['NOTE', 'RESOLVE', 'SUSPEND']);
    await town.as('li', 'NoteTicket', { id, text: '灯泡已订', audience: 'RESIDENT' });
    await town.as('li', 'NoteTicket', { id, text: '仓库没货了', audience: 'INTERNAL' });
    await town.as('li', 'ResolveTicket', { id, resolution: '换了新灯' });
    const rated = await town.as('mei', 'RateTicket', { id, satisfaction: 'VERY_SATISFIED', remark: '谢谢' });
    expect(rated.body).toMatchObject({
      status: 'RATED',
      rating: 'VERY_SATISFIED',
      ratingRemark: '谢谢',
      resolution: '换了新灯',
    });
    expect(rated.body.allowedActions ?? []).toEqual([]);

    const staff = await town.as('wang', 'GetTicketTimeline', { id });
    expect(staff.body.entries.map(({ event }: { event: string }) => event)).toEqual([
      'ordered',
      'dispatched',
      'accepted',
      'noted-for-resident',
      'noted-internally',
      'resolved',
      'rated',
    ]);
    expect(staff.body.entries[1]).toMatchObject({
      person: 'wang',
      name: 'name of wang',
      posting: 'posting-0',
      text: '请今天看一下',
    });
    const resident = await town.as('mei', 'GetTicketTimeline', { id });
    expect(resident.body.entries).toHaveLength(6);
    expect(JSON.stringify(resident.body)).not.toMatch(/wang|li"|仓库|请今天/);

    const story = ['ordered', 'dispatched', 'accepted', 'noted', 'resolved', 'rated'].map((word) => `ticket-${word}`);
    await eventually(() => expect(town.told(id)).toEqual(story), { within: 10_000 });
    const mine = town.events.filter(({ subject }) => subject === id);
    expect(JSON.stringify(mine)).not.toMatch(/路灯|灯泡|新灯|梅阿姨|谢谢|东门/);
    expect(mine[1]).toMatchObject({
      territory: building,
      data: { dispatcher: 'wang', orderer: 'mei', handler: { unit: 'parks' } },
    });
  });

  it('a bad rating opens it again, with a call to make; the second ends it', async () => {
    const { id } = await inProgress();
    await town.as('li', 'ResolveTicket', { id, resolution: '看过了' });
    const again = await town.as('mei', 'RateTicket', { id, satisfaction: 'DISSATISFIED' });
    expect(again.body).toMatchObject({ status: 'IN_PROGRESS', reopened: 1, followUpDue: true, rating: 'DISSATISFIED' });
    await town.as('li', 'ResolveTicket', { id, resolution: '真的换了' });
    const end = await town.as('mei', 'RateTicket', { id, satisfaction: 'VERY_DISSATISFIED' });
    expect(end.body).toMatchObject({ status: 'RATED', reopened: 1, followUpDue: true });
  });

  it('a handler who declines still gets an answer, and hears later that it is too late', async () => {
    const { id } = await ordered();
    await town.as('wang', 'DispatchTicket', { id, ...toParks });
    const declined = await town.as('li', 'DeclineTicket', { id, reason: '归供电局' });
    expect(declined.body).toMatchObject({ status: 'ORDERED', reason: '归供电局' });
    expect(await town.as('li', 'AcceptTicket', { id })).toMatchObject({ status: 409, reason: 'not-in-this-state' });
    expect(await town.as('li', 'GetTicket', { id })).toMatchObject({ status: 404 });
    expect((await town.as('mei', 'GetTicket', { id })).body.reason ?? '').toBe('');
  });

  it('a pause with a date, and back before it', async () => {
    const { id } = await inProgress();
    const until = new Date('2026-11-30T10:00:00+08:00');
    const paused = await town.as('li', 'SuspendTicket', { id, reason: '等配件', until });
    expect(paused.body).toMatchObject({
      status: 'SUSPENDED',
      reason: '等配件',
      deadlines: { suspendedUntil: until.toISOString() },
    });
    expect(await town.as('li', 'SuspendTicket', { id, reason: '再等', until })).toMatchObject({ status: 409 });
    expect((await town.as('li', 'ResumeTicket', { id })).body).toMatchObject({ status: 'IN_PROGRESS' });
    const past = new Date('2026-11-01T10:00:00+08:00');
    const refused = await town.as('li', 'SuspendTicket', { id, reason: '等', until: past });
    expect(refused).toMatchObject({ status: 422, reason: 'not-in-the-future', fields: ['until'] });
  });
});

describe('several at once', () => {
  it('fifty equal orders are one ticket', async () => {
    const key = fresh();
    const answers = await Promise.all(Array.from({ length: 50 }, () => town.as('mei', 'OrderTicket', order, key)));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(new Set(answers.map(({ body }) => body.followCode)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    const other = await town.as('mei', 'OrderTicket', { ...order, text: '别的事' }, key);
    expect(other).toMatchObject({ status: 422, reason: 'key-reused' });
  });

  it('of two members who take an open call at once exactly one gets it, the other hears so', async () => {
    for (let round = 0; round < 10; round++) {
      const { id } = await ordered();
      await town.as('wang', 'DispatchTicket', { id, ...openCall });
      const answers: Answer[] = await Promise.all(
        ['zhao', 'qian'].map((person) => town.as(person, 'AcceptTicket', { id })),
      );
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
      expect(answers.find(({ status }) => status === 409)?.reason).toBe('not-in-this-state');
      const { body } = await town.as('wang', 'GetTicket', { id });
      expect(['zhao', 'qian']).toContain(body.handler.person);
      expect(body.acceptor).toBe(body.handler.person);
    }
  });
});

describe('what time does', () => {
  it('acceptance lapses, a deadline passes, a pause ends, what is resolved closes', async () => {
    const lapsing = await ordered();
    await town.as('wang', 'DispatchTicket', { id: lapsing.id, ...toParks });
    const late = await inProgress();
    const paused = await inProgress();
    const until = new Date('2026-11-26T10:00:00+08:00');
    await town.as('li', 'SuspendTicket', { id: paused.id, reason: '等配件', until });
    const done = await inProgress();
    await town.as('li', 'ResolveTicket', { id: done.id, resolution: '好了' });

    town.setClock('2026-11-25T10:00:10+08:00');
    await eventually(() => expect(town.told(lapsing.id).at(-1)).toBe('ticket-acceptance-lapsed'), { within: 10_000 });
    expect((await town.as('wang', 'GetTicket', { id: lapsing.id })).body).toMatchObject({ status: 'ORDERED' });

    town.setClock('2026-12-02T10:00:00+08:00');
    await eventually(
      () => {
        expect(town.told(late.id).at(-1)).toBe('ticket-deadline-passed');
        expect(town.told(paused.id)).toContain('ticket-resumed');
        expect(town.told(done.id).at(-1)).toBe('ticket-closed');
      },
      { within: 10_000 },
    );
    expect((await town.as('wang', 'GetTicket', { id: late.id })).body).toMatchObject({
      overdue: true,
      status: 'IN_PROGRESS',
    });
    expect(await town.as('mei', 'RateTicket', { id: done.id, satisfaction: 'SATISFIED' })).toMatchObject({
      status: 409,
    });
    const { body } = await town.as('wang', 'GetTicketTimeline', { id: lapsing.id });
    expect(body.entries.at(-1)).toMatchObject({ event: 'acceptance-lapsed' });
    expect(body.entries.at(-1).person ?? '').toBe('');
  });
});

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
      allowedActions: ['RATE'],
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
    const { id } = await ordered();
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
    const { id } = await ordered();
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
    const { id } = await inProgress();
    const { body } = await town.as('zhou', 'GetTicket', { id });
    expect([body.orderer ?? '', body.acceptor ?? '', body.displayName ?? '']).toEqual(['', '', '']);
    const { body: line } = await town.as('zhou', 'GetTicketTimeline', { id });
    expect(JSON.stringify(line)).not.toMatch(/wang|"li"|name of/);
  });

  it('who could act in two capacities names one', async () => {
    const { id } = await ordered();
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
    const { id } = await ordered();
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
    const { id } = await ordered();
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
  const ids = ({ body }: Answer): string[] => (body.tickets ?? []).map(({ id }: { id: string }) => id);

  it('show what one may see, page by page', async () => {
    town.setClock('2026-11-24T17:00:00+08:00');
    const mine = [await ordered(), await ordered(), await ordered()].map(({ id }) => id);
    const first = await town.as('mei', 'ListTickets', { pageSize: 2 });
    expect(ids(first)).toEqual([mine[2], mine[1]]);
    expect(first.body.tickets[0].allowedActions).toEqual(['WITHDRAW']);
    const pageToken = first.body.nextPageToken;
    expect(ids(await town.as('mei', 'ListTickets', { pageSize: 2, pageToken }))[0]).toBe(mine[0]);
    const invalid = { status: 400, reason: 'page-token-invalid', fields: ['pageToken'] };
    expect(await town.as('wang', 'ListTickets', { pageSize: 2, pageToken })).toMatchObject(invalid);
    expect(await town.as('mei', 'ListTickets', { status: 'ORDERED', pageToken })).toMatchObject(invalid);
    expect(ids(await town.as('stranger', 'ListTickets', {}))).toEqual([]);
  });

  it('are narrowed by territory or handler, status and category, and by nothing else', async () => {
    town.setClock('2026-11-24T17:30:00+08:00');
    const { id } = await inProgress();
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
