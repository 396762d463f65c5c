import type { Client } from '@bandeng/contracts/identity';
import { type Parts, parts } from '@bandeng/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { secretMatches } from '../src/oidc-clients.ts';
import { systemsOf } from '../src/queries.ts';
import { administrator, type Counter, dispatcher, everythingIn, openCounter, posting } from './counter.ts';

describe('other systems', () => {
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

  const register = async (more: object = {}, headers: object = {}, by = administrator) => {
    const asked = { name: '12345', scopes: ['tickets.read', 'events'], territory: '459901000000', ...more };
    return Object(await counter.ask(by, 'RegisterClient', asked, headers)) as Client & { refused?: string };
  };
  const known = (id: string) => systemsOf(counter.office.registry).byId(id);

  it('are registered by an administrator, who alone gets the secret', async () => {
    const client = await register();
    expect(client).toMatchObject({
      version: 1,
      name: '12345',
      scopes: ['events', 'tickets.read'],
      territory: '459901',
    });
    expect(client.secret).toMatch(/^[\w-]{43}$/);
    const system = await known(client.id);
    expect(system).toMatchObject({ territory: '459901' });
    expect(secretMatches(client.secret, system?.secretHash ?? '')).toBe(true);
    expect(await everythingIn(given.environment)).not.toContain(client.secret);
    expect(await counter.ask(administrator, 'GetClient', { id: client.id })).toEqual({ ...client, secret: '' });
  });

  it('get one secret, also when the call is repeated or comes ten times at once', async () => {
    const ten = await Promise.all(Array.from({ length: 10 }, () => register({}, { idempotencyKey: 'once' })));
    const secrets = ten.map(({ secret }) => secret).filter((secret) => secret !== '');
    expect(new Set(ten.map(({ id }) => id)).size).toBe(1);
    expect(secrets).toHaveLength(1);
    const system = await known(ten[0]?.id ?? '');
    expect(secretMatches(secrets[0] ?? '', system?.secretHash ?? '')).toBe(true);
    expect((await register({}, { idempotencyKey: 'once' })).secret).toBe('');
  });

  it('get the secret that is kept, also when a first try came half way', async () => {
    const { clients } = counter.office.registry;
    const { run } = clients;
    Object.assign(clients, { run: () => Promise.reject(new Error('the database is away')) });
    expect(await register({}, { idempotencyKey: 'half' })).toMatchObject({ status: 500 });
    Object.assign(clients, { run });
    const client = await register({}, { idempotencyKey: 'half' });
    expect(secretMatches(client.secret, (await known(client.id))?.secretHash ?? '')).toBe(true);
  });

  it('get known scopes in known territories, and only where the administrator is one', async () => {
    expect(await register({ scopes: ['everything'] })).toEqual({ refused: 'unknown-scope', status: 422 });
    expect(await register({ scopes: [] })).toEqual({ refused: 'invalid-request', status: 400 });
    expect(await register({ territory: '459908' })).toEqual({ refused: 'unknown-territory', status: 422 });
    expect(await register({ territory: '450100' })).toMatchObject({ status: 403 });
    expect(await register({}, {}, dispatcher)).toMatchObject({ status: 403 });
    expect(await counter.house.database.collection('credentials').countDocuments()).toBe(0);
  });

  it('are listed and shown where they may act, newest first', async () => {
    const [first, second] = [await register(), await register({ name: '数字城管', territory: '459901001001' })];
    const list = Object(await counter.ask(administrator, 'ListClients', { pageSize: 1 }));
    expect(list.clients).toMatchObject([{ id: second.id, secret: '' }]);
    const rest = Object(
      await counter.ask(administrator, 'ListClients', { pageSize: 1, pageToken: list.nextPageToken }),
    );
    expect(rest).toMatchObject({ clients: [{ id: first.id }], nextPageToken: '' });
    counter.house.directory.learn({ postings: [posting('p8', 'street-admin', 'ADMINISTRATOR', '459901001001')] });
    const below = Object(await counter.ask('street-admin', 'ListClients', {}));
    expect(below.clients).toMatchObject([{ id: second.id }]);
    expect(await counter.ask('street-admin', 'GetClient', { id: first.id })).toMatchObject({ status: 404 });
    expect(Object(await counter.ask(dispatcher, 'ListClients', {})).clients).toEqual([]);
  });

  it('are ended for good, and every service can ask who was', async () => {
    const { id } = await register();
    expect(await counter.ask(dispatcher, 'EndClient', { id })).toMatchObject({ status: 404 });
    const ended = Object(await counter.ask(administrator, 'EndClient', { id }, { idempotencyKey: 'the-end' }));
    expect(ended).toMatchObject({ id, version: 2, endedAt: expect.any(Date) });
    expect(await counter.ask(administrator, 'EndClient', { id }, { idempotencyKey: 'the-end' })).toEqual(ended);
    expect(await counter.ask(administrator, 'EndClient', { id })).toEqual({ refused: 'already-ended', status: 409 });
    expect(await known(id)).toBeUndefined();
    expect(await counter.house.database.collection('credentials').countDocuments()).toBe(0);
    const all = await counter.askAs('tickets', 'ListEnded', {});
    expect(all).toMatchObject({ people: [], clients: [id], more: false });
    const since = new Date(ended.endedAt.getTime() + 1);
    expect(await counter.askAs('tickets', 'ListEnded', { since })).toMatchObject({ clients: [] });
  });
});
