import { createHash } from 'node:crypto';
import { type Account, type Me, RegisterAccountRequest } from '@bandeng/contracts/identity';
import { type Parts, parts } from '@bandeng/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { vaultSweep } from '../src/sweeps.ts';
import { administrator, type Counter, everythingIn, openCounter, resident } from './counter.ts';

const password = 'a bench to sit on';
const phone = '19900001234';
const email = 'wang.fang@example.com';

describe('accounts over gRPC', () => {
  let given: Parts;
  let counter: Counter;
  beforeAll(async () => {
    given = await parts();
  });
  beforeEach(async () => {
    counter = await openCounter(given);
  });
  afterEach(() => counter.close());
  afterAll(() => given.dispose());

  const wang = { login: 'wang.fang', name: '王芳', password, phone, email, language: 'en' };
  const register = (more: object = {}, headers: object = {}, by = administrator) =>
    counter.ask(by, 'RegisterAccount', { ...wang, ...more }, headers);
  const registry = () => counter.office.registry;

  it('registers a person whose contact and password lie in the vault alone', async () => {
    const account = Object(await register()) as Account;
    expect(account).toMatchObject({ name: '王芳', language: 'en', version: 1 });
    await expect(registry().vault.contact(account.id)).resolves.toEqual({ phone, email });
    await expect(registry().vault.secretHash(account.id)).resolves.toContain('$argon2id$');
    const all = await everythingIn(given.environment);
    for (const word of [phone, email, password]) expect(all).not.toContain(word);
    const history = await registry().accounts.history(account.id);
    expect(history).toMatchObject([
      { type: 'account-registered', actor: { person: administrator, posting: 'p1' }, data: { language: 'en' } },
    ]);
    expect(JSON.stringify(history)).not.toMatch(/王芳|wang\.fang/);
  });

  it('destroys a contact with its key, whatever copies there are', async () => {
    const { id } = Object(await register());
    await counter.house.database.collection<{ _id: string }>('contact_keys').deleteOne({ _id: id });
    await expect(registry().vault.contact(id)).resolves.toBeUndefined();
    await registry().vault.erase(id);
    await expect(registry().vault.secretHash(id)).resolves.toBeUndefined();
  });

  it('lets nobody take the login of another, and keeps nothing of who tried', async () => {
    await register();
    const before = await counter.house.database.collection('contacts').countDocuments();
    expect(await register({ name: '别人' })).toEqual({ refused: 'login-taken', status: 422 });
    expect(await counter.house.database.collection('contacts').countDocuments()).toBe(before);
    expect(await counter.house.database.collection('credentials').countDocuments()).toBe(1);
  });

  it('registers once when it is asked twenty times at once, and not otherwise under the same key', async () => {
    const twenty = await Promise.all(Array.from({ length: 20 }, () => register({}, { idempotencyKey: 'once' })));
    expect(new Set(twenty.map((account) => Object(account).id)).size).toBe(1);
    expect(await registry().accounts.collection.countDocuments()).toBe(1);
    const other = await register({ login: 'li.si' }, { idempotencyKey: 'once' });
    expect(other).toEqual({ refused: 'key-reused', status: 422 });
  });

  it('keeps of a request no hash by which a password or phone could be guessed', async () => {
    await register();
    const bytes = RegisterAccountRequest.encode(RegisterAccountRequest.fromPartial(wang)).finish();
    const plain = createHash('sha256').update(bytes).digest('base64url');
    const all = await everythingIn(given.environment);
    expect(all).toMatch(/"request":"[\w-]{43}"/);
    expect(all).not.toContain(plain);
  });

  it('is for administrators; a person sees their own account and no other', async () => {
    const { id } = Object(await register());
    expect(await register({ login: 'li.si' }, {}, resident)).toMatchObject({ status: 403 });
    expect(await counter.ask(resident, 'GetAccount', { id })).toMatchObject({ status: 404 });
    expect(await counter.ask(id, 'GetAccount', { id })).toMatchObject({ id });
    expect(await counter.ask(administrator, 'GetAccount', { id })).toMatchObject({ id });
    expect(await counter.ask(administrator, 'GetAccount', { id: 'nobody' })).toMatchObject({ status: 404 });
  });

  it('tells the caller in which capacities they may act, where, and what each opens', async () => {
    const me = Object(await counter.ask(administrator, 'GetMe', {})) as Me;
    expect(me.account).toBeUndefined();
    expect(me.capacities).toMatchObject([{ posting: { id: 'p1', role: 'ADMINISTRATOR', territory: '4599' } }]);
    expect(me.capacities[0]?.actions).toContain('accounts.register');
    const other = Object(await counter.ask(resident, 'GetMe', {})) as Me;
    expect(other.capacities).toMatchObject([{ place: '大修厂小区', actions: [] }]);
  });

  it('refuses what the contract does not allow, naming the field', async () => {
    expect(await register({ login: 'Wang Fang' })).toEqual({ refused: 'invalid-request', status: 400 });
    expect(await register({ password: 'short' })).toEqual({ refused: 'invalid-request', status: 400 });
    expect(await register({ email: 'nowhere' })).toEqual({ refused: 'invalid-request', status: 400 });
  });

  describe('a password', () => {
    const change = (id: string, oldPassword: string, newPassword: string, headers: object = {}) =>
      counter.ask(id, 'ChangeMyPassword', { oldPassword, newPassword }, headers);
    const next = 'another bench to sit on';

    it('is changed by who knows the old one, and a repeat changes nothing', async () => {
      const { id } = Object(await register());
      const once = { idempotencyKey: 'the-one-change' };
      expect(await change(id, password, next, once)).toMatchObject({ id, version: 2 });
      expect(await change(id, password, next, once)).toMatchObject({ id, version: 2 });
      expect(await change(id, password, 'a third bench')).toEqual({ refused: 'wrong-password', status: 422 });
      expect(await change(id, next, 'a third bench')).toMatchObject({ version: 3 });
      expect(await everythingIn(given.environment)).not.toContain('bench');
    });

    it('is not overwritten for a version that the caller has not seen', async () => {
      const { id } = Object(await register());
      const hash = await registry().vault.secretHash(id);
      expect(await change(id, password, next, { ifMatch: '"7"' })).toEqual({ refused: 'stale-version', status: 412 });
      expect(await registry().vault.secretHash(id)).toBe(hash);
    });

    it('cannot be guessed by who holds a token: it is locked as signing in is', async () => {
      const { id } = Object(await register());
      for (let guess = 0; guess < 5; guess++) {
        expect(await change(id, `a wrong bench ${guess}`, next)).toMatchObject({ refused: 'wrong-password' });
      }
      expect(await change(id, password, next)).toEqual({ refused: 'too-many-attempts', status: 429 });
    });

    it('ends every session and refresh token of the person', async () => {
      const { id } = Object(await register());
      const oidc = counter.house.database.collection('oidc');
      await oidc.insertMany([
        { person: id, family: 'phone' },
        { person: id, family: 'phone' },
        { person: id, uid: 'a session', payload: { authorizations: { console: { grantId: 'phone' } } } },
        { person: id, family: 'console' },
        { person: 'somebody else', family: 'theirs' },
      ]);
      expect(await change(id, 'a wrong bench', next)).toMatchObject({ refused: 'wrong-password' });
      expect(await oidc.countDocuments()).toBe(5);
      await change(id, password, next);
      expect(await oidc.distinct('family')).toEqual(['theirs']);
      expect(await oidc.countDocuments()).toBe(1);
      const { grants } = Object(await counter.askAs('tickets', 'ListEnded', {}));
      expect(grants.map((grant: { id: string }) => grant.id).sort()).toEqual(['console', 'phone']);
      const minutes = (grants[0].forgetAt.getTime() - counter.house.now().getTime()) / 60_000;
      expect(minutes).toBeGreaterThan(15);
      expect(minutes).toBeLessThan(20);
    });
  });

  it('takes out of the vault after an hour what belongs to nobody, and leaves the rest', async () => {
    const { id } = Object(await register());
    const { vault } = registry();
    await vault.put({ owner: 'orphan', secretHash: 'x', contact: { phone, email } });
    const sweep = vaultSweep(registry(), counter.house);
    const { signal } = new AbortController();
    expect(await sweep.run(signal)).toBe(0);
    counter.wait(61 * 60_000);
    await vault.put({ owner: 'late', secretHash: 'x' });
    expect(await sweep.run(signal)).toBe(1);
    expect(await sweep.run(signal)).toBe(0);
    expect(await vault.secretHash('orphan')).toBeUndefined();
    expect(await vault.contact('orphan')).toBeUndefined();
    expect(await vault.secretHash('late')).toBe('x');
    expect(await vault.contact(id)).toEqual({ phone, email });
    expect(await vault.unsettled(counter.house.now(), 10)).toEqual(['late']);
  });
});
