import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { connectMongo, type MongoClient } from '@bandeng/records';
import { type Parts, parts } from '@bandeng/testing';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientsOfPeople, hashSecret } from '../src/oidc-clients.ts';
import { hashPassword } from '../src/passwords.ts';
import { openProvider, type RunningProvider } from '../src/provider.ts';
import { openSignIn, type Person } from '../src/sign-in.ts';
import { signingKeys } from '../src/signing-keys.ts';
import { openVault } from '../src/vault.ts';
import { type Browser, browser, type Seen } from './browser.ts';

const issuer = 'http://localhost:8080/oidc';
const people: Record<string, Person> = {
  'li.na': { id: '11111111-1111-8111-8111-111111111111', name: '李娜', language: 'zh-CN' },
  smith: { id: '22222222-2222-8222-8222-222222222222', name: 'J. Smith', language: 'en' },
};
const password = 'a bench to sit on';
const callback = 'http://127.0.0.1:41234/callback';
const console = 'https://console.example.com/signed-in';
const secret = 'a secret that was drawn at random';

describe('the provider', () => {
  let given: Parts;
  let mongo: MongoClient;
  let running: RunningProvider;
  let socketPath: string;
  let counted = 0;
  const lines: object[] = [];

  const open = async (database: string) => {
    const vault = openVault(mongo.db(database), Buffer.alloc(32, 1));
    const byId = async (id: string) => Object.values(people).find((person) => person.id === id);
    const known = { byLogin: async (login: string) => people[login], byId };
    const note = (about: object) => {
      lines.push(about);
    };
    return {
      vault,
      provider: await openProvider({
        issuer,
        listen: { socketPath },
        database: mongo.db(database),
        keys: {
          signing: await signingKeys({ file: join(given.directory, 'signing.json') }),
          cookies: Buffer.alloc(32, 2),
        },
        accounts: {
          people: known,
          signIn: await openSignIn({ database: mongo.db(database), people: known, vault, key: Buffer.alloc(32, 3) }),
          systems: {
            byId: async (id) =>
              id === 'hotline'
                ? {
                    id,
                    name: '12345',
                    scopes: ['events', 'tickets.read'],
                    territory: '4599',
                    secretHash: hashSecret(secret),
                  }
                : undefined,
          },
        },
        clients: clientsOfPeople({ redirectUris: [console], postLogoutRedirectUris: ['https://console.example.com/'] }),
        accessTokenSeconds: 600,
        log: { info: note, warn: note, error: note, debug: note },
      }),
    };
  };

  beforeAll(async () => {
    given = await parts();
    mongo = await connectMongo(given.mongodbUri);
    socketPath = join(given.directory, 'oidc.sock');
  });
  beforeEach(async () => {
    counted += 1;
    const { provider, vault } = await open(`${given.databasePrefix}_identity${counted}`);
    running = provider;
    const hash = await hashPassword(password);
    for (const { id } of Object.values(people)) await vault.put(id, { secretHash: hash });
  });
  afterEach(async () => {
    await running.close();
    await mongo.db(`${given.databasePrefix}_identity${counted}`).dropDatabase();
    expect(lines.splice(0).filter((line) => 'error' in line)).toEqual([]);
  });
  afterAll(async () => {
    await mongo.close();
    await given.dispose();
  });

  const database = () => mongo.db(`${given.databasePrefix}_identity${counted}`);

  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const authorize = (more: Record<string, string> = {}) =>
    `${issuer}/auth?${new URLSearchParams({
      client_id: 'bandeng-cli',
      response_type: 'code',
      redirect_uri: callback,
      scope: 'openid profile',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 'here',
      ...more,
    })}`;
  const codeFrom = (seen: Seen) => new URL(seen.address).searchParams.get('code') ?? '';
  const token = (visitor: Browser, form: Record<string, string>, headers: Record<string, string> = {}) =>
    visitor.post(`${issuer}/token`, form, headers).then(({ status, body }) => ({ status, ...JSON.parse(body) }));
  const exchange = (visitor: Browser, code: string, more: Record<string, string> = {}) =>
    token(visitor, {
      grant_type: 'authorization_code',
      client_id: 'bandeng-cli',
      redirect_uri: callback,
      code,
      code_verifier: verifier,
      ...more,
    });
  const refresh = (visitor: Browser, refreshToken: string) =>
    token(visitor, { grant_type: 'refresh_token', client_id: 'bandeng-cli', refresh_token: refreshToken });
  const basic = (id: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(password)}`).toString('base64')}`,
  });
  const signedIn = async (visitor: Browser, login = 'li.na') => {
    const page = await visitor.get(authorize());
    return visitor.submit(page, { login, password });
  };
  const verify = (jwt: string) =>
    jwtVerify(jwt, createLocalJWKSet({ keys: [...running.keySet.keys] }), {
      issuer,
      audience: 'bandeng',
      typ: 'at+jwt',
    });

  describe('signing in', () => {
    it('goes from the application over the form back to it, and gives a token that says who the person is', async () => {
      const visitor = browser(issuer, socketPath);
      const page = await visitor.get(authorize());
      expect(page.status).toBe(200);
      expect(page.body).toContain('<h1>登录</h1>');
      const back = await visitor.submit(page, { login: ' Li.Na ', password });
      expect(back.address).toContain(`${callback}?code=`);
      expect(back.address).toContain('state=here');
      const tokens = await exchange(visitor, codeFrom(back));
      expect(tokens).toMatchObject({ status: 200, token_type: 'Bearer', expires_in: 600 });
      const { payload, protectedHeader } = await verify(tokens.access_token);
      expect(protectedHeader.alg).toBe('EdDSA');
      expect(payload).toMatchObject({
        sub: people['li.na']?.id,
        client_id: 'bandeng-cli',
        iss: issuer,
        aud: 'bandeng',
      });
      expect(payload).not.toHaveProperty('name');
      expect(decodeJwt(tokens.id_token)).toMatchObject({ sub: people['li.na']?.id, name: '李娜', locale: 'zh-CN' });
    });

    it('needs PKCE by SHA-256', async () => {
      const visitor = browser(issuer, socketPath);
      const plain = await visitor.get(authorize({ code_challenge_method: 'plain', code_challenge: verifier }));
      expect(plain.address).toContain('error=invalid_request');
      const without = await visitor.get(authorize().replace(/&code_challenge[^&]*/g, ''));
      expect(without.address).toContain('error=invalid_request');
      const back = await signedIn(visitor);
      const wrong = await exchange(visitor, codeFrom(back), { code_verifier: randomBytes(32).toString('base64url') });
      expect(wrong).toMatchObject({ status: 400, error: 'invalid_grant' });
    });

    it('is refused for an address that the application did not register, without sending anybody there', async () => {
      const seen = await browser(issuer, socketPath).get(authorize({ redirect_uri: 'https://elsewhere.example.com/' }));
      expect(seen.status).toBe(400);
      expect(seen.address.startsWith(issuer)).toBe(true);
      expect(seen.body).toContain('无法继续');
    });

    it('answers a wrong login and a wrong password alike', async () => {
      const visitor = browser(issuer, socketPath);
      const page = await visitor.get(authorize());
      const wrongPassword = await visitor.submit(page, { login: 'li.na', password: 'not this one' });
      const wrongLogin = await visitor.submit(page, { login: 'wu.ming', password: 'not this one' });
      expect(wrongPassword.status).toBe(403);
      expect(wrongPassword.body).toContain('登录名或密码不正确');
      expect(wrongPassword.body).toContain('role="alert"');
      expect(wrongLogin.body).toBe(wrongPassword.body.replaceAll('li.na', 'wu.ming'));
      expect((await visitor.submit(wrongLogin, { login: '', password: '' })).status).toBe(400);
      expect((await visitor.submit(wrongLogin, { login: 'li.na', password })).address).toContain(callback);
    });

    it('is locked for a while after five failures, even for the right password, and for that login alone', async () => {
      const visitor = browser(issuer, socketPath);
      const page = await visitor.get(authorize());
      const wrong = () =>
        visitor.submit(page, { login: 'li.na', password: 'not this one' }).then(({ status }) => status);
      for (let failure = 1; failure <= 5; failure += 1) expect(await wrong()).toBe(403);
      const locked = await visitor.submit(page, { login: 'LI.NA', password }, { 'accept-language': 'en' });
      expect(locked.status).toBe(429);
      expect(Number(locked.headers['retry-after'])).toBeGreaterThan(25);
      expect(locked.body).toMatch(/请在 \d+ 秒后再试/);
      expect((await signedIn(browser(issuer, socketPath), 'smith')).address).toContain(callback);
      // Half a minute later.
      const past = { $set: { until: new Date(Date.now() - 1000) } };
      await database().collection('sign_in_attempts').updateMany({}, past);
      expect(await wrong()).toBe(403);
      const longer = await visitor.submit(page, { login: 'li.na', password });
      expect(Number(longer.headers['retry-after'])).toBeGreaterThan(55);
      await database().collection('sign_in_attempts').updateMany({}, past);
      expect((await visitor.submit(page, { login: 'li.na', password })).address).toContain(callback);
      expect(await database().collection('sign_in_attempts').countDocuments({})).toBe(0);
    });

    it('lets no burst of guesses through', async () => {
      const visitor = browser(issuer, socketPath);
      const page = await visitor.get(authorize());
      const guesses = Array.from({ length: 20 }, () => visitor.submit(page, { login: 'li.na', password: 'a guess' }));
      const statuses = (await Promise.all(guesses)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 403)).toHaveLength(5);
      expect(statuses.filter((status) => status === 429)).toHaveLength(15);
    });

    it('can be left without signing in', async () => {
      const visitor = browser(issuer, socketPath);
      const back = await visitor.submit(await visitor.get(authorize()), { cancel: 'yes' });
      expect(back.address).toContain(`${callback}?error=access_denied`);
    });

    it('takes no form from another site: without its cookie there is no sign-in', async () => {
      const visitor = browser(issuer, socketPath);
      const page = await visitor.get(authorize());
      const forged = await browser(issuer, socketPath).submit(page, { login: 'li.na', password });
      expect(forged.status).toBe(400);
      expect(forged.body).toContain('登录页面已失效');
    });

    it('shows its page in the language that was chosen, asked for or preferred', async () => {
      const visitor = browser(issuer, socketPath);
      const prefers = { 'accept-language': 'fr, en;q=0.8, zh;q=0.5' };
      const english = await visitor.get(authorize(), prefers);
      expect(english.body).toContain('<html lang="en">');
      expect(english.body).toContain('<h1>Sign in</h1>');
      const asked = await visitor.get(authorize({ ui_locales: 'zh-CN en' }), prefers);
      expect(asked.body).toContain('<html lang="zh-CN">');
      const other = /<a href="([^"]+)" lang="en"/.exec(asked.body)?.[1] ?? '';
      const chosen = await visitor.get(new URL(other, issuer).href);
      expect(chosen.body).toContain('<html lang="en">');
      expect((await visitor.submit(chosen, { login: 'smith', password: 'no' })).body).toContain('is not right');
    });

    it('runs no script, loads nothing, and lets the form end at the application alone', async () => {
      const { headers, body } = await browser(issuer, socketPath).get(authorize({ login_hint: '"><b>x</b>' }));
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("form-action 'self' http://127.0.0.1:41234");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toMatch(/script-src;/);
      expect(headers['cache-control']).toBe('no-store');
      expect(body).not.toContain('<script');
      expect(body).toContain('value="&quot;&gt;&lt;b&gt;x&lt;/b&gt;"');
    });
  });

  describe('a session', () => {
    it('asks nobody for the password again, but an application on the machine asks whether to go on', async () => {
      const visitor = browser(issuer, socketPath);
      await signedIn(visitor);
      const page = await visitor.get(authorize(), { 'accept-language': 'en' });
      expect(page.body).toContain('You are signed in as “李娜”.');
      const back = await visitor.submit(page, { continue: 'yes' });
      expect(back.address).toContain(`${callback}?code=`);
      const web = await visitor.get(authorize({ client_id: 'bandeng-web', redirect_uri: console }));
      expect(web.address).toContain(`${console}?code=`);
    });

    it('and the keys outlive a restart', async () => {
      const visitor = browser(issuer, socketPath);
      const before = await exchange(visitor, codeFrom(await signedIn(visitor)));
      await running.close();
      running = (await open(`${given.databasePrefix}_identity${counted}`)).provider;
      const web = await visitor.get(authorize({ client_id: 'bandeng-web', redirect_uri: console }));
      expect(web.address).toContain(`${console}?code=`);
      await expect(verify(before.access_token)).resolves.toBeDefined();
      expect((await refresh(visitor, before.refresh_token)).status).toBe(200);
    });

    it('can be changed to another person, with a button where a script would have been', async () => {
      const visitor = browser(issuer, socketPath);
      await signedIn(visitor);
      const form = await visitor.submit(await visitor.get(authorize()), { other: 'yes' });
      expect(form.body).toContain('<h1>登录</h1>');
      const handOver = await visitor.submit(form, { login: 'smith', password });
      expect(String(handOver.headers['content-security-policy'])).toMatch(/script-src 'sha256-/);
      const back = await visitor.submit(handOver, {});
      const { payload } = await verify((await exchange(visitor, codeFrom(back))).access_token);
      expect(payload.sub).toBe(people.smith?.id);
    });

    it('ends when the person signs out, and takes its tokens along', async () => {
      const visitor = browser(issuer, socketPath);
      const tokens = await exchange(visitor, codeFrom(await signedIn(visitor)));
      const asked = await visitor.get(`${issuer}/session/end?id_token_hint=${tokens.id_token}`, {
        'accept-language': 'en',
      });
      expect(asked.body).toContain('Do you want to sign out?');
      const ended = await visitor.submit(asked, { logout: 'yes' }, { 'accept-language': 'en' });
      expect(ended.body).toContain('You are signed out');
      expect((await visitor.get(authorize())).body).toContain('<h1>登录</h1>');
      expect(await refresh(visitor, tokens.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    });
  });

  describe('a refresh token', () => {
    it('is replaced at each use; the old one used again ends the whole family', async () => {
      const visitor = browser(issuer, socketPath);
      const first = await exchange(visitor, codeFrom(await signedIn(visitor)));
      const second = await refresh(visitor, first.refresh_token);
      expect(second.status).toBe(200);
      expect(second.refresh_token).not.toBe(first.refresh_token);
      await expect(verify(second.access_token)).resolves.toBeDefined();
      expect(await refresh(visitor, first.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
      expect(await refresh(visitor, second.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    });

    it('used ten times at once is used once', async () => {
      const visitor = browser(issuer, socketPath);
      const { refresh_token } = await exchange(visitor, codeFrom(await signedIn(visitor)));
      const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(visitor, refresh_token)));
      const kept = answers.filter(({ status }) => status === 200);
      expect(kept.length).toBeLessThanOrEqual(1);
      for (const { refresh_token: next } of kept) expect((await refresh(visitor, next)).status).toBe(400);
    });

    it('is gone when it is revoked', async () => {
      const visitor = browser(issuer, socketPath);
      const { refresh_token } = await exchange(visitor, codeFrom(await signedIn(visitor)));
      const revoked = await visitor.post(`${issuer}/token/revocation`, {
        client_id: 'bandeng-cli',
        token: refresh_token,
      });
      expect(revoked.status).toBe(200);
      expect(await refresh(visitor, refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    });

    it('is not stored in the clear, nor is a code', async () => {
      const visitor = browser(issuer, socketPath);
      const code = codeFrom(await signedIn(visitor));
      const { refresh_token } = await exchange(visitor, code);
      const stored = JSON.stringify(await database().collection('oidc').find().toArray());
      expect(stored).not.toContain(code);
      expect(stored).not.toContain(refresh_token);
    });
  });

  it('gives a code for one use, also when ten come at once', async () => {
    const visitor = browser(issuer, socketPath);
    const code = codeFrom(await signedIn(visitor));
    const answers = await Promise.all(Array.from({ length: 10 }, () => exchange(visitor, code)));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    const again = await exchange(visitor, codeFrom(await signedInAgain(visitor)));
    expect(again.status).toBe(200);
    expect(await exchange(visitor, code)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  const signedInAgain = async (visitor: Browser) => visitor.submit(await visitor.get(authorize()), { continue: 'yes' });

  describe('another system', () => {
    it('gets all its scopes and its territory by its secret, in the header or in the form', async () => {
      const visitor = browser(issuer, socketPath);
      const grant = { grant_type: 'client_credentials' };
      const byHeader = await token(visitor, grant, basic('hotline', secret));
      expect(byHeader).toMatchObject({ status: 200, scope: 'events tickets.read', expires_in: 600 });
      const { payload } = await verify(byHeader.access_token);
      expect(payload).toMatchObject({
        sub: 'hotline',
        client_id: 'hotline',
        scope: 'events tickets.read',
        territory: '4599',
      });
      expect((await token(visitor, { ...grant, client_id: 'hotline', client_secret: secret })).status).toBe(200);
    });

    it('gets less when it asks for less, and nothing when it asks for what it has not', async () => {
      const visitor = browser(issuer, socketPath);
      const ask = (scope: string) =>
        token(visitor, { grant_type: 'client_credentials', scope }, basic('hotline', secret));
      expect(await ask('events')).toMatchObject({ status: 200, scope: 'events' });
      expect(await ask('events tickets.import')).toMatchObject({ status: 400, error: 'invalid_scope' });
    });

    it('gets nothing by a wrong secret, by the hash of the right one, or under an unknown name', async () => {
      const visitor = browser(issuer, socketPath);
      const ask = (id: string, word: string) => token(visitor, { grant_type: 'client_credentials' }, basic(id, word));
      for (const [id, word] of [
        ['hotline', 'not this one'],
        ['hotline', hashSecret(secret)],
        ['nobody', secret],
      ] as const) {
        expect(await ask(id, word)).toMatchObject({ status: 401, error: 'invalid_client' });
      }
    });
  });

  it('describes itself, and publishes public keys only', async () => {
    const visitor = browser(issuer, socketPath);
    const forwarded = { 'x-forwarded-host': 'city.example.cn', 'x-forwarded-proto': 'https' };
    const discovery = JSON.parse((await visitor.get(`${issuer}/.well-known/openid-configuration`, forwarded)).body);
    expect(discovery).toMatchObject({
      issuer,
      authorization_endpoint: 'https://city.example.cn/oidc/auth',
      code_challenge_methods_supported: ['S256'],
    });
    expect(discovery.grant_types_supported.sort()).toEqual([
      'authorization_code',
      'client_credentials',
      'refresh_token',
    ]);
    const { keys } = JSON.parse((await visitor.get(`${issuer}/jwks`)).body);
    expect(keys.map(({ kid }: { kid: string }) => kid)).toEqual(running.keySet.keys.map(({ kid }) => kid));
    expect(JSON.stringify([keys, running.keySet])).not.toContain('"d"');
  });
});
