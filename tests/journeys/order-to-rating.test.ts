import { eventually } from '@bandeng/testing';
import { type Caller, type Town, town } from '@bandeng/testing/town';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishedEvents, schemaFaults } from './published.ts';

let city: Town;
let resident: Caller;
let dispatcher: Caller;
let member: Caller;
let home: string;
let community: string;
let category: string;

beforeAll(async () => {
  city = await town();
  [resident, dispatcher, member] = await Promise.all([
    city.as('resident'),
    city.as('community_dispatcher'),
    city.as('member'),
  ]);
  home = city.plan.postings.find(({ role }) => role === 'resident')?.territory ?? '';
  community = home.slice(0, 12);
  category = city.plan.categories[0]?.join('.') ?? '';
});
afterAll(() => city?.stop());

const order = async (by: Caller = resident, over: object = {}): Promise<string> => {
  const { body, status } = await by.post('/v1/tickets', {
    text: '三单元楼道灯坏了',
    territory: home,
    category,
    ...over,
  });
  expect(status).toBe(201);
  return body.id;
};
const eventsOf = async (by: Caller, id: string): Promise<string[]> =>
  (await by.get(`/v1/tickets/${id}/timeline`)).body.entries.map(({ event }: { event: string }) => event);

describe('residents order, communities dispatch, members accept, residents rate', () => {
  test('an open call goes from order to rating, everyone concerned is told, and another system hears of it', async () => {
    const system = await city.system('demo-system');
    const away = await system.listen(
      `/v1/events?territory=${community}&types=bandeng.tickets.ticket-ordered.v1,bandeng.tickets.ticket-rated.v1`,
    );
    const live = await resident.listen('/v1/inbox:stream');
    await live.begun;

    const ordered = await resident.post('/v1/tickets', {
      text: '三单元楼道灯坏了',
      territory: home,
      category,
      displayName: '陈阿姨',
    });
    expect(ordered.status).toBe(201);
    const { id, followCode } = ordered.body;
    expect(ordered.headers.get('location')).toBe(`/v1/tickets/${id}`);
    expect(ordered.headers.get('etag')).toBe('"1"');
    expect(followCode).toMatch(/^[0-9A-HJKMNP-TV-Z]{12}$/);
    expect(ordered.body).toMatchObject({
      status: 'ORDERED',
      version: 1,
      urgency: 'ORDINARY',
      source: 'RESIDENT',
      allowedActions: ['ATTACH', 'WITHDRAW'],
    });
    expect(ordered.body.number).toMatch(/^4599\d\d-\d{8}-\d{6}$/);

    const { body: queue } = await dispatcher.get(`/v1/tickets?territory=${community}&status=ORDERED`);
    expect(queue.tickets[0]).toMatchObject({ id, displayName: '陈阿姨' });
    expect(queue.tickets[0].allowedActions).toEqual(expect.arrayContaining(['DISPATCH', 'REJECT', 'NOTE']));

    const dispatched = await dispatcher.post(`/v1/tickets/${id}:dispatch`, {
      handler: { openCall: community },
      note: '就近的来',
    });
    expect(dispatched.body).toMatchObject({ status: 'DISPATCHED', handler: { openCall: community } });
    expect(Date.parse(dispatched.body.deadlines.acceptBy)).toBeGreaterThan(Date.now());
    await eventually(async () => {
      const { body } = await member.get('/v1/inbox');
      expect(body.notices[0]).toMatchObject({ ticket: id, title: '社区已派单' });
    });

    const accepted = await member.post(`/v1/tickets/${id}:accept`);
    expect(accepted.body).toMatchObject({ status: 'IN_PROGRESS' });
    await member.post(`/v1/tickets/${id}:note`, { text: '明天上午来', audience: 'RESIDENT' });
    await member.post(`/v1/tickets/${id}:note`, { text: '要带梯子', audience: 'INTERNAL' });
    const resolved = await member.post(`/v1/tickets/${id}:resolve`, { resolution: '换了灯泡' });
    expect(resolved.body).toMatchObject({ status: 'RESOLVED', resolution: '换了灯泡' });
    const rated = await resident.post(`/v1/tickets/${id}:rate`, { satisfaction: 'VERY_SATISFIED', remark: '谢谢' });
    expect(rated.body).toMatchObject({ status: 'RATED', rating: 'VERY_SATISFIED', allowedActions: [] });

    expect(await eventsOf(resident, id)).toEqual([
      'ordered',
      'dispatched',
      'accepted',
      'noted-for-resident',
      'resolved',
      'rated',
    ]);
    expect(await eventsOf(dispatcher, id)).toContain('noted-internally');
    const { body: seen } = await dispatcher.get(`/v1/tickets/${id}/timeline`);
    expect(seen.entries.find(({ event }: { event: string }) => event === 'accepted').name).not.toBe('');
    const { body: shown } = await resident.get(`/v1/tickets/${id}/timeline`);
    expect(
      shown.entries.every(({ name, person }: { name: string; person: string }) => name === '' && person === ''),
    ).toBe(true);

    await eventually(() => {
      expect(live.heard.filter(({ data }) => data.ticket === id).map(({ data }) => data.event)).toEqual([
        'bandeng.tickets.ticket-ordered.v1',
        'bandeng.tickets.ticket-dispatched.v1',
        'bandeng.tickets.ticket-accepted.v1',
        'bandeng.tickets.ticket-noted.v1',
        'bandeng.tickets.ticket-resolved.v1',
      ]);
      expect(away.heard.filter(({ data }) => data.subject === id).map(({ data }) => data.type)).toEqual([
        'bandeng.tickets.ticket-ordered.v1',
        'bandeng.tickets.ticket-rated.v1',
      ]);
    });
    const told = JSON.stringify(away.heard);
    for (const word of ['三单元', '陈阿姨', '谢谢', followCode]) expect(told).not.toContain(word);
    await Promise.all([away.close(), live.close()]);
  });

  test('a notice is read once, in the language asked for, and nobody reads another’s', async () => {
    const id = await order();
    const notice = await eventually(async () => {
      const { body } = await resident.get('/v1/inbox?unread=true', { 'accept-language': 'en' });
      const mine = body.notices.find(({ ticket }: { ticket: string }) => ticket === id);
      expect(mine).toBeDefined();
      return mine;
    });
    expect(notice.title).toBe('New order');
    expect((await member.get(`/v1/inbox/${notice.id}`)).status).toBe(404);
    const read = await resident.post(`/v1/inbox/${notice.id}:read`);
    expect(read.body.readAt).toBeDefined();
    expect((await resident.post(`/v1/inbox/${notice.id}:read`)).body.readAt).toBe(read.body.readAt);
    // The dispatcher was told by the same one, and has not read it.
    const { status, body } = await dispatcher.get(`/v1/inbox/${notice.id}`);
    expect([status, body.readAt ?? 'unread']).toEqual([200, 'unread']);
  });

  test('a grid declines, the community dispatches to a unit, its liaison suspends, resumes and resolves', async () => {
    const grid = city.plan.postings.find(({ role }) => role === 'grid_worker')?.territory;
    const unit = city.plan.postings.find(({ role }) => role === 'organ_liaison')?.unit;
    const [worker, liaison] = await Promise.all([city.as('grid_worker'), city.as('organ_liaison')]);
    const id = await order(resident, { urgency: 'URGENT' });
    expect((await liaison.get(`/v1/tickets/${id}`)).status).toBe(404);
    await dispatcher.post(`/v1/tickets/${id}:dispatch`, { handler: { grid } });
    expect((await worker.post(`/v1/tickets/${id}:decline`, { reason: '今天没有梯子' })).body).toMatchObject({
      status: 'ORDERED',
    });
    await dispatcher.post(`/v1/tickets/${id}:dispatch`, { handler: { unit } });
    expect((await liaison.post(`/v1/tickets/${id}:accept`)).body).toMatchObject({
      status: 'IN_PROGRESS',
      handler: { unit },
    });
    const until = new Date(Date.now() + 3 * 86_400_000).toISOString();
    const past = await liaison.post(`/v1/tickets/${id}:suspend`, { reason: '等配件', until: '2020-01-01T00:00:00Z' });
    expect(past.status).toBe(422);
    expect((await liaison.post(`/v1/tickets/${id}:suspend`, { reason: '等配件', until })).body).toMatchObject({
      status: 'SUSPENDED',
      reason: '等配件',
    });
    expect((await liaison.post(`/v1/tickets/${id}:resume`)).body).toMatchObject({ status: 'IN_PROGRESS' });
    expect((await liaison.post(`/v1/tickets/${id}:resolve`, { resolution: '修好了' })).body).toMatchObject({
      status: 'RESOLVED',
    });
    expect(await eventsOf(liaison, id)).toEqual([
      'ordered',
      'dispatched',
      'declined',
      'dispatched',
      'accepted',
      'suspended',
      'resumed',
      'resolved',
    ]);
    const { body } = await resident.get(`/v1/tickets/${id}/timeline`);
    expect(JSON.stringify(body)).not.toContain('今天没有梯子');
  });

  test('of several who accept an open call at once exactly one gets it', async () => {
    const id = await order();
    await dispatcher.post(`/v1/tickets/${id}:dispatch`, { handler: { openCall: community } });
    const answers = await Promise.all(Array.from({ length: 8 }, () => member.post(`/v1/tickets/${id}:accept`)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(7);
  });

  test('a guest orders without an account, follows by a code and rates; a bad rating reopens once', async () => {
    const guest = city.with(undefined);
    const keyless = await guest.post('/v1/tickets', { text: '井盖松了', territory: home, category });
    expect(keyless.status).toBe(400);
    expect(keyless.body.fields[0].field).toBe('idempotencyKey');
    const ordered = await guest.post(
      '/v1/tickets',
      { text: '井盖松了', territory: home, category },
      { 'idempotency-key': 'a-guest-draws-a-long-key' },
    );
    const { id, followCode } = ordered.body;
    expect((await guest.get(`/v1/tickets/${id}`)).status).toBe(401);
    const spoken = `${followCode.slice(0, 4)}-${followCode.slice(4, 8)}-${followCode.slice(8)}`.toLowerCase();
    expect((await guest.get(`/v1/follow/${spoken}`)).body).toMatchObject({
      status: 'ORDERED',
      text: '井盖松了',
      allowedActions: ['ATTACH'],
    });
    expect((await guest.get('/v1/follow/000000000000')).status).toBe(404);

    await dispatcher.post(`/v1/tickets/${id}:dispatch`, { handler: { openCall: community } });
    await member.post(`/v1/tickets/${id}:accept`);
    await member.post(`/v1/tickets/${id}:resolve`, { resolution: '已加固' });
    const bad = await guest.post(`/v1/follow/${followCode}:rate`, { satisfaction: 'DISSATISFIED', remark: '还是响' });
    expect(bad.body).toMatchObject({ status: 'IN_PROGRESS', rating: 'DISSATISFIED' });
    expect((await dispatcher.get(`/v1/tickets/${id}`)).body).toMatchObject({ reopened: 1, followUpDue: true });
    await member.post(`/v1/tickets/${id}:resolve`, { resolution: '换了新井盖' });
    const again = await guest.post(`/v1/follow/${followCode}:rate`, { satisfaction: 'VERY_DISSATISFIED' });
    expect(again.body).toMatchObject({ status: 'RATED', rating: 'VERY_DISSATISFIED', allowedActions: [] });
    expect((await guest.post(`/v1/follow/${followCode}:rate`, { satisfaction: 'SATISFIED' })).status).toBe(409);
  });

  test('an order is taken back, another is refused with a reason the resident reads', async () => {
    const withdrawn = await order();
    expect((await resident.post(`/v1/tickets/${withdrawn}:withdraw`)).body).toMatchObject({
      status: 'WITHDRAWN',
      allowedActions: [],
    });
    const rejected = await order();
    await dispatcher.post(`/v1/tickets/${rejected}:reject`, {
      reason: 'NOT_OURS',
      explanation: '这件事由供水公司负责',
    });
    expect((await resident.get(`/v1/tickets/${rejected}`)).body).toMatchObject({
      status: 'REJECTED',
      rejectionReason: 'NOT_OURS',
      reason: '这件事由供水公司负责',
    });
  });

  test('a past order is imported once, keeps its date, runs no clock and tells nobody', async () => {
    const importer = await city.system('demo-import');
    const past = {
      source: 'hotline',
      sourceId: '37042',
      orderedAt: '2019-05-28T11:31:04+08:00',
      text: '代课教师',
      territory: community,
      category: '小区设施',
    };
    const first = await importer.post('/v1/tickets:import', past);
    expect(first.body).toMatchObject({ status: 'ORDERED', source: 'IMPORT', orderedAt: '2019-05-28T03:31:04.000Z' });
    expect(first.body.deadlines ?? {}).toEqual({});
    expect((await importer.post('/v1/tickets:import', past)).body.id).toBe(first.body.id);
    const other = await importer.post('/v1/tickets:import', { ...past, category: '环境卫生' });
    expect(other.status).toBe(422);
    expect(other.body.type).toBe('urn:bandeng:problem:source-id-reused');
    const future = await importer.post('/v1/tickets:import', {
      ...past,
      sourceId: '2',
      orderedAt: '2099-01-01T00:00:00Z',
    });
    expect(future.status).toBe(422);
    const { body: dispatched } = await dispatcher.post(`/v1/tickets/${first.body.id}:dispatch`, {
      handler: { openCall: community },
    });
    expect(dispatched.deadlines.acceptBy).toBeDefined();
  });
});

test('another system hears only of its own territory, and goes on where it stopped', async () => {
  const system = await city.system('demo-system');
  const elsewhere = city.plan.territories.find(({ code }) => code.length === 12 && code !== community)?.code;
  const there = await system.listen(`/v1/events?territory=${elsewhere}`);
  const here = await system.listen(`/v1/events?territory=${community}&types=bandeng.tickets.ticket-ordered.v1`);
  const first = await order();
  await eventually(() => expect(here.heard.map(({ data }) => data.subject)).toContain(first));
  const last = here.heard.at(-1)?.id ?? '';
  await here.close();
  const meanwhile = await order();
  const again = await system.listen(`/v1/events?territory=${community}&types=bandeng.tickets.ticket-ordered.v1`, {
    'last-event-id': last,
  });
  await eventually(() => expect(again.heard.map(({ data }) => data.subject)).toEqual([meanwhile]));
  expect(there.heard).toEqual([]);
  await Promise.all([there.close(), again.close()]);
  expect((await resident.get('/v1/events')).status).toBe(403);
  expect((await system.get('/v1/events?territory=11')).status).toBe(403);
  expect((await system.get('/v1/events?types=bandeng.tickets.ticket-lost.v1')).status).toBe(400);
});

test('every event that was published is as its schema says, and tells no words of people', async () => {
  const events = await publishedEvents(city.parts.natsUrl, ['TICKETS', 'ORGGRAPH', 'IDENTITY']);
  expect(new Set(events.map(({ type }) => type)).size).toBeGreaterThan(14);
  expect(events.flatMap(schemaFaults)).toEqual([]);
  const all = JSON.stringify(events);
  for (const { name, phone } of city.plan.accounts.slice(0, 40)) {
    expect(all).not.toContain(phone);
    expect(all).not.toContain(`"${name}"`);
  }
});
