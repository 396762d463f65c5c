import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { planCity } from '@bandeng/city';
import { rpcs, services } from '@bandeng/contracts';
import { type Account, type Me, RegisterAccountRequest } from '@bandeng/contracts/identity';
import { type Posting, Territory } from '@bandeng/contracts/orggraph';
import { connectMongo } from '@bandeng/records';
import { connect, type RawClient, RpcFailure, rawClient, serviceTokens, startServer, verifier } from '@bandeng/rpc';
import { addressOf, type House, type RunningService, visit } from '@bandeng/service';
import { eventually, type Parts, parts } from '@bandeng/testing';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { identity } from '../src/main.ts';
import { openRegistry, type Registry } from '../src/registry.ts';
import { identityRpc } from '../src/rpc.ts';
import { seedIdentity } from '../src/seed.ts';
import { browser } from './browser.ts';
import { authorize, basic, codeFrom, exchange, token } from './stage.ts';

const plan = planCity({ scale: 0.02, now: new Date('2026-11-20T02:00:00.000Z') });
const password = 'a bench to sit on';
const phone = '19900001234';

/** A client as the gateway: with its own token, and a person's beside it. */
async function gateway(environment: Parts['environment']): Promise<RawClient> {
  const file = join(environment.BANDENG_DATA ?? '', 'keys', 'service-gateway.jwk');
  const privateKey = JSON.parse(await readFile(file, 'utf8'));
  return rawClient({
    address: (service) => addressOf(service, environment),
    token: serviceTokens({ service: 'gateway', privateKey }),
  });
}

async function call(client: RawClient, name: string, request: object, headers: object = {}): Promise<unknown> {
  const rpc = rpcs.find((each) => each.service === 'identity' && each.name === name);
  if (rpc === undefined) throw new Error(`no RPC ${name}`);
  try {
    return (await client.call(rpc, request, { headers })).message;
  } catch (error) {
    if (error instanceof RpcFailure) return { refused: error.problem.reason, status: error.problem.status };
    throw error;
  }
}

async function everythingIn(environment: Parts['environment']): Promise<string> {
  const mongo = await connectMongo(environment.MONGODB_URI ?? '');
  try {
    const database = mongo.db(`${environment.BANDENG_DATABASE_PREFIX}_identity`);
    const collections = await database.collections();
    return JSON.stringify(await Promise.all(collections.map((collection) => collection.find().toArray())));
  } finally {
    await mongo.close();
  }
}

describe('identity as a service', () => {
  let given: Parts;
  let running: RunningService;
  let client: RawClient;
  let issuer: string;
  beforeAll(async () => {
    given = await parts();
    issuer = `http://localhost:${given.environment.BANDENG_PORT}/oidc`;
    await visit('identity', given.environment, (house) => seedIdentity(house, plan));
    await visit('identity', given.environment, (house) => seedIdentity(house, plan)); // changes nothing
    running = await identity.start(given.environment);
    client = await gateway(given.environment);
  });
  afterAll(async () => {
    client.close();
    await running.stop();
    await given.dispose();
  });

  const verify = () =>
    verifier({
      issuer,
      audience: 'bandeng',
      keySet: async () => JSON.parse(String(Object(await call(client, 'GetKeySet', {})).json)),
      serviceKeys: { keys: [] },
    });
  const visitor = () => browser(issuer, join(given.environment.BANDENG_RUN ?? '', 'identity-oidc.sock'));
  const signIn = async (login: string, word: string) => {
    const person = visitor();
    const page = await person.get(authorize({}, issuer));
    return exchange(person, codeFrom(await person.submit(page, { login, password: word })), {}, issuer);
  };

  it('signs in every demo login, and any service can tell who it is by the key set', async () => {
    for (const { login, password } of plan.logins) {
      const { access_token } = await signIn(login, password);
      const known = plan.accounts.find((each) => each.login === login);
      expect(await verify()(access_token)).toEqual({ kind: 'person', id: known?.id });
    }
  });

  it('gives the systems of the city their tokens', async () => {
    for (const { id, secret, scopes, territory } of plan.clients) {
      const { access_token } = await token(visitor(), { grant_type: 'client_credentials' }, basic(id, secret), issuer);
      const caller = { kind: 'client', id, scopes: [...scopes].sort(), territory };
      expect(await verify()(access_token)).toEqual(caller);
      const me = await call(client, 'GetMe', {}, { authorization: `Bearer ${access_token}` });
      expect(me).toMatchObject({ client: id, scopes: caller.scopes, territory, capacities: [] });
    }
  });

  it('says who the caller is, names people to services, and to nobody else', async () => {
    const [login] = plan.logins;
    const { access_token, id_token } = await signIn(login?.login ?? '', login?.password ?? '');
    const authorization = `Bearer ${access_token}`;
    const me = Object(await call(client, 'GetMe', {}, { authorization })) as Me;
    expect(me.account).toMatchObject({ name: login?.name, version: 1 });
    expect(decodeJwt(id_token).name).toBe(login?.name);
    const people = plan.accounts.slice(0, 5);
    const ids = [...people.map(({ id }) => id), 'nobody'];
    const own = connect('identity', {
      address: addressOf('identity', given.environment),
      token: serviceTokens({
        service: 'tickets',
        privateKey: JSON.parse(
          await readFile(join(given.environment.BANDENG_DATA ?? '', 'keys', 'service-tickets.jwk'), 'utf8'),
        ),
      }),
    });
    const { names } = await own.listNames({ people: ids });
    own.close();
    expect(names).toEqual(Object.fromEntries(people.map(({ id, name }) => [id, name])));
    expect(await call(client, 'GetMe', {})).toMatchObject({ status: 401 });
    expect(await call(client, 'GetAccount', { id: people[1]?.id }, { authorization })).toMatchObject({ status: 404 });
  });

  it('keeps no secret and no personal data in a history, and no phone anywhere in the clear', async () => {
    const mongo = await connectMongo(given.mongodbUri);
    const database = mongo.db(`${given.databasePrefix}_identity`);
    const histories = JSON.stringify(
      await database
        .collection('accounts')
        .find({}, { projection: { words: 0 } })
        .toArray(),
    );
    for (const { name, login, phone: own } of plan.accounts) {
      for (const word of [name, login, own]) expect(histories).not.toContain(`"${word}"`);
    }
    await mongo.close();
    const all = await everythingIn(given.environment);
    expect(all).toContain('$argon2id$');
    for (const secret of [...plan.clients.map((each) => each.secret), ...plan.logins.map((each) => each.password)]) {
      expect(all).not.toContain(secret);
    }
    for (const { phone: own } of plan.accounts) expect(all).not.toContain(own);
  });

  it('does not fall for a forged token', async () => {
    const { access_token } = await signIn('resident', plan.logins[0]?.password ?? '');
    const forged = `${access_token.slice(0, -6)}AAAAAA`;
    expect(await verify()(forged)).toEqual({ invalid: 'wrong signature' });
  });
});

describe('accounts over gRPC', () => {
  let given: Parts;
  let client: RawClient;
  let registry: Registry;
  let ended: () => void;
  let left: Promise<void>;
  const administrator = '33333333-3333-8333-8333-333333333333';
  const resident = '44444444-4444-8444-8444-444444444444';

  beforeAll(async () => {
    given = await parts();
  });
  beforeEach(async () => {
    const stop = new Promise<void>((resolve) => {
      ended = resolve;
    });
    await new Promise<void>((up, failed) => {
      left = visit('identity', given.environment, async (house) => {
        const server = await opened(house);
        client = await gateway(given.environment);
        up();
        await stop;
        client.close();
        await server.stop();
        await house.database.dropDatabase();
      });
      left.catch(failed);
    });
  });
  afterEach(async () => {
    ended();
    await left;
  });
  afterAll(() => given.dispose());

  async function opened(house: House) {
    registry = await openRegistry(house);
    house.directory.learn({
      territories: [
        Territory.fromPartial({ id: '459901', version: 1, name: '八步区', validFrom: new Date(0), kind: 'DISTRICT' }),
      ],
      postings: [posting('p1', administrator, 'ADMINISTRATOR', '4599'), posting('p2', resident, 'RESIDENT', '459901')],
    });
    return startServer({
      address: addressOf('identity', given.environment),
      implementations: [identityRpc(house, registry, async () => ({ keys: [] }))],
      // A token is the id of a person here; who signs tokens is tested elsewhere.
      verify: async (word) => (word.includes('.') ? house.verify(word) : { kind: 'person', id: word }),
      log: house.log,
    });
  }
  const posting = (id: string, person: string, role: Posting['role'], territory: string): Posting => ({
    ...{ id, person, role, territory, version: 1, unit: '', validFrom: new Date(0), validUntil: undefined },
  });
  const register = (login: string, more: object = {}, headers: object = {}) => {
    const request = RegisterAccountRequest.fromPartial({
      login,
      name: '王芳',
      password,
      phone,
      language: 'en',
      ...more,
    });
    return call(client, 'RegisterAccount', request, { authorization: `Bearer ${administrator}`, ...headers });
  };

  it('registers a person whose contact and password lie in the vault alone', async () => {
    const account = Object(await register('wang.fang')) as Account;
    expect(account).toMatchObject({ name: '王芳', language: 'en', version: 1 });
    await expect(registry.vault.contact(account.id)).resolves.toEqual({ phone });
    await expect(registry.vault.secretHash(account.id)).resolves.toContain('$argon2id$');
    const all = await everythingIn(given.environment);
    expect(all).not.toContain(phone);
    expect(all).not.toContain(password);
    const history = await registry.accounts.history(account.id);
    expect(history).toMatchObject([
      { type: 'account-registered', actor: { person: administrator, posting: 'p1' }, data: { language: 'en' } },
    ]);
    expect(JSON.stringify(history)).not.toMatch(/王芳|wang\.fang/);
  });

  it('destroys a contact with its key, whatever copies there are', async () => {
    const { id } = Object(await register('wang.fang'));
    await registry.accounts.collection.db.collection<{ _id: string }>('contact_keys').deleteOne({ _id: id });
    await expect(registry.vault.contact(id)).resolves.toBeUndefined();
    await registry.vault.erase(id);
    await expect(registry.vault.secretHash(id)).resolves.toBeUndefined();
  });

  it('lets nobody take the login of another, and keeps nothing of who tried', async () => {
    await register('wang.fang');
    const before = await registry.accounts.collection.db.collection('contacts').countDocuments();
    expect(await register('wang.fang', { name: '别人' })).toEqual({ refused: 'login-taken', status: 422 });
    expect(await registry.accounts.collection.db.collection('contacts').countDocuments()).toBe(before);
    expect(await registry.accounts.collection.db.collection('credentials').countDocuments()).toBe(1);
  });

  it('registers once when it is asked twenty times at once, and not otherwise under the same key', async () => {
    const twenty = await Promise.all(
      Array.from({ length: 20 }, () => register('wang.fang', {}, { idempotencyKey: 'once' })),
    );
    expect(new Set(twenty.map((account) => Object(account).id)).size).toBe(1);
    expect(await registry.accounts.collection.countDocuments()).toBe(1);
    const other = await register('li.si', {}, { idempotencyKey: 'once' });
    expect(other).toEqual({ refused: 'key-reused', status: 422 });
  });

  it('is for administrators; a person sees their own account and no other', async () => {
    const { id } = Object(await register('wang.fang'));
    const headers = { authorization: `Bearer ${resident}` };
    expect(await register('li.si', {}, headers)).toMatchObject({ status: 403 });
    expect(await call(client, 'GetAccount', { id }, headers)).toMatchObject({ status: 404 });
    expect(await call(client, 'GetAccount', { id }, { authorization: `Bearer ${id}` })).toMatchObject({ id });
    const asked = { authorization: `Bearer ${administrator}` };
    expect(await call(client, 'GetAccount', { id }, asked)).toMatchObject({ id });
    expect(await call(client, 'GetAccount', { id: 'nobody' }, asked)).toMatchObject({ status: 404 });
  });

  it('tells the caller in which capacities they may act, where, and what each opens', async () => {
    const me = Object(await call(client, 'GetMe', {}, { authorization: `Bearer ${administrator}` })) as Me;
    expect(me.account).toBeUndefined();
    expect(me.capacities).toMatchObject([{ posting: { id: 'p1', role: 'ADMINISTRATOR', territory: '4599' } }]);
    expect(me.capacities[0]?.actions).toContain('accounts.register');
    const other = Object(await call(client, 'GetMe', {}, { authorization: `Bearer ${resident}` })) as Me;
    expect(other.capacities).toMatchObject([{ place: '八步区', actions: [] }]);
  });

  it('refuses what the contract does not allow, naming the field', async () => {
    expect(await register('Wang Fang')).toEqual({ refused: 'invalid-request', status: 400 });
    expect(await register('wang.fang', { password: 'short' })).toEqual({ refused: 'invalid-request', status: 400 });
  });
});

it('publishes that a person was registered, without a name', async () => {
  await using given = await parts();
  const running = await identity.start(given.environment);
  await visit('identity', given.environment, async (house) => {
    const registry = await openRegistry(house);
    const context = { id: 'test', at: house.now().toISOString(), actor: { system: 'test' } };
    await registry.registerAccount({ id: 'p', name: '王芳', language: 'zh-CN' }, context);
    await eventually(async () => expect((await registry.accounts.collection.findOne({ _id: 'p' }))?.published).toBe(1));
  });
  await running.stop();
});

it('is one of the services of the contracts', () => {
  expect(identity.name in services).toBe(true);
});
