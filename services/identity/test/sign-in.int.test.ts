import { randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '../src/passwords.ts';
import { openVault } from '../src/vault.ts';
import {
  authorize,
  callback,
  codeFrom,
  exchange,
  issuer,
  lina,
  openStage,
  password,
  type Stage,
  signedIn,
  verify,
} from './stage.ts';

describe('signing in', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  beforeEach(() => stage.clear());
  afterEach(() => expect(stage.faults()).toEqual([]));
  afterAll(() => stage.close());

  it('goes from the application over the form back to it, and gives a token that says who the person is', async () => {
    const visitor = stage.visitor();
    const page = await visitor.get(authorize());
    expect(page.status).toBe(200);
    expect(page.body).toContain('<h1>登录</h1>');
    const back = await visitor.submit(page, { login: ' Li.Na ', password });
    expect(back.address).toContain(`${callback}?code=`);
    expect(back.address).toContain('state=here');
    const tokens = await exchange(visitor, codeFrom(back));
    expect(tokens).toMatchObject({ status: 200, token_type: 'Bearer', expires_in: 600 });
    const { payload, protectedHeader } = await verify(stage.provider(), tokens.access_token);
    expect(protectedHeader.alg).toBe('EdDSA');
    expect(payload).toMatchObject({
      sub: lina.id,
      client_id: 'bandeng-cli',
      iss: issuer,
      aud: 'bandeng',
    });
    expect(payload).not.toHaveProperty('name');
    expect(decodeJwt(tokens.id_token)).toMatchObject({ sub: lina.id, name: '李娜', locale: 'zh-CN' });
  });

  it('needs PKCE by SHA-256', async () => {
    const visitor = stage.visitor();
    const plain = await visitor.get(authorize({ code_challenge_method: 'plain', code_challenge: 'a'.repeat(43) }));
    expect(plain.address).toContain('error=invalid_request');
    const without = await visitor.get(authorize().replace(/&code_challenge[^&]*/g, ''));
    expect(without.address).toContain('error=invalid_request');
    const back = await signedIn(visitor);
    const wrong = await exchange(visitor, codeFrom(back), { code_verifier: randomBytes(32).toString('base64url') });
    expect(wrong).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  it('is refused for an address that the application did not register, without sending anybody there', async () => {
    const seen = await stage.visitor().get(authorize({ redirect_uri: 'https://elsewhere.example.com/' }));
    expect(seen.status).toBe(400);
    expect(seen.address.startsWith(issuer)).toBe(true);
    expect(seen.body).toContain('无法继续');
  });

  it('answers a wrong login and a wrong password alike', async () => {
    const visitor = stage.visitor();
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
    const visitor = stage.visitor();
    const page = await visitor.get(authorize());
    const wrong = () => visitor.submit(page, { login: 'li.na', password: 'not this one' }).then(({ status }) => status);
    for (let failure = 1; failure <= 5; failure += 1) expect(await wrong()).toBe(403);
    const locked = await visitor.submit(page, { login: 'LI.NA', password }, { 'accept-language': 'en' });
    expect(locked.status).toBe(429);
    expect(Number(locked.headers['retry-after'])).toBeGreaterThan(25);
    expect(locked.body).toMatch(/请在 \d+ 秒后再试/);
    expect((await signedIn(stage.visitor(), 'smith')).address).toContain(callback);
    // Half a minute later.
    const past = { $set: { until: new Date(Date.now() - 1000) } };
    await stage.database.collection('sign_in_attempts').updateMany({}, past);
    expect(await wrong()).toBe(403);
    const longer = await visitor.submit(page, { login: 'li.na', password });
    expect(Number(longer.headers['retry-after'])).toBeGreaterThan(55);
    await stage.database.collection('sign_in_attempts').updateMany({}, past);
    expect((await visitor.submit(page, { login: 'li.na', password })).address).toContain(callback);
    expect(await stage.database.collection('sign_in_attempts').countDocuments({})).toBe(0);
  });

  it('is locked for the network from which it was tried, and from everywhere after twenty times as many', async () => {
    const from = async (network: string, word: string) => {
      const visitor = stage.visitor();
      const page = await visitor.get(authorize());
      const headers = { 'x-forwarded-for': network };
      return (await visitor.submit(page, { login: 'li.na', password: word }, headers)).status;
    };
    for (let failure = 1; failure <= 5; failure += 1) expect(await from('203.0.113.7', 'not this one')).toBe(403);
    expect(await from('203.0.113.7', password)).toBe(429);
    expect(await from('198.51.100.7', password)).toBe(303);
    for (let network = 1; network <= 25; network += 1) {
      for (let failure = 1; failure <= 4; failure += 1) await from(`192.0.2.${network}`, 'not this one');
    }
    expect(await from('198.51.100.7', password)).toBe(429);
  });

  it('asks for another password where the one that was typed works once', async () => {
    const vault = await openVault(stage.database, Buffer.alloc(32, 1));
    await vault.change({ owner: lina.id, secretHash: await hashPassword(password), once: true });
    const visitor = stage.visitor();
    const typed = { login: 'li.na', password };
    const own = { chosen: '我自己的长凳的密码啊', chosenAgain: '我自己的长凳的密码啊' };
    const asks = await visitor.submit(await visitor.get(authorize()), typed);
    expect(asks.status).toBe(200);
    expect(asks.body).toContain('此密码只能使用一次');
    expect(asks.body.match(/autocomplete="new-password"/g)).toHaveLength(2);
    const short = await visitor.submit(asks, { ...typed, chosen: 'short', chosenAgain: 'short' });
    expect([short.status, short.body]).toEqual([400, expect.stringContaining('10至200个字符')]);
    const same = await visitor.submit(asks, { ...typed, chosen: password, chosenAgain: password });
    expect(same.body).toContain('不能与一次性密码相同');
    const slip = await visitor.submit(asks, { ...typed, ...own, chosenAgain: '我自己的长凳密码' });
    expect(slip.body).toContain('两次输入的新密码不一致');
    const guess = await visitor.submit(asks, { ...typed, ...own, password: 'not this one' });
    expect([guess.status, guess.body]).toEqual([403, expect.not.stringContaining('new-password')]);
    expect(stage.changes()).toEqual([]);

    const twice = await Promise.all([
      visitor.submit(asks, { ...typed, ...own }),
      visitor.submit(asks, { ...typed, ...own }),
    ]);
    expect(twice.filter(({ address }) => address.startsWith(callback))).toHaveLength(1);
    expect(stage.changes()).toEqual([lina.id]);
    const next = stage.visitor();
    const page = await next.get(authorize());
    expect((await next.submit(page, typed)).status).toBe(403);
    expect((await next.submit(page, { ...typed, password: own.chosen })).address).toContain(`${callback}?code=`);
  });

  it('lets no burst of guesses through', async () => {
    const visitor = stage.visitor();
    const page = await visitor.get(authorize());
    const guesses = Array.from({ length: 20 }, () => visitor.submit(page, { login: 'li.na', password: 'a guess' }));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(15);
  });

  it('can be left without signing in', async () => {
    const visitor = stage.visitor();
    const back = await visitor.submit(await visitor.get(authorize()), { cancel: 'yes' });
    expect(back.address).toContain(`${callback}?error=access_denied`);
  });

  it('takes no form from another site: without its cookie there is no sign-in', async () => {
    const visitor = stage.visitor();
    const page = await visitor.get(authorize());
    const forged = await stage.visitor().submit(page, { login: 'li.na', password });
    expect(forged.status).toBe(400);
    expect(forged.body).toContain('登录页面已失效');
  });

  it('shows its page in the language that was chosen, asked for or preferred', async () => {
    const visitor = stage.visitor();
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
    const { headers, body } = await stage.visitor().get(authorize({ login_hint: '"><b>x</b>' }));
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
