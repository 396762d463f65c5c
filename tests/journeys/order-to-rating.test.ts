import { eventually } from '@bandeng/testing';
import { type Town, town } from '@bandeng/testing/town';
import { afterAll, beforeAll, expect, test } from 'vitest';

let city: Town;
beforeAll(async () => {
  city = await town();
});
afterAll(() => city.stop());

test('residents order, communities dispatch, members accept, residents rate', async () => {
  const [resident, dispatcher, member] = await Promise.all([
    city.as('resident'),
    city.as('community_dispatcher'),
    city.as('member'),
  ]);
  const home = city.plan.postings.find(({ role }) => role === 'resident')?.territory;
  const category = city.plan.categories[0]?.join('.');

  const ordered = await resident.post(
    '/v1/tickets',
    { text: '三单元楼道灯坏了', territory: home, category },
    { 'idempotency-key': 'journey-order-1' },
  );
  expect(ordered.status).toBe(201);
  expect(ordered.body).toMatchObject({
    status: 'ORDERED',
    version: 1,
    urgency: 'ORDINARY',
    source: 'RESIDENT',
    allowedActions: ['WITHDRAW'],
  });
  expect(ordered.body.followCode).toMatch(/^[0-9A-HJKMNP-TV-Z]{12}$/);
  const { id } = ordered.body;
  const community = home?.slice(0, 12);

  const dispatched = await dispatcher.post(`/v1/tickets/${id}:dispatch`, { handler: { openCall: community } });
  expect(dispatched.status).toBe(200);
  expect(dispatched.body.status).toBe('DISPATCHED');

  const accepted = await member.post(`/v1/tickets/${id}:accept`);
  expect(accepted.body).toMatchObject({ status: 'IN_PROGRESS' });

  const resolved = await member.post(`/v1/tickets/${id}:resolve`, { resolution: '换了灯泡' });
  expect(resolved.body).toMatchObject({ status: 'RESOLVED', resolution: '换了灯泡' });

  const rated = await resident.post(`/v1/tickets/${id}:rate`, { satisfaction: 'VERY_SATISFIED', remark: '谢谢' });
  expect(rated.body).toMatchObject({ status: 'RATED', rating: 'VERY_SATISFIED', allowedActions: [] });

  const { body: timeline } = await resident.get(`/v1/tickets/${id}/timeline`);
  expect(timeline.entries.map(({ event }: { event: string }) => event)).toEqual([
    'ordered',
    'dispatched',
    'accepted',
    'resolved',
    'rated',
  ]);
  await eventually(async () => {
    const { body } = await resident.get('/v1/inbox');
    expect(
      body.notices
        .filter(({ ticket }: { ticket: string }) => ticket === id)
        .map(({ event }: { event: string }) => event),
    ).toEqual([
      'bandeng.tickets.ticket-resolved.v1',
      'bandeng.tickets.ticket-accepted.v1',
      'bandeng.tickets.ticket-dispatched.v1',
      'bandeng.tickets.ticket-ordered.v1',
    ]);
  });
});
