import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAll } from '@bandeng/deploy/all-in-one';
import { callerAt } from '@bandeng/deploy/api';
import { signIn, signInSystem } from '@bandeng/deploy/sign-in';
import type { RunningService } from '@bandeng/service';
import { eventually, type Parts, parts } from '@bandeng/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bandeng } from '../operations/bandeng.ts';
import { type CityIssuer, hotline, openCityIssuer } from './city-issuer.ts';

/** A city that has an issuer of its own: from the empty installation to the rating, as docs/how-to/issuer.md says. */

type Caller = ReturnType<typeof callerAt>;

const home = '459902001001501';
const community = home.slice(0, 12);
let issuer: CityIssuer;
let given: Parts;
let running: RunningService;
let environment: Record<string, string>;
let address: string;
let administrator: Caller;
let category: string;

beforeAll(async () => {
  issuer = await openCityIssuer();
  given = await parts();
  environment = { ...given.environment, BANDENG_ISSUER: issuer.address, BANDENG_EMBEDDED_PROVIDER: 'off' };
  address = `http://127.0.0.1:${environment.BANDENG_PORT}`;
  running = await startAll(environment);
  await eventually(() => running.ready(), { within: 20_000 });
  administrator = await appointed();
  category = await laidOut();
}, 120_000);
afterAll(async () => {
  await running?.stop();
  await issuer?.close();
  await given?.dispose();
}, 30_000);

/** The first administrator, whose account the command names and the issuer is told. */
async function appointed(): Promise<Caller> {
  const names = ['--province', '广西壮族自治区', '--city', '贺州市'];
  const called = await bandeng(environment, 'administrator', 'li.na', '--name', '李娜', ...names);
  expect(called).toMatchObject({ code: 0, complained: '' });
  expect(called.said).not.toContain('password');
  expect(called.said).toContain(`at ${issuer.address}, which gives this account as 'sub'`);
  issuer.people.set('li.na', /^account +(\S+)$/m.exec(called.said)?.[1] ?? '');
  const caller = await signedIn('li.na');
  await eventually(async () => expect((await caller.get('/v1/me')).body.capacities).toHaveLength(1));
  return caller;
}

/** A community with a compound, and a category: answers its id. */
async function laidOut(): Promise<string> {
  const territories = { 459902: '八步区', 459902001: '八步街道', [community]: '灵峰社区', [home]: '灵峰小区' };
  for (const [id, name] of Object.entries(territories).sort()) await made('/v1/territories', { id, name });
  return made('/v1/categories', { path: ['小区设施', '楼道', '照明'] });
}

async function made(path: string, body: object): Promise<string> {
  const answer = await eventually(async () => {
    const tried = await administrator.post(path, body);
    expect(tried.status, JSON.stringify(tried.body)).toBe(201);
    return tried;
  });
  return answer.body.id;
}

async function signedIn(login: string, at = issuer): Promise<Caller> {
  return callerAt(address, await signIn(at.address, login, 'as the city asks for it'));
}

/** Somebody who is registered without a password, known to the issuer, posted and signed in there. */
async function somebody(login: string, role: string): Promise<{ caller: Caller; account: string; posting: string }> {
  const account = await made('/v1/accounts', { login, name: login });
  issuer.people.set(login, account);
  const territory = role === 'RESIDENT' ? home : community;
  const posting = await made('/v1/postings', { person: account, role, territory });
  const caller = await signedIn(login);
  await eventually(async () => expect((await caller.get('/v1/me')).body.capacities).toHaveLength(1));
  return { caller, account, posting };
}

async function ordered(by: Caller): Promise<string> {
  const { status, body } = await by.post('/v1/tickets', { text: '三单元楼道灯坏了', territory: home, category });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id;
}

async function does(by: Caller, path: string, body: object, status: string): Promise<void> {
  const answer = await by.post(path, body);
  expect(answer.body, path).toMatchObject({ status });
}

test('people who sign in at the city’s own issuer order, dispatch, accept and rate, and are told', async () => {
  const [resident, dispatcher, member] = [
    await somebody('chen', 'RESIDENT'),
    await somebody('wang', 'COMMUNITY_DISPATCHER'),
    await somebody('zhao', 'MEMBER'),
  ];
  const live = await resident.caller.listen('/v1/inbox:stream');
  await live.begun;
  const id = await ordered(resident.caller);
  const handler = { openCall: community };
  await does(dispatcher.caller, `/v1/tickets/${id}:dispatch`, { handler }, 'DISPATCHED');
  await eventually(async () => {
    const { body } = await member.caller.get('/v1/inbox');
    expect(body.notices[0]).toMatchObject({ ticket: id, title: '社区已派单' });
  });
  await does(member.caller, `/v1/tickets/${id}:accept`, {}, 'IN_PROGRESS');
  await does(member.caller, `/v1/tickets/${id}:resolve`, { resolution: '换了灯泡' }, 'RESOLVED');
  await does(resident.caller, `/v1/tickets/${id}:rate`, { satisfaction: 'SATISFIED' }, 'RATED');
  await eventually(() =>
    expect(live.heard.map(({ data }) => data.event)).toContain('bandeng.tickets.ticket-resolved.v1'),
  );
  await live.close();
});

test('whose posting ends may no more, and who is erased is nobody any more, though their tokens live on', async () => {
  const resident = await somebody('sun', 'RESIDENT');
  const dispatcher = await somebody('zhou', 'COMMUNITY_DISPATCHER');
  const id = await ordered(resident.caller);
  await eventually(async () => expect((await dispatcher.caller.get(`/v1/tickets/${id}`)).status).toBe(200));
  expect((await administrator.post(`/v1/postings/${dispatcher.posting}:end`)).status).toBe(200);
  await eventually(async () => expect((await dispatcher.caller.get(`/v1/tickets/${id}`)).status).toBe(404));

  expect((await resident.caller.post(`/v1/accounts/${resident.account}:erase`)).status).toBe(200);
  for (const path of ['/v1/me', '/v1/tickets', '/v1/inbox', '/v1/postings']) {
    await eventually(async () => expect((await resident.caller.get(path)).status, path).toBe(401));
  }
  // The issuer lets them in as before: it is Bandeng that knows them no more.
  const again = await signedIn('sun');
  expect((await again.get('/v1/me')).status).toBe(401);
});

test('a token for somebody else, and one that another issuer signed, count for nothing', async () => {
  const others = await openCityIssuer({ audience: 'another-system' });
  others.people.set('li.na', issuer.people.get('li.na') ?? '');
  const elsewhere = await signedIn('li.na', others);
  for (const path of ['/v1/me', '/v1/tickets', '/v1/inbox', '/v1/postings']) {
    expect((await elsewhere.get(path)).status, path).toBe(401);
    expect((await administrator.get(path)).status, path).toBe(200);
  }
  await others.close();
});

test('a system imports and reads in its territory alone, and not what its scopes leave out', async () => {
  const file = join(given.directory, 'tickets.csv');
  await writeFile(
    file,
    `message_id,author,subject,sent_at,text,category\n1001,陈阿姨,路灯,2025-03-10T09:30:00+08:00,路灯坏了,${category}\n`,
  );
  const asHotline = {
    ...environment,
    BANDENG_URL: address,
    BANDENG_CLIENT_ID: hotline.id,
    BANDENG_CLIENT_SECRET: hotline.secret,
  };
  const imported = await bandeng(asHotline, 'import', 'tickets', file, '--territory', community);
  expect(imported.complained + imported.said).toContain('imported 1, already there 0, faults 0');
  const system = callerAt(address, await signInSystem(issuer.address, hotline.id, hotline.secret));
  expect((await system.get('/v1/me')).body).toMatchObject({ client: hotline.id, territory: '4599' });
  const { body } = await system.get('/v1/tickets?words=路灯');
  expect(body.tickets).toMatchObject([{ text: '路灯\n路灯坏了' }]);
  expect((await system.get('/v1/events')).status).toBe(403);
  expect((await system.post('/v1/tickets', { text: '灯坏了', territory: home, category })).status).toBe(403);
});

test('while the issuer is away whoever is signed in stays so, and its new key counts when it is back', async () => {
  await issuer.close();
  expect((await administrator.get('/v1/me')).status).toBe(200);
  await issuer.open();
  const fresh = await signedIn('li.na');
  for (const path of ['/v1/me', '/v1/tickets', '/v1/inbox', '/v1/postings']) {
    await eventually(async () => expect((await fresh.get(path)).status, path).toBe(200), { within: 10_000 });
  }
}, 60_000);

test('the gateway shows no sign-in page, and says where people sign in', async () => {
  expect((await administrator.get('/oidc/.well-known/openid-configuration')).status).toBe(404);
  const { body } = await administrator.get('/openapi.json');
  expect(body.components.securitySchemes.oidc.openIdConnectUrl).toBe(
    `${issuer.address}/.well-known/openid-configuration`,
  );
});
