import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openEndedGrants } from '../src/ended-grants.ts';
import { openEndSessions, openOidcStore } from '../src/oidc-store.ts';
import type { Browser } from './browser.ts';
import {
  authorize,
  basic,
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
  token,
  verify,
  web,
} from './stage.ts';

describe('a grant', () => {
  let stage: Stage;
  let visitor: Browser;
  beforeAll(async () => {
    stage = await openStage();
  });
  beforeEach(async () => {
    await stage.clear();
    stage.hints();
    visitor = stage.visitor();
  });
  afterEach(() => expect(stage.faults()).toEqual([]));
  afterAll(() => stage.close());

  const signIn = async (person = visitor) => exchange(person, codeFrom(await signedIn(person)));
  const grantOf = async ({ access_token }: { access_token: string }): Promise<string> =>
    String((await verify(stage.provider(), access_token)).payload.grant);
  const ended = async () => (await stage.endedGrants.since(undefined, 10)).map(({ _id }) => _id);
  const revoke = (jwt: string, more: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    visitor.post(`${issuer}/token/revocation`, { client_id: 'bandeng-cli', token: jwt, ...more }, headers);

  it('is named by the access tokens of a sign-in, also after a refresh, and is another one for another sign-in', async () => {
    const mine = await signIn();
    const refreshed = await refresh(visitor, mine.refresh_token);
    expect(await grantOf(refreshed)).toBe(await grantOf(mine));
    expect(await grantOf(await signIn(stage.visitor()))).not.toBe(await grantOf(mine));
    const system = await token(visitor, { grant_type: 'client_credentials' }, basic('hotline', secret));
    expect((await verify(stage.provider(), system.access_token)).payload).not.toHaveProperty('grant');
    expect(await ended()).toEqual([]);
    expect(stage.hints()).toBe(0);
  });

  it('ends with its refresh token', async () => {
    const mine = await signIn();
    await signIn(stage.visitor());
    expect((await revoke(mine.refresh_token)).status).toBe(200);
    expect(await ended()).toEqual([await grantOf(mine)]);
    expect(stage.hints()).toBeGreaterThan(0);
  });

  it('ends with an access token, and takes the refresh token along', async () => {
    const mine = await signIn();
    const revoked = await revoke(mine.access_token, { token_type_hint: 'access_token' });
    expect(revoked).toMatchObject({ status: 200, body: '' });
    expect(await ended()).toEqual([await grantOf(mine)]);
    expect(await refresh(visitor, mine.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect((await revoke(mine.access_token)).status).toBe(200);
  });

  it('does not end by what is no access token of the application that asks', async () => {
    const mine = await signIn();
    const others = await revoke(mine.access_token, { client_id: 'bandeng-web' });
    expect(others).toMatchObject({ status: 200, body: '' });
    const broken = `${mine.access_token.slice(0, -8)}AAAAAAAA`;
    for (const nothing of [broken, mine.id_token]) {
      expect(await revoke(nothing)).toMatchObject({ status: 200, body: '' });
    }
    expect((await revoke(mine.access_token, { client_id: 'nobody' })).status).toBe(401);
    expect(await ended()).toEqual([]);
    expect((await refresh(visitor, mine.refresh_token)).status).toBe(200);
  });

  it('is nothing that a token of a system has: such a token cannot be revoked', async () => {
    const system = await token(visitor, { grant_type: 'client_credentials' }, basic('hotline', secret));
    const form = { token: system.access_token };
    const answer = await visitor.post(`${issuer}/token/revocation`, form, basic('hotline', secret));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'unsupported_token_type' });
  });

  it('ends when a refresh token or a code of it is used again, also at the same instant', async () => {
    const mine = await signIn();
    await refresh(visitor, mine.refresh_token);
    await refresh(visitor, mine.refresh_token);
    expect(await ended()).toEqual([await grantOf(mine)]);

    const [other, third] = [stage.visitor(), stage.visitor()];
    const theirs = await signIn(other);
    await Promise.all(Array.from({ length: 10 }, () => refresh(other, theirs.refresh_token)));
    expect(await ended()).toContain(await grantOf(theirs));

    const code = codeFrom(await signedIn(third));
    const once = await exchange(third, code);
    expect((await exchange(third, code)).status).toBe(400);
    expect(await ended()).toContain(await grantOf(once));
  });

  it('ends when the person signs out, with those of all applications of that session', async () => {
    const mine = await signIn();
    const back = await visitor.get(authorize({ client_id: 'bandeng-web', redirect_uri: web }));
    const forWeb = { client_id: 'bandeng-web', redirect_uri: web };
    const alsoMine = await exchange(visitor, codeFrom(back), forWeb);
    const asked = await visitor.get(`${issuer}/session/end?id_token_hint=${mine.id_token}`);
    expect(await ended()).toEqual([]);
    await visitor.submit(asked, { logout: 'yes' });
    expect((await ended()).sort()).toEqual([await grantOf(mine), await grantOf(alsoMine)].sort());
  });

  it('outlives signing out when the application asked for offline access, until it is revoked', async () => {
    const asked = authorize({ scope: 'openid offline_access', prompt: 'consent' });
    const back = await visitor.submit(await visitor.get(asked), { login: 'li.na', password });
    const offline = await exchange(visitor, codeFrom(back));
    const page = await visitor.get(`${issuer}/session/end?id_token_hint=${offline.id_token}`);
    await visitor.submit(page, { logout: 'yes' });
    expect(await ended()).toEqual([]);
    expect((await refresh(visitor, offline.refresh_token)).status).toBe(200);
    expect((await revoke(offline.access_token)).status).toBe(200);
    expect(await ended()).toEqual([await grantOf(offline)]);
  });

  it('ends with all that a person has, but the one that is kept with its session', async () => {
    const [other, third] = [stage.visitor(), stage.visitor()];
    const [mine, theirs] = [await signIn(), await signIn(other)];
    const somebody = await exchange(third, codeFrom(await signedIn(third, 'smith')));
    const kept = await grantOf(mine);
    await (await openEndSessions(stage.database, stage.endedGrants))(lina.id, { kept });
    expect(await ended()).toEqual([await grantOf(theirs)]);
    expect((await refresh(visitor, mine.refresh_token)).status).toBe(200);
    expect((await visitor.get(authorize())).body).toContain('李娜');
    expect(await refresh(other, theirs.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect((await other.get(authorize())).body).toContain('name="password"');
    expect((await refresh(third, somebody.refresh_token)).status).toBe(200);
  });

  it('loses nothing before it is kept that it ended, and all can be ended again', async () => {
    const mine = await signIn();
    const away = { ...stage.endedGrants, end: () => Promise.reject(new Error('the database is away')) };
    const grant = await grantOf(mine);
    await expect((await openOidcStore(stage.database, away)).endGrant(grant)).rejects.toThrow('away');
    await expect((await openEndSessions(stage.database, away))(lina.id, { kept: 'another' })).rejects.toThrow('away');
    expect(await stage.database.collection('oidc').distinct('family')).toEqual([grant]);
    await (await openEndSessions(stage.database, stage.endedGrants))(lina.id);
    expect(await ended()).toEqual([grant]);
  });

  it('is hinted at when the service starts, for whoever was killed may have kept and not said it', async () => {
    const heard: string[] = [];
    const hint = () => void heard.push('hint');
    await openEndedGrants({ database: stage.database, accessTokenSeconds: 600, now: () => new Date(), hint });
    expect(heard).toEqual(['hint']);
  });

  it('does not come of a password that was typed before all was ended', async () => {
    const page = await visitor.get(authorize());
    const cookie = [...visitor.cookies].map(([name, { value }]) => `${name.split(' ')[0]}=${value}`).join('; ');
    const action = /<form[^>]* action="([^"]*)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const typed = await visitor.post(new URL(action, issuer).href, { login: 'li.na', password }, { cookie });
    expect(typed.status).toBe(303);
    await (await openEndSessions(stage.database, stage.endedGrants))(lina.id);
    const late = await visitor.get(new URL(String(typed.headers.location), issuer).href);
    expect(late.address).not.toContain('code=');
    expect(late.status).toBe(400);
    expect(await stage.database.collection('oidc').countDocuments({ person: lina.id })).toBe(0);
  });
});
