import { eventually } from '@bandeng/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, building, fresh, openCall, order, startTown, toParks, tuesday } from './town.ts';

/** The life of a ticket over gRPC, on real parts. */

let town: Awaited<ReturnType<typeof startTown>>;

beforeAll(async () => {
  town = await startTown();
});
beforeEach(() => town.setClock(tuesday));
afterAll(async () => town?.stop());

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
      allowedActions: ['ATTACH', 'WITHDRAW'],
    });
    expect(first.number).toMatch(/^459902-20261124-\d{6}$/);
    expect(first.followCode).toMatch(/^[0-9A-Z]{12}$/);

    const atDesk = await town.as('wang', 'GetTicket', { id });
    expect(atDesk.body).toMatchObject({ orderer: 'mei', displayName: '梅阿姨' });
    expect(atDesk.body.followCode ?? '').toBe('');
    expect(atDesk.body.allowedActions.toSorted()).toEqual(['ATTACH', 'DISPATCH', 'NOTE', 'REJECT']);

    const dispatched = await town.as('wang', 'DispatchTicket', { id, ...toParks, note: '请今天看一下' });
    expect(dispatched.body).toMatchObject({ status: 'DISPATCHED', handler: { unit: 'parks' }, version: 2 });
    expect(dispatched.body.deadlines.acceptBy).toMatch(/^2026-11-25T02:00/);

    const accepted = await town.as('li', 'AcceptTicket', { id });
    expect(accepted.body).toMatchObject({ status: 'IN_PROGRESS', acceptor: 'li' });
    expect(accepted.body.allowedActions.toSorted()).toEqual(['ATTACH', 'NOTE', 'RESOLVE', 'SUSPEND']);
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
    const id = await town.inProgress();
    await town.as('li', 'ResolveTicket', { id, resolution: '看过了' });
    const again = await town.as('mei', 'RateTicket', { id, satisfaction: 'DISSATISFIED' });
    expect(again.body).toMatchObject({ status: 'IN_PROGRESS', reopened: 1, followUpDue: true, rating: 'DISSATISFIED' });
    await town.as('li', 'ResolveTicket', { id, resolution: '真的换了' });
    const end = await town.as('mei', 'RateTicket', { id, satisfaction: 'VERY_DISSATISFIED' });
    expect(end.body).toMatchObject({ status: 'RATED', reopened: 1, followUpDue: true });
  });

  it('a handler who declines still gets an answer, and hears later that it is too late', async () => {
    const id = await town.ordered();
    await town.as('wang', 'DispatchTicket', { id, ...toParks });
    const declined = await town.as('li', 'DeclineTicket', { id, reason: '归供电局' });
    expect(declined.body).toMatchObject({ status: 'ORDERED', reason: '归供电局' });
    expect(await town.as('li', 'AcceptTicket', { id })).toMatchObject({ status: 409, reason: 'not-in-this-state' });
    expect(await town.as('li', 'GetTicket', { id })).toMatchObject({ status: 404 });
    expect((await town.as('mei', 'GetTicket', { id })).body.reason ?? '').toBe('');
  });

  it('a pause with a date, and back before it', async () => {
    const id = await town.inProgress();
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

  it('what a member took is dispatched anew when they stay away, and is theirs no more', async () => {
    const id = await town.ordered();
    await town.as('wang', 'DispatchTicket', { id, ...openCall });
    const { body: taken } = await town.as('zhao', 'AcceptTicket', { id });
    expect(taken.handler).toEqual({ person: 'zhao' });
    const { body: seen } = await town.as('wang', 'GetTicket', { id });
    expect(seen.allowedActions).toContain('DISPATCH');
    const { body: anew } = await town.as('wang', 'DispatchTicket', { id, ...toParks });
    expect(anew).toMatchObject({ status: 'DISPATCHED', handler: { unit: 'parks' } });
    expect((await town.as('zhao', 'ResolveTicket', { id, resolution: '好了' })).status).toBe(404);
    expect((await town.as('li', 'AcceptTicket', { id })).body).toMatchObject({ status: 'IN_PROGRESS', acceptor: 'li' });
    expect((await town.as('wang', 'DispatchTicket', { id, ...openCall })).status).toBe(409);
    await eventually(() => expect(town.told(id)).toHaveLength(5), { within: 10_000 });
    const told = town.events.filter(({ subject, type }) => subject === id && type.includes('dispatched'));
    expect(told.map(({ data }) => Object(data).acceptor ?? '')).toEqual(['', 'zhao']);
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
      const id = await town.ordered();
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
    const lapsing = await town.ordered();
    await town.as('wang', 'DispatchTicket', { id: lapsing, ...toParks });
    const late = await town.inProgress();
    const paused = await town.inProgress();
    const until = new Date('2026-11-26T10:00:00+08:00');
    await town.as('li', 'SuspendTicket', { id: paused, reason: '等配件', until });
    const done = await town.inProgress();
    await town.as('li', 'ResolveTicket', { id: done, resolution: '好了' });

    town.setClock('2026-11-25T10:00:10+08:00');
    await eventually(() => expect(town.told(lapsing).at(-1)).toBe('ticket-acceptance-lapsed'), { within: 10_000 });
    expect((await town.as('wang', 'GetTicket', { id: lapsing })).body).toMatchObject({ status: 'ORDERED' });

    town.setClock('2026-12-02T10:00:00+08:00');
    await eventually(
      () => {
        expect(town.told(late).at(-1)).toBe('ticket-deadline-passed');
        expect(town.told(paused)).toContain('ticket-resumed');
        expect(town.told(done).at(-1)).toBe('ticket-closed');
      },
      { within: 10_000 },
    );
    expect((await town.as('wang', 'GetTicket', { id: late })).body).toMatchObject({
      overdue: true,
      status: 'IN_PROGRESS',
    });
    expect(await town.as('mei', 'RateTicket', { id: done, satisfaction: 'SATISFIED' })).toMatchObject({
      status: 409,
    });
    const { body } = await town.as('wang', 'GetTicketTimeline', { id: lapsing });
    expect(body.entries.at(-1)).toMatchObject({ event: 'acceptance-lapsed' });
    expect(body.entries.at(-1).person ?? '').toBe('');
  });
});
