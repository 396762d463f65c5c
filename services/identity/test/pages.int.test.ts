import axe from 'axe-core';
import { JSDOM } from 'jsdom';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '../src/passwords.ts';
import { openVault } from '../src/vault.ts';
import type { Browser, Seen } from './browser.ts';
import { authorize, codeFrom, exchange, issuer, lina, openStage, password, type Stage } from './stage.ts';

/** What is wrong with a page for those who cannot see it, use no mouse or have the text read to them; and how much was looked at. */
async function accessibility({ body }: Seen): Promise<unknown> {
  const { window } = new JSDOM(body, { runScripts: 'outside-only', pretendToBeVisual: true });
  try {
    window.eval(axe.source);
    // Without layout there is no contrast.
    return await window.eval(`axe.run(document, { rules: { 'color-contrast': { enabled: false } } }).then(
      ({ violations, passes }) => ({
        violations: violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]),
        looked: passes.length >= 10,
      }),
    )`);
  } finally {
    window.close();
  }
}

describe.each([
  { language: 'zh-CN', product: '板凳' },
  { language: 'en', product: 'Bandeng' },
])('the pages in $language', ({ language, product }) => {
  const prefers = { 'accept-language': language };
  let stage: Stage;
  let visitor: Browser;
  beforeAll(async () => {
    stage = await openStage();
  });
  beforeEach(async () => {
    await stage.clear();
    visitor = stage.visitor();
  });
  afterEach(() => expect(stage.faults()).toEqual([]));
  afterAll(() => stage.close());

  const typed = { login: 'li.na', password };
  const begin = () => visitor.get(authorize(), prefers);
  const submit = (page: Seen, more: Record<string, string>) => visitor.submit(page, more, prefers);
  const signInAgain = async () => {
    const back = await submit(await begin(), typed);
    const { id_token } = await exchange(visitor, codeFrom(back));
    return { id_token, page: await begin() };
  };

  async function isWell(page: Seen, status: number): Promise<void> {
    expect(page.status).toBe(status);
    expect(page.body).toMatch(new RegExp(`^<!doctype html>\n<html lang="${language}">[^<]*<head>`));
    expect(page.body).toMatch(new RegExp(`<title>[^<]+ - ${product}</title>`));
    expect(await accessibility(page)).toEqual({ violations: [], looked: true });
  }

  it('are well where somebody signs in, also after a wrong and an incomplete try', async () => {
    const page = await begin();
    await isWell(page, 200);
    const wrong = await submit(page, { login: 'li.na', password: 'not this one' });
    await isWell(wrong, 403);
    expect(wrong.body).toContain('aria-invalid="true" aria-describedby="fault"');
    await isWell(await submit(page, { login: '', password: '' }), 400);
  });

  it('are well where a login is locked', async () => {
    const page = await begin();
    for (let failure = 1; failure <= 5; failure += 1) await submit(page, { login: 'li.na', password: 'not this one' });
    const locked = await submit(page, typed);
    await isWell(locked, 429);
    // Perhaps it was right.
    expect(locked.body).not.toContain('aria-invalid="true"');
  });

  it('are well where too many sign in at once', async () => {
    const page = await begin();
    // Twice as many as may be under way: they come faster than passwords are compared.
    const tries = Array.from({ length: 400 }, (_, number) =>
      submit(page, { login: `somebody-${number}`, password: 'a guess' }),
    );
    const turnedAway = (await Promise.all(tries)).find(({ status }) => status === 503);
    if (turnedAway === undefined) throw new Error('all were let in');
    await isWell(turnedAway, 503);
    expect(turnedAway.headers['retry-after']).toBe('5');
    expect(turnedAway.body).not.toContain('aria-invalid="true"');
  });

  it('are well where somebody chooses a password of their own', async () => {
    const vault = await openVault(stage.database, Buffer.alloc(32, 1));
    await vault.change({ owner: lina.id, secretHash: await hashPassword(password), once: true });
    const page = await submit(await begin(), typed);
    await isWell(page, 200);
    await isWell(await submit(page, { ...typed, chosen: 'short', chosenAgain: 'short' }), 400);
  });

  it('are well where there is nothing', async () => {
    await isWell(await visitor.get(`${issuer}/nothing`, prefers), 404);
  });

  it('are well where it cannot go on, and where a sign-in is over', async () => {
    await isWell(await visitor.get(authorize({ redirect_uri: 'https://elsewhere.example.com/' }), prefers), 400);
    await isWell(await stage.visitor().submit(await begin(), typed, prefers), 400);
  });

  it('are well where somebody signed in goes on, or lets somebody else sign in', async () => {
    const { page } = await signInAgain();
    await isWell(page, 200);
    const other = await submit(page, { other: 'yes' });
    await isWell(other, 200);
    await isWell(await submit(other, { login: 'smith', password }), 200);
  });

  it('are well where somebody signs out, and where nobody was signed in', async () => {
    const { id_token } = await signInAgain();
    const asked = await visitor.get(`${issuer}/session/end?id_token_hint=${id_token}`, prefers);
    await isWell(asked, 200);
    await isWell(await submit(asked, { logout: 'yes' }), 200);
    await isWell(await stage.visitor().get(`${issuer}/session/end`, prefers), 200);
  });
});
