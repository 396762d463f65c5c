import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashSecret } from '../src/oidc-clients.ts';
import { openEndSessions } from '../src/oidc-store.ts';
import type { Browser } from './browser.ts';
import {
  authorize,
  basic,
  callback,
  codeFrom,
  exchange,
  issuer,
  lina,
  openStage,
  password,
  refresh,
  type Stage,
  secret,
  signedIn,
  smith,
  token,
  verify,
  web,
} from './stage.ts';

describe('sessions and tokens', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  beforeEach(() => stage.clear());
  afterEach(() => expect(stage.faults()).toEqual([]));
  afterAll(() => stage.close());

  describe('a session', () => {
    it('asks nobody for the password again, but an application on the machine asks whether to go on', async () => {
      const visitor = stage.visitor();
      await signedIn(visitor);
      const page = await visitor.get(authorize(), { 'accept-language': 'en' });
      expect(page.body).toContain('You are signed in as “李娜”.');
      const back = await visitor.submit(page, { continue: 'yes' });
      expect(back.address).toContain(`${callback}?code=`);
      const silent = await visitor.get(authorize({ client_id: 'bandeng-web', redirect_uri: web }));
      expect(silent.address).toContain(`${web}?code=`);
    });

    it('and the keys outlive a restart', async () => {
      const visitor = stage.visitor();
      const before = await exchange(visitor, codeFrom(await signedIn(visitor)));
      await stage.restart();
      const back = await visitor.get(authorize({ client_id: 'bandeng-web', redirect_uri: web }));
      expect(back.address).toContain(`${web}?code=`);
      await expect(verify(stage.provider(), before.access_token)).resolves.toBeDefined();
      expect((await refresh(visitor, before.refresh_token)).status).toBe(200);
    });

    it('can be changed to another person, with a button where a script would have been', async () => {
      const visitor = stage.visitor();
      await signedIn(visitor);
      const form = await visitor.submit(await visitor.get(authorize()), { other: 'yes' });
      expect(form.body).toContain('<h1>登录</h1>');
      const handOver = await visitor.submit(form, { login: 'smith', password });
      expect(handOver.status).toBe(200);
      expect(handOver.body).toContain('<h1>即将完成</h1>');
      expect(handOver.body.match(/<button [^>]*>/g)).toEqual(['<button class="main" type="submit" autofocus>']);
      const [, script = ''] = /<script>([^<]*)<\/script>/.exec(handOver.body) ?? [];
      const hash = createHash('sha256').update(script).digest('base64');
      expect(String(handOver.headers['content-security-policy'])).toContain(
        `script-src 'sha256-${hash}';style-src 'sha`,
      );
      const back = await visitor.submit(handOver, {});
      const { payload } = await verify(stage.provider(), (await exchange(visitor, codeFrom(back))).access_token);
      expect(payload.sub).toBe(smith.id);
    });

    it('is handed over in the language of the sign-in, and ended in that of the browser', async () => {
      const visitor = stage.visitor();
      await signedIn(visitor);
      const chosen = new URL((await visitor.get(authorize())).address);
      chosen.searchParams.set('lang', 'en');
      const form = await visitor.submit(await visitor.get(chosen.href), { other: 'yes' });
      const handOver = await visitor.submit(form, { login: 'smith', password });
      expect(handOver.body).toMatch(/<html lang="en">[\s\S]*<h1>Almost done<\/h1>/);
      expect((await visitor.submit(handOver, {})).address).toContain(`${callback}?code=`);
      const nobody = stage.visitor();
      const english = { 'accept-language': 'en' };
      const over = await nobody.get(`${issuer}/session/end`, english);
      expect(over.body).toMatch(/<html lang="en">[\s\S]*<h1>Almost done<\/h1>/);
      expect((await nobody.submit(over, {}, english)).body).toContain('You are signed out');
    });

    it('ends when the person signs out, and takes its tokens along', async () => {
      const visitor = stage.visitor();
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
      const visitor = stage.visitor();
      const first = await exchange(visitor, codeFrom(await signedIn(visitor)));
      const second = await refresh(visitor, first.refresh_token);
      expect(second.status).toBe(200);
      expect(second.refresh_token).not.toBe(first.refresh_token);
      await expect(verify(stage.provider(), second.access_token)).resolves.toBeDefined();
      expect(await refresh(visitor, first.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
      expect(await refresh(visitor, second.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    });

    it('used ten times at once is used once', async () => {
      const visitor = stage.visitor();
      const { refresh_token } = await exchange(visitor, codeFrom(await signedIn(visitor)));
      const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(visitor, refresh_token)));
      const kept = answers.filter(({ status }) => status === 200);
      expect(kept.length).toBeLessThanOrEqual(1);
      for (const { refresh_token: next } of kept) expect((await refresh(visitor, next)).status).toBe(400);
    });

    it('is gone when it is revoked', async () => {
      const visitor = stage.visitor();
      const { refresh_token } = await exchange(visitor, codeFrom(await signedIn(visitor)));
      const revoked = await visitor.post(`${issuer}/token/revocation`, {
        client_id: 'bandeng-cli',
        token: refresh_token,
      });
      expect(revoked.status).toBe(200);
      expect(await refresh(visitor, refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    });

    it('is gone when all that a person has is ended, with their session and nobody else’s', async () => {
      const [visitor, other] = [stage.visitor(), stage.visitor()];
      const mine = await exchange(visitor, codeFrom(await signedIn(visitor)));
      const theirs = await exchange(other, codeFrom(await signedIn(other, 'smith')));
      const unused = codeFrom(await signedInAgain(visitor));
      const hinted = await stage.visitor().get(authorize({ login_hint: 'Li.Na' }));
      expect(hinted.status).toBe(200);
      await (await openEndSessions(stage.database, stage.endedGrants))(lina.id, { login: 'li.na' });
      expect(await refresh(visitor, mine.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
      expect(await exchange(visitor, unused)).toMatchObject({ status: 400, error: 'invalid_grant' });
      expect((await visitor.get(authorize())).body).toContain('name="password"');
      expect((await refresh(other, theirs.refresh_token)).status).toBe(200);
      const stored = JSON.stringify(await stage.database.collection('oidc').find().toArray());
      expect(stored).not.toContain('Li.Na');
      expect(stored).not.toContain(lina.id);
    });

    it('is not stored in the clear, nor is a code', async () => {
      const visitor = stage.visitor();
      const code = codeFrom(await signedIn(visitor));
      const { refresh_token } = await exchange(visitor, code);
      const stored = JSON.stringify(await stage.database.collection('oidc').find().toArray());
      expect(stored).not.toContain(code);
      expect(stored).not.toContain(refresh_token);
    });
  });

  it('gives a code for one use, also when ten come at once', async () => {
    const visitor = stage.visitor();
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
      const visitor = stage.visitor();
      const grant = { grant_type: 'client_credentials' };
      const byHeader = await token(visitor, grant, basic('hotline', secret));
      expect(byHeader).toMatchObject({ status: 200, scope: 'events tickets.read', expires_in: 600 });
      const { payload } = await verify(stage.provider(), byHeader.access_token);
      expect(payload).toMatchObject({
        sub: 'hotline',
        client_id: 'hotline',
        scope: 'events tickets.read',
        territory: '4599',
      });
      expect((await token(visitor, { ...grant, client_id: 'hotline', client_secret: secret })).status).toBe(200);
    });

    it('gets less when it asks for less, and nothing when it asks for what it has not', async () => {
      const visitor = stage.visitor();
      const ask = (scope: string) =>
        token(visitor, { grant_type: 'client_credentials', scope }, basic('hotline', secret));
      expect(await ask('events')).toMatchObject({ status: 200, scope: 'events' });
      expect(await ask('events tickets.import')).toMatchObject({ status: 400, error: 'invalid_scope' });
    });

    it('gets nothing by a wrong secret, by the hash of the right one, or under an unknown name', async () => {
      const visitor = stage.visitor();
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

  it('has nothing at other addresses, and keeps nothing of one that is too long', async () => {
    const visitor = stage.visitor();
    for (const path of ['/x', '/', '/request']) {
      const seen = await visitor.get(issuer + path);
      expect([seen.status, seen.headers['content-security-policy']], path).toEqual([404, expect.any(String)]);
    }
    expect((await visitor.post(`${issuer}/auth`, {})).status).toBe(404);
    expect((await visitor.get(authorize({ state: 'x'.repeat(5_000) }))).status).toBe(414);
    expect(stage.faults()).toEqual([]);
    expect(await stage.database.collection('oidc').countDocuments({ _id: /^Interaction/ as never })).toBe(0);
  });

  it('describes itself, and publishes public keys only', async () => {
    const visitor = stage.visitor();
    // Whatever a request says of where it was sent.
    const elsewhere = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    const discovery = JSON.parse((await visitor.get(`${issuer}/.well-known/openid-configuration`, elsewhere)).body);
    expect(discovery).toMatchObject({
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      code_challenge_methods_supported: ['S256'],
    });
    expect(JSON.stringify(discovery)).not.toMatch(/evil|pushed_authorization|dpop/);
    expect(discovery.grant_types_supported.sort()).toEqual([
      'authorization_code',
      'client_credentials',
      'refresh_token',
    ]);
    const { keys } = JSON.parse((await visitor.get(`${issuer}/jwks`)).body);
    expect(keys.map(({ kid }: { kid: string }) => kid)).toEqual(stage.provider().keySet.keys.map(({ kid }) => kid));
    expect(JSON.stringify([keys, stage.provider().keySet])).not.toContain('"d"');
  });
});
