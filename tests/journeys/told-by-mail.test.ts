import { demoPassword } from '@bandeng/city';
import { callerAt } from '@bandeng/deploy/api';
import { signIn } from '@bandeng/deploy/sign-in';
import { eventually } from '@bandeng/testing';
import { type MailSink, mailSink } from '@bandeng/testing/mail';
import { type Caller, type Town, town } from '@bandeng/testing/town';
import { afterAll, beforeAll, expect, test } from 'vitest';

let sink: MailSink;
let city: Town;
let resident: Caller;
let dispatcher: Caller;
let administrator: Caller;
let home: string;
let community: string;
let category: string;

beforeAll(async () => {
  sink = await mailSink();
  city = await town({
    environment: { BANDENG_SMTP_URL: sink.url, BANDENG_MAIL_FROM: '板凳 <no-reply@hezhou.example>' },
  });
  [resident, dispatcher, administrator] = await Promise.all([
    city.as('resident'),
    city.as('community_dispatcher'),
    city.as('administrator'),
  ]);
  home = city.plan.postings.find(({ role }) => role === 'resident')?.territory ?? '';
  community = home.slice(0, 12);
  category = city.plan.categories[0]?.join('.') ?? '';
});
afterAll(async () => {
  await city?.stop();
  await sink?.stop();
});

/** A member of the community who can be reached by e-mail. */
async function member(login: string, email: string, language: string): Promise<Caller> {
  const account = { login, password: demoPassword, name: '测试成员', language, email };
  const registered = await administrator.post('/v1/accounts', account);
  expect(registered.status, JSON.stringify(registered.body)).toBe(201);
  const posting = { person: registered.body.id, role: 'MEMBER', territory: community };
  expect((await administrator.post('/v1/postings', posting)).status).toBe(201);
  return callerAt(city.address, await signIn(`${city.address}/oidc`, login, demoPassword));
}

const readiness = async () => (await fetch(`${city.address}/readyz`)).json();

const choices = [
  { kind: 'CALL', channel: 'EMAIL', pace: 'AT_ONCE' },
  { kind: 'TASK', channel: 'EMAIL', pace: 'AT_ONCE' },
];

async function call(): Promise<{ id: string; number: string }> {
  const { body } = await resident.post('/v1/tickets', {
    text: '三单元楼道灯坏了',
    territory: home,
    category,
    displayName: '陈阿姨',
  });
  const dispatched = await dispatcher.post(`/v1/tickets/${body.id}:dispatch`, {
    handler: { openCall: community },
    note: '就近的来',
  });
  expect(dispatched.status).toBe(200);
  return body;
}

test('members who chose e-mail hear of an open call in their own language, with the number and no words of people', async () => {
  const english = await member('anna', 'anna@post.example', 'en');
  const chinese = await member('xiaoli', 'xiaoli@post.example', 'zh-CN');
  const before = await english.get('/v1/me/notice-preferences');
  expect(before.body).toMatchObject({ version: 0, digestHour: 18, channels: ['INBOX', 'EMAIL'] });
  expect(before.body.choices.every(({ pace }: { pace: string }) => pace === 'OFF')).toBe(true);
  for (const who of [english, chinese]) {
    const set = await who.post('/v1/me/notice-preferences:set', { choices });
    expect(set.body).toMatchObject({ version: 1 });
  }
  // What the members know is what notifications knows: the posting may take a moment to reach it.
  await eventually(async () => expect((await english.get('/v1/inbox')).status).toBe(200));

  expect(await readiness()).toMatchObject({ ready: true, email: 'untried' });
  const { id, number } = await call();
  await eventually(() => expect(sink.mails).toHaveLength(2), { within: 15_000 });
  await eventually(async () => expect(await readiness()).toMatchObject({ ready: true, email: 'works' }));
  const [anna, xiaoli] = [...sink.mails].sort((one, other) => one.to.localeCompare(other.to));
  expect(anna).toMatchObject({ to: 'anna@post.example', subject: `[Bandeng] Dispatched ${number}` });
  expect(xiaoli).toMatchObject({ to: 'xiaoli@post.example', subject: `【板凳】社区已派单 ${number}` });
  for (const word of ['三单元', '陈阿姨', '就近', '测试成员']) {
    expect(sink.mails.some(({ subject, text, raw }) => `${subject}${text}${raw}`.includes(word))).toBe(false);
  }
  const { body: log } = await eventually(async () => {
    const answer = await english.get('/v1/me/deliveries');
    expect(answer.body.deliveries[0]).toMatchObject({ status: 'SENT' });
    return answer;
  });
  expect(log.deliveries).toHaveLength(1);
  expect(log.deliveries[0]).toMatchObject({ ticket: id, channel: 'EMAIL', kind: 'CALL', tries: 1, reason: '' });
  expect((await resident.get('/v1/me/deliveries')).body.deliveries).toEqual([]);
});

test('an address that is refused shows to its owner and to an administrator, who sees no address and no ticket', async () => {
  const away = await member('moved', 'moved@post.example', 'zh-CN');
  sink.answer('moved@post.example', 550);
  await away.post('/v1/me/notice-preferences:set', { choices });
  const { id } = await call();
  await eventually(
    async () => {
      const { body } = await away.get('/v1/me/deliveries');
      expect(body.deliveries[0]).toMatchObject({ status: 'FAILED', reason: 'address-refused', nextChannel: 'INBOX' });
    },
    { within: 15_000 },
  );
  expect((await away.get('/v1/inbox')).body.notices[0]).toMatchObject({ ticket: id });
  const { body } = await administrator.get('/v1/failed-deliveries?channel=EMAIL');
  expect(body.deliveries[0]).toMatchObject({ channel: 'EMAIL', reason: 'address-refused', tries: 1 });
  expect(JSON.stringify(body)).not.toMatch(new RegExp(`example|${id}`));
  expect((await dispatcher.get('/v1/failed-deliveries')).status).toBe(403);
});

test('what waits for the digest goes at once when its person chooses so', async () => {
  const later = await member('mo', 'mo@post.example', 'zh-CN');
  const paced = (pace: string) =>
    later.post('/v1/me/notice-preferences:set', { choices: choices.map((choice) => ({ ...choice, pace })) });
  expect((await paced('DIGEST')).status).toBe(200);
  const { id } = await call();
  await eventually(async () => {
    const { body } = await later.get('/v1/me/deliveries');
    expect(body.deliveries[0]).toMatchObject({ ticket: id, status: 'WAITING' });
  });
  expect((await paced('AT_ONCE')).status).toBe(200);
  await eventually(() => expect(sink.mails.map(({ to }) => to)).toContain('mo@post.example'), { within: 15_000 });
});

test('wrong wishes name what is wrong, and two who change them at once do not overwrite each other', async () => {
  const set = (body: object, headers = {}) => resident.post('/v1/me/notice-preferences:set', body, headers);
  const quiet = await set({ quietHours: { from: '25:00', until: '07:00' } });
  expect(quiet.body.fields[0].field).toBe('quietHours.from');
  expect((await set({ quietHours: { from: '22:00', until: '22:00' } })).body.type).toBe(
    'urn:bandeng:problem:quiet-hours-empty',
  );
  expect((await set({ choices: [{ kind: 'TASK', channel: 'INBOX', pace: 'OFF' }] })).status).toBe(422);
  expect((await set({ choices: [...choices, ...choices] })).body.type).toBe('urn:bandeng:problem:choice-repeated');
  const wish = { choices, quietHours: { from: '22:00', until: '07:00' }, digestHour: 0, language: 'en' };
  const first = await set(wish, { 'if-match': '"0"' });
  expect(first.body).toMatchObject({ version: 1, digestHour: 0, language: 'en', quietHours: wish.quietHours });
  expect((await set({ choices: [] }, { 'if-match': '"0"' })).status).toBe(412);
  expect((await (await city.system('demo-system')).post('/v1/me/notice-preferences:set', {})).status).toBe(403);
});
