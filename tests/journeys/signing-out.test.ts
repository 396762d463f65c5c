import { randomUUID } from 'node:crypto';
import { type CookieJar, cookieJar, signInWhole, type Tokens } from '@bandeng/deploy/sign-in';
import { eventually, type KillableParts, killableParts } from '@bandeng/testing';
import { type Caller, type Town, town } from '@bandeng/testing/town';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/**
 * However a sign-in ends, its access token counts no more anywhere within seconds, though it has not expired; also while NATS is
 * away. Another sign-in of the same person is left alone.
 */

const seconds = 5;
let parts: KillableParts;
let city: Town;
let administrator: Caller;
let issuer: string;
let home: string;

beforeAll(async () => {
  parts = await killableParts();
  city = await town({ parts });
  issuer = `${city.address}/oidc`;
  administrator = await city.as('administrator');
  home = city.plan.postings.find(({ role }) => role === 'resident')?.territory ?? '';
}, 120_000);
afterAll(() => city?.stop());

interface SignedIn extends Tokens {
  readonly caller: Caller;
  readonly cookies: CookieJar;
}

/** A person of whom nobody else knows, signed in twice, and known to every service by both sign-ins. */
async function somebody(): Promise<{ phone: SignedIn; console: SignedIn; password: string }> {
  const [login, password] = [`p${randomUUID().slice(0, 8)}`, 'the bench under the camphor tree'];
  const registered = await administrator.post('/v1/accounts', { login, password, name: '两处登录' });
  expect(registered.status, JSON.stringify(registered.body)).toBe(201);
  const signIn = async (): Promise<SignedIn> => {
    const cookies = cookieJar();
    const tokens = await signInWhole(issuer, login, password, { cookies });
    const caller = city.with(tokens.access);
    await countsEverywhere(caller);
    return { ...tokens, caller, cookies };
  };
  return { phone: await signIn(), console: await signIn(), password };
}

/** One question to each service, each of which verifies tokens by itself; the last one is the gateway's own. */
const questions = ['/v1/me', '/v1/postings?person=x', '/v1/tickets', '/v1/inbox', '/v1/inbox:stream?no-parameter'];

const statuses = (caller: Caller): Promise<number[]> =>
  Promise.all(questions.map(async (path) => (await caller.get(path)).status));

async function countsEverywhere(caller: Caller): Promise<void> {
  expect(await statuses(caller)).not.toContain(401);
}

/** Waits until every service refuses the tokens; then nothing can be done by them. */
async function refusedEverywhere({ caller, refresh }: SignedIn): Promise<void> {
  await eventually(async () => expect(new Set(await statuses(caller))).toEqual(new Set([401])), {
    within: seconds * 1_000,
  });
  expect((await caller.post('/v1/me:change-contact', { phone: '19900007788' })).status).toBe(401);
  expect((await caller.post('/v1/tickets', { text: '灯坏了', territory: home, category: 'x' })).status).toBe(401);
  expect(await ask('token', { grant_type: 'refresh_token', refresh_token: refresh })).toBe(400);
}

/** As the application asks the provider; answers the status. */
async function ask(endpoint: string, form: Record<string, string>): Promise<number> {
  const body = new URLSearchParams({ client_id: 'bandeng-cli', ...form });
  return (await fetch(`${issuer}/${endpoint}`, { method: 'POST', body })).status;
}

/** Signs out on the provider's page, which asks whether that is meant. */
async function signOut({ id, cookies }: SignedIn): Promise<void> {
  const end = new URL(`${issuer}/session/end?id_token_hint=${id}`);
  const shown = await fetch(end, { headers: { cookie: cookies.header(end), accept: 'text/html' } });
  cookies.take(shown.headers.getSetCookie());
  const page = await shown.text();
  const action = new URL(/<form[^>]* action="([^"]+)"/.exec(page)?.[1] ?? '', end);
  const body = new URLSearchParams({ xsrf: /name="xsrf" value="([^"]+)"/.exec(page)?.[1] ?? '', logout: 'yes' });
  const answer = await fetch(action, {
    ...{ method: 'POST', body, redirect: 'manual' },
    headers: { cookie: cookies.header(action), accept: 'text/html' },
  });
  expect(answer.status).toBe(303);
}

const waysToEnd: { readonly [way: string]: (one: SignedIn) => Promise<void> } = {
  'its refresh token is revoked': async ({ refresh }) => {
    expect(await ask('token/revocation', { token: refresh })).toBe(200);
  },
  'its access token is revoked': async ({ access }) => {
    expect(await ask('token/revocation', { token: access, token_type_hint: 'access_token' })).toBe(200);
  },
  'its refresh token is used twice': async ({ refresh }) => {
    expect(await ask('token', { grant_type: 'refresh_token', refresh_token: refresh })).toBe(200);
    expect(await ask('token', { grant_type: 'refresh_token', refresh_token: refresh })).toBe(400);
  },
  'the person signs out': signOut,
};

function journeys(): void {
  test.each(Object.entries(waysToEnd))('%s', async (_way, end) => {
    const { phone, console } = await somebody();
    await end(phone);
    await refusedEverywhere(phone);
    await countsEverywhere(console.caller);
    expect(await ask('token', { grant_type: 'refresh_token', refresh_token: console.refresh })).toBe(200);
  });

  test('the person changes their password, which ends the other sign-ins', async () => {
    const { phone, console, password } = await somebody();
    const change = { oldPassword: password, newPassword: 'another bench to sit on' };
    const changed = await console.caller.post('/v1/me:change-password', change);
    expect(changed.status, JSON.stringify(changed.body)).toBe(200);
    await refusedEverywhere(phone);
    await countsEverywhere(console.caller);
    expect(await ask('token', { grant_type: 'refresh_token', refresh_token: console.refresh })).toBe(200);
  });
}

describe('a sign-in ends within seconds when', journeys);

describe('while NATS is away, a sign-in ends within seconds when', () => {
  beforeAll(async () => {
    await countsEverywhere(administrator);
    await parts.natsServer.kill();
  });
  afterAll(() => parts.natsServer.start());
  journeys();
});

test('it has ended, and is not forgotten, when NATS has come back', async () => {
  const { phone, console } = await somebody();
  await parts.natsServer.kill();
  await signOut(phone);
  await parts.natsServer.start();
  await refusedEverywhere(phone);
  await countsEverywhere(console.caller);
});
