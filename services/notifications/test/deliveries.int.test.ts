import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Choice, type Kind, type Pace, unchosen } from '../src/domain/preferences.ts';
import { failedDeliveries, inboxPage, myDeliveries } from '../src/queries.ts';
import { ids } from '../src/records.ts';
import { standings } from '../src/standing.ts';
import { community, type Office, office } from './office.ts';

let here: Office;
beforeEach(async () => {
  here = await office();
  here.contacts.set('mei', { email: 'mei@home.example', language: 'zh-CN' });
  here.contacts.set('li', { email: 'li@parks.example', language: 'en' });
});
afterEach(() => here.close());

const email = (pace: Pace, ...kinds: Kind[]): Choice[] => kinds.map((kind) => ({ kind, channel: 'email', pace }));
const night = { quietHours: { from: '22:00', until: '07:00' } };
const accepted = 'bandeng.tickets.ticket-accepted.v1';
const dispatched = 'bandeng.tickets.ticket-dispatched.v1';
const toParks = { handler: { handler: { $case: 'unit', value: 'parks' } } };
const statuses = async (): Promise<string[]> => (await here.deliveries()).map(({ state }) => state.status);

test('whoever chose e-mail gets it, in the language of the account, with the number and nothing else of the ticket', async () => {
  await here.wish('li', email('at-once', 'task'));
  await here.happens(dispatched, { ...toParks, orderer: 'mei', dispatcher: 'wang', urgency: 'ORDINARY' });
  expect(here.hinted.toSorted()).toEqual(['li', 'mei']);
  expect(await here.round()).toBe(1);
  expect(here.sink.mails).toHaveLength(1);
  const [mail] = here.sink.mails;
  expect(mail).toMatchObject({
    to: 'li@parks.example',
    from: 'no-reply@city.example',
    subject: '[Bandeng] Dispatched 459901-20261124-000001',
  });
  expect(mail?.text).toMatch(/^Order 459901-20261124-000001 was dispatched/);
  expect(mail?.id).toMatch(/^[0-9a-f-]{36}@city\.example$/);
  expect(await statuses()).toEqual(['sent']);
  expect(await here.round()).toBe(0);
  expect(here.sink.mails).toHaveLength(1);
});

test('an event that comes again sends nothing again, and what is old sends nothing', async () => {
  await here.wish('mei', email('at-once', 'progress'));
  const id = await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' }, { id });
  await here.round();
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' }, { id });
  await here.round();
  const old = new Date(here.now().getTime() - 4 * 24 * 3_600_000).toISOString();
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' }, { time: old });
  await here.round();
  expect(here.sink.mails).toHaveLength(1);
  expect(here.sink.mails[0]?.subject).toBe('【板凳】已接单 459901-20261124-000001');
});

test('live inboxes hear of a step at once and when it comes again soon, an open call each member, an old step nobody', async () => {
  here.members.push('mei', 'zhao');
  await here.happens(dispatched, { handler: { handler: { $case: 'openCall', value: community } } });
  expect(here.hinted.splice(0).toSorted()).toEqual(['mei', 'zhao']);
  const step = { time: here.now().toISOString(), id: await here.happens(accepted, { orderer: 'mei', acceptor: 'li' }) };
  expect(here.hinted.splice(0)).toEqual(['mei']);
  // Whoever handled it may have ended between the notice and the hint.
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' }, step);
  expect(here.hinted.splice(0)).toEqual(['mei']);
  here.later(2);
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' }, step);
  expect(here.hinted).toEqual([]);
});

test('quiet hours hold e-mail back until they end, then all of it comes in one letter; an urgent dispatch wakes its handler', async () => {
  await here.wish('mei', email('at-once', 'progress', 'result'), night);
  await here.wish('li', email('digest', 'task'), night);
  here.clock('11-24 23:10');
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  await here.happens('bandeng.tickets.ticket-resolved.v1', { orderer: 'mei', dispatcher: '' });
  await here.happens(dispatched, { ...toParks, orderer: 'mei', urgency: 'URGENT' });
  await here.round();
  expect(here.sink.mails.map(({ to }) => to)).toEqual(['li@parks.example']);
  here.clock('11-25 06:59');
  await here.round();
  expect(here.sink.mails).toHaveLength(1);
  here.clock('11-25 07:00');
  await here.round();
  expect(here.sink.mails[1]).toMatchObject({ to: 'mei@home.example', subject: '【板凳】3 条通知' });
  expect(here.sink.mails).toHaveLength(2);
  expect(await statuses()).toEqual(['sent', 'sent', 'sent', 'sent']);
});

test('quiet hours that are chosen later hold what is due already; a channel switched off drops it', async () => {
  await here.wish('mei', email('at-once', 'progress'));
  here.clock('11-24 23:10');
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  await here.wish('mei', email('at-once', 'progress'), night);
  await here.round();
  expect(await statuses()).toEqual(['waiting']);
  await here.wish('mei', []);
  here.clock('11-25 07:00');
  await here.round();
  expect((await here.deliveries())[0]?.state).toMatchObject({ status: 'dropped', reason: 'chosen-otherwise' });
  expect(here.sink.mails).toEqual([]);
});

test('the digest collects a day, leaves out what was read, and says the rest in one letter', async () => {
  await here.wish('mei', email('digest', 'progress', 'result'), { digestHour: 8, language: 'en' });
  await here.happens('bandeng.tickets.ticket-ordered.v1', { orderer: 'mei' });
  const read = await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  await here.kept.notices.run(ids.notice(read), here.context(), () => ({
    command: { type: 'read', person: 'mei', at: here.now().toISOString() },
  }));
  here.later(60);
  await here.happens('bandeng.tickets.ticket-resolved.v1', { orderer: 'mei', dispatcher: '' });
  await here.round();
  here.clock('11-25 07:59');
  await here.round();
  expect(here.sink.mails).toEqual([]);
  here.clock('11-25 08:00');
  await here.round();
  expect(here.sink.mails).toHaveLength(1);
  const [mail] = here.sink.mails;
  expect(mail?.subject).toBe('[Bandeng] 2 notices');
  expect(mail?.text).toMatch(/2026-11-24 10:00 {2}New order[\s\S]*2026-11-24 11:00 {2}Resolved, please rate/);
  expect(mail?.text).not.toContain('Accepted');
  expect((await statuses()).sort()).toEqual(['dropped', 'sent', 'sent']);
});

test('a stream made anew sends nothing old to whoever chose e-mail since', async () => {
  const time = here.now().toISOString();
  const id = await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  here.later(10);
  await here.wish('mei', email('at-once', 'progress'));
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' }, { id, time });
  expect(await statuses()).toEqual([]);
  // What happens from now on is sent, also when it is handled late.
  const since = here.now().toISOString();
  here.later(10);
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' }, { time: since });
  expect(await statuses()).toEqual(['waiting']);
});

test('a step is one notice for all whom it concerns, and each reads it alone', async () => {
  await here.wish('mei', email('digest', 'progress'), { digestHour: 12 });
  await here.wish('wang', email('digest', 'progress'), { digestHour: 12 });
  here.contacts.set('wang', { email: 'wang@home.example', language: 'zh-CN' });
  const id = ids.notice(await here.happens(accepted, { orderer: 'mei', dispatcher: 'wang', acceptor: 'li' }));
  expect(here.hinted).toEqual(['mei', 'wang']);
  const inbox = async (to: string, unread: boolean) => {
    const found = await inboxPage(here.kept.notices, { to: [to], unread, size: 10, after: undefined });
    return found.map((notice) => notice.id);
  };
  await here.kept.notices.run(id, here.context(), () => ({
    command: { type: 'read', person: 'mei', at: here.now().toISOString() },
  }));
  expect(await inbox('person:mei', true)).toEqual([]);
  for (const [to, unread] of [
    ['person:mei', false],
    ['person:wang', true],
    ['person:wang', false],
  ] as const) {
    expect(await inbox(to, unread)).toEqual([id]);
  }
  here.clock('11-24 12:00');
  await here.round();
  expect(here.sink.mails.map(({ to }) => to)).toEqual(['wang@home.example']);
  expect((await statuses()).sort()).toEqual(['dropped', 'sent']);
});

test('whoever ordered what an open call then asks of them is sent one letter, of what asks more', async () => {
  here.members.push('mei');
  await here.wish('mei', email('at-once', 'progress', 'call'));
  await here.happens(dispatched, { orderer: 'mei', handler: { handler: { $case: 'openCall', value: community } } });
  expect(here.hinted).toEqual(['mei']);
  await here.round();
  expect((await here.deliveries()).map(({ state }) => state.kind)).toEqual(['call']);
  expect(here.sink.mails).toHaveLength(1);
  // And of the other, where they wish nothing of calls.
  await here.wish('mei', email('at-once', 'progress'));
  await here.happens(dispatched, { orderer: 'mei', handler: { handler: { $case: 'openCall', value: community } } });
  await here.round();
  expect((await here.deliveries()).map(({ state }) => state.kind).sort()).toEqual(['call', 'progress']);
});

test('a server that is away gets a rest, and everything arrives once when it is back', async () => {
  await here.wish('mei', email('at-once', 'progress'));
  await here.sink.goAway();
  for (let count = 0; count < 3; count += 1) await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  await here.round();
  expect((await here.deliveries())[0]?.state).toMatchObject({ status: 'waiting', reason: 'server-away', tries: 1 });
  expect((await standings(here.database)).get('email')).toMatchObject({ fault: 'server-away' });
  expect(await here.round()).toBe(0);
  await here.sink.comeBack();
  here.later(2);
  await here.round();
  expect(here.sink.mails.map(({ subject }) => subject)).toEqual(['【板凳】3 条通知']);
  expect(await statuses()).toEqual(['sent', 'sent', 'sent']);
  const working = (await standings(here.database)).get('email');
  expect(working).toEqual({ channel: 'email', triedAt: here.now().toISOString() });
});

test('a rest is over in its time though the clock was set back', async () => {
  await here.wish('mei', email('at-once', 'progress'));
  await here.sink.goAway();
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  await here.round();
  await here.sink.comeBack();
  here.setBack(24 * 60);
  here.later(1);
  await here.wish('li', email('at-once', 'progress'));
  await here.happens(accepted, { orderer: 'li', acceptor: 'mei' });
  await here.round();
  expect((await here.deliveries()).map(({ state }) => [state.person, state.status])).toEqual([
    ['li', 'sent'],
    ['mei', 'waiting'],
  ]);
});

test('a server that asks to come later is asked later; one that stays away is given up after two days', async () => {
  await here.wish('mei', email('at-once', 'progress'));
  here.sink.answer('mei@home.example', 450);
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  await here.round();
  expect((await here.deliveries())[0]?.state).toMatchObject({ status: 'waiting', reason: 'server-busy', tries: 1 });
  for (let round = 0; round < 13; round += 1) {
    here.later(4 * 60);
    await here.round();
  }
  expect((await here.deliveries())[0]?.state).toMatchObject({
    status: 'failed',
    reason: 'server-busy',
    next: 'inbox',
    tries: 13,
  });
  expect(here.sink.mails).toEqual([]);
});

test('an address that is refused fails at once, visibly for its owner and, without the address, for administrators', async () => {
  here.sink.answer('mei@home.example', 550);
  await here.wish('mei', email('at-once', 'progress'));
  await here.wish('zhao', email('at-once', 'progress'));
  await here.wish('li', email('at-once', 'progress'));
  for (const orderer of ['mei', 'zhao', 'li']) await here.happens(accepted, { orderer, acceptor: 'somebody' });
  await here.round();
  expect(here.sink.mails.map(({ to }) => to)).toEqual(['li@parks.example']);

  const { deliveries } = here.kept;
  const [mine] = await myDeliveries(deliveries, { person: 'mei', size: 20, after: undefined });
  expect(mine?.state).toMatchObject({ status: 'failed', reason: 'address-refused', next: 'inbox', tries: 1 });
  const asked = { channel: 'email', size: 20, after: undefined } as const;
  const failed = await failedDeliveries(deliveries, { ...asked, within: [{ territories: '4599' }] });
  expect(failed.map(({ state }) => [state.person, state.reason]).sort()).toEqual([
    ['mei', 'address-refused'],
    ['zhao', 'no-address'],
  ]);
  expect(await failedDeliveries(deliveries, { ...asked, within: [{ territories: '11' }] })).toEqual([]);
  const inbox = await here.kept.notices.collection.countDocuments({ to: 'person:mei' });
  expect(inbox).toBe(1);
});

test('whoever ends between the two marks is followed by the same letter once more, and by no third', async () => {
  await here.wish('mei', email('at-once', 'progress'));
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  let crash = true;
  const run = here.kept.deliveries.run.bind(here.kept.deliveries);
  // The process dies after the server has taken the letter: the mark after sending is never written.
  Object.assign(here.kept.deliveries, {
    run: (...given: Parameters<typeof run>) => {
      if (crash && given[1].id.startsWith('due:sent:')) throw new Error('killed');
      return run(...given);
    },
  });
  await here.round();
  expect((await here.deliveries())[0]?.state.status).toBe('sending');
  here.restart();
  await here.round();
  expect(here.sink.mails).toHaveLength(1);
  here.later(4);
  await here.round();
  expect(here.sink.mails).toHaveLength(2);
  expect(new Set(here.sink.mails.map(({ id }) => id)).size).toBe(1);
  here.restart();
  here.later(4);
  crash = false;
  await here.round();
  expect(here.sink.mails).toHaveLength(2);
  expect((await here.deliveries())[0]?.state).toMatchObject({ status: 'failed', reason: 'uncertain', tries: 2 });
});

test('two who sweep at once send one letter', async () => {
  await here.wish('mei', email('at-once', 'progress'));
  for (let count = 0; count < 5; count += 1) await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  const rounds = [here.round()];
  here.restart();
  rounds.push(here.round());
  await Promise.all(rounds);
  const told = here.sink.mails.flatMap(({ text }) => text.match(/已有人接单/g) ?? []);
  expect(told).toHaveLength(5);
  expect(await statuses()).toEqual(Array.from({ length: 5 }, () => 'sent'));
});

test('an open call goes to the members who chose so, while identity is away nothing is tried', async () => {
  here.members.push('mei', 'li', 'zhao');
  await here.wish('mei', email('at-once', 'call'));
  here.identityAway(true);
  await here.happens(dispatched, { handler: { handler: { $case: 'openCall', value: community } } });
  await here.round();
  expect((await here.deliveries()).map(({ state }) => [state.person, state.tries])).toEqual([['mei', 0]]);
  here.identityAway(false);
  here.later(1);
  await here.round();
  expect(here.sink.mails.map(({ to }) => to)).toEqual(['mei@home.example']);
});

test('one person whose contact cannot be told keeps nobody else waiting', async () => {
  here.contacts.set('li', { email: 'li@home.example', language: 'zh-CN' });
  here.unreadable.add('li');
  for (const person of ['li', 'mei']) {
    await here.wish(person, email('at-once', 'progress'));
    await here.happens(accepted, { orderer: person, acceptor: 'zhao' });
    here.later(1);
  }
  await here.round();
  expect((await here.deliveries()).map(({ state }) => [state.person, state.status, state.tries])).toEqual([
    ['li', 'waiting', 0],
    ['mei', 'sent', 1],
  ]);
  here.unreadable.clear();
  here.later(1);
  await here.round();
  expect(here.sink.mails.map(({ to }) => to)).toEqual(['mei@home.example', 'li@home.example']);
});

test('nothing in the database and no line of the log says an address', async () => {
  await here.wish('mei', email('at-once', 'progress'));
  await here.wish('li', email('at-once', 'progress'));
  here.sink.answer('mei@home.example', 550);
  here.sink.answer('li@parks.example', 450);
  for (const orderer of ['mei', 'li']) await here.happens(accepted, { orderer, acceptor: 'somebody' });
  await here.round();
  const all = (await here.everything()) + JSON.stringify(here.lines);
  expect(all).toContain('address-refused');
  expect(all).not.toContain('example');
});

test('every question to the deliveries is answered by an index, in its order', async () => {
  await here.wish('mei', email('at-once', 'progress'));
  for (let count = 0; count < 30; count += 1) await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  here.sink.answer('mei@home.example', 550);
  await here.database.command({ profile: 2 });
  await here.round();
  const { deliveries } = here.kept;
  const [first] = await myDeliveries(deliveries, { person: 'mei', size: 10, after: undefined });
  const after = { at: first?.state.plannedAt ?? '', id: first?.id ?? '' };
  await myDeliveries(deliveries, { person: 'mei', size: 10, after });
  const asked = { within: [{ territories: '4599' }], size: 10, after: undefined };
  await failedDeliveries(deliveries, { ...asked, channel: undefined });
  await failedDeliveries(deliveries, { ...asked, channel: 'email' });
  await failedDeliveries(deliveries, { ...asked, channel: 'email', after });
  await here.database.command({ profile: 0 });
  const plans = await here.database
    .collection('system.profile')
    .find({ op: 'query', ns: /\.(deliveries|preferences|readings|notices)$/ })
    .toArray();
  expect(plans.length).toBeGreaterThan(8);
  for (const { planSummary, hasSortStage, command } of plans) {
    expect(planSummary, JSON.stringify(command.filter)).toMatch(/IXSCAN|IDHACK/);
    expect(hasSortStage ?? false, JSON.stringify(command.filter)).toBe(false);
  }
});

test('whoever was erased wishes nothing any more, and what waited for them is dropped', async () => {
  await here.wish('mei', email('digest', 'progress'), { ...night, language: 'en' });
  await here.happens(accepted, { orderer: 'mei', acceptor: 'li' });
  await here.happens('bandeng.identity.account-erased.v1', { person: 'mei' });
  await here.happens('bandeng.identity.account-erased.v1', { person: 'never-chose' });
  here.clock('11-25 18:00');
  await here.round();
  expect(await statuses()).toEqual(['dropped']);
  expect(here.sink.mails).toEqual([]);
  expect((await here.kept.wishes.read(ids.preferences('mei')))?.state).toEqual(unchosen('mei'));
});
