import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { planCity } from '@bandeng/city';
import { services } from '@bandeng/contracts';
import type { Me } from '@bandeng/contracts/identity';
import type { CloudEvent } from '@bandeng/events';
import { connectMongo } from '@bandeng/records';
import { connect, type RawClient, serviceTokens, verifier } from '@bandeng/rpc';
import { addressOf, type RunningService, visit } from '@bandeng/service';
import { eventually, type Parts, parts } from '@bandeng/testing';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identity } from '../src/main.ts';
import { openRegistry } from '../src/registry.ts';
import { seedIdentity } from '../src/seed.ts';
import { browser } from './browser.ts';
import { call, clientAs, everythingIn } from './counter.ts';
import { authorize, basic, codeFrom, exchange, token } from './stage.ts';

const plan = planCity({ scale: 0.02, now: new Date('2026-11-20T02:00:00.000Z') });

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
    client = await clientAs('gateway', given.environment);
  });
  afterAll(async () => {
    client.close();
    await running.stop();
    await given.dispose();
  });

  const verify = () =>
    verifier({
      ...{ service: 'tickets', issuer, audience: 'bandeng' },
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
      expect(await verify()(access_token)).toEqual({ kind: 'person', id: known?.id, grant: expect.any(String) });
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

it('publishes that a person was registered, without a name', async () => {
  await using given = await parts();
  const running = await identity.start(given.environment);
  await visit('identity', given.environment, async (house) => {
    const registry = await openRegistry(house);
    const context = { id: 'test', at: house.now().toISOString(), actor: { system: 'test' } };
    await registry.registerAccount({ id: 'p', name: '王芳', language: 'zh-CN' }, context);
    const events: CloudEvent[] = [];
    const live = house.bus.live(
      'identity',
      { after: 'start' },
      {
        event({ event }) {
          events.push(event);
        },
      },
    );
    const registered = { type: 'bandeng.identity.account-registered.v1', subject: 'p' };
    await eventually(() => expect(events).toMatchObject([registered]));
    expect(JSON.stringify(events)).not.toContain('王芳');
    await live.close();
  });
  await running.stop();
});

it('is one of the services of the contracts', () => {
  expect(identity.name in services).toBe(true);
});
