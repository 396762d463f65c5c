import { connectMongo, type Db, type Document, openRecords, writtenBy } from '@bandeng/records';
import { type Parts, parts } from '@bandeng/testing';
import { wasteIn } from '@bandeng/testing/queries';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openAttempts } from '../src/attempts.ts';
import { type EndedGrants, openEndedGrants } from '../src/ended-grants.ts';
import { openEndSessions, openOidcStore } from '../src/oidc-store.ts';
import {
  clientsPage,
  endedSince,
  living,
  namesOf,
  type PageKey,
  peopleOf,
  readingsAbout,
  readingsPage,
  systemsOf,
} from '../src/queries.ts';
import { openRegistry, type Registry } from '../src/registry.ts';
import { vaultSweep } from '../src/sweeps.ts';

/** Every question of this service goes by an index, in a city with many people, systems and sessions. */

const number = 4_000;
const noon = Date.parse('2026-11-24T04:00:00.000Z');
const minute = 60_000;

let given: Parts;
let database: Db;
let registry: Registry;
let endedGrants: EndedGrants;
let close: () => Promise<void>;

beforeAll(async () => {
  given = await parts();
  const mongo = await connectMongo(given.mongodbUri);
  database = mongo.db(`${given.databasePrefix}_identity`);
  const secret = Buffer.alloc(32, 1);
  const now = () => new Date(noon);
  const records = await openRecords({ database });
  registry = await openRegistry({ records, database, now, keys: { ...noKeys, secret: () => secret } });
  endedGrants = await openEndedGrants({ database, accessTokenSeconds: 900, now, hint: () => {} });
  close = () => mongo.close();
  const fill = async (name: string, document: (index: number) => Document): Promise<void> => {
    const documents = Array.from({ length: number }, (_, index) => document(index));
    await database.collection<Document & { _id: string }>(name).insertMany(documents as never[]);
  };
  const kept = { version: 1, history: [] };
  const since = (index: number): Date => new Date(noon - Math.floor(index / 2) * minute);
  await fill('accounts', (index) => ({
    ...kept,
    _id: `person-${index}`,
    name: 'name',
    language: 'zh-CN',
    words: { name: { by: '', text: '王芳' }, login: { by: '', text: `login-${index}` } },
    ...(index % 50 === 7 ? { erasedAt: since(index) } : {}),
  }));
  await fill('clients', (index) => ({
    ...kept,
    _id: `client-${index}`,
    name: '系统',
    scopes: [],
    territory: `45990${1 + (index % 3)}`,
    territories: ['45', '4599', `45990${1 + (index % 3)}`],
    registeredAt: since(index),
    ...(index % 50 === 0 ? { endedAt: since(index) } : {}),
  }));
  await fill('contact_readings', (index) => ({
    ...kept,
    _id: `reading-${index}`,
    person: `person-${index % 9}`,
    reader: `person-${index % 7}`,
    readAt: since(index),
    search: { by: [`person-${index % 7}`] },
  }));
  for (const name of ['credentials', 'contacts', 'contact_keys']) {
    await fill(name, (index) => ({
      _id: index % 100 === 0 ? `orphan-${index}` : `person-${index}`,
      kept: 'sealed',
      ...(index % 50 === 0 ? { unsettledSince: new Date(noon - 120 * minute) } : {}),
    }));
  }
  await fill('sign_in_attempts', (index) => ({ _id: `counter-${index}`, failures: 1, expires: new Date() }));
  await fill('ended_grants', (index) => ({
    _id: `ended-${index}`,
    endedAt: since(index),
    forgetAt: new Date(Date.now() + 60 * minute),
  }));
  await fill('oidc', (index) => ({
    _id: `${['Session', 'Interaction', 'RefreshToken', 'Grant'][index % 4]}:${index}`,
    payload: {},
    ...(index % 4 === 1 ? { hint: `login-${index}` } : {}),
    expires: new Date(Date.now() + 60 * minute),
    ...(index % 4 === 1 ? {} : { family: `family-${index % 500}`, person: `person-${index % 700}` }),
    ...(index % 4 === 0 ? { uid: `uid-${index}` } : {}),
  }));
});

afterAll(async () => {
  await close();
  await given.dispose();
});

const nobody = (): never => {
  throw new Error('nobody asks for this key');
};
const noKeys = { secret: nobody, pair: nobody, publicKey: nobody };

it('people and systems are found when they sign in', async () => {
  const people = peopleOf(registry);
  const waste = await wasteIn(database, async () => {
    expect(await people.byLogin('login-8')).toMatchObject({ id: 'person-8' });
    expect(await people.byId('person-8')).toMatchObject({ name: '王芳' });
    await systemsOf(registry).byId('client-7');
    expect((await namesOf(registry, ['person-1', 'person-2', 'nobody'])).size).toBe(2);
    const attempts = await openAttempts(database, Buffer.alloc(32, 3));
    await attempts.begin('login-7', '203.0.113.7');
    await attempts.begin('login-7', '203.0.113.7');
    await attempts.forget('login-7', '203.0.113.7');
    await attempts.forgetLogin('login-7');
  });
  expect(waste).toEqual([]);
});

it('lists are read page by page', async () => {
  const turn = async (page: (after: PageKey | undefined) => Promise<{ last: PageKey | undefined }>): Promise<void> => {
    let after: PageKey | undefined;
    for (let turned = 0; turned < 3; turned++) ({ last: after } = await page(after));
    expect(after).toBeDefined();
  };
  const waste = await wasteIn(database, async () => {
    await turn((after) => readingsPage(registry.readings, { person: 'person-1' }, 20, after));
    await turn((after) => readingsPage(registry.readings, { reader: 'person-1' }, 20, after));
    const visible = { $or: [{ territories: '459901' }, { territories: '459902' }] };
    await turn((after) => clientsPage(registry.clients, { territories: '4599' }, 20, after));
    await turn((after) => clientsPage(registry.clients, visible, 20, after));
    expect((await readingsAbout(registry.readings, 'person-1')).length).toBeGreaterThan(400);
    expect((await writtenBy(registry.readings, 'person-1')).length).toBeGreaterThan(400);
  });
  expect(waste).toEqual([]);
});

it('who has ended is told in parts, and nobody is left out', async () => {
  const told = { people: new Set<string>(), clients: new Set<string>(), grants: new Set<string>() };
  let since: Date | undefined;
  do {
    const part = await endedSince(registry, endedGrants, since, 50);
    for (const id of part.people) told.people.add(id);
    for (const id of part.clients) told.clients.add(id);
    for (const { id } of part.grants) told.grants.add(id);
    since = part.upTo;
  } while (since !== undefined);
  const sizes = [told.people.size, told.clients.size, told.grants.size];
  expect(sizes).toEqual([number / 50, number / 50, number]);
});

it('who has ended since is asked again and again, of few among many', async () => {
  const waste = await wasteIn(database, async () => {
    const all = await endedSince(registry, endedGrants, undefined);
    expect(all.people).toHaveLength(number / 50);
    expect(all.grants).toHaveLength(number);
    const late = await endedSince(registry, endedGrants, new Date(noon - 400 * minute));
    expect(late.people.length).toBeGreaterThan(10);
    expect(late.grants.length).toBeGreaterThan(700);
    expect(late.grants.length).toBeLessThan(900);
    await living(registry, ['person-1', 'person-2', 'client-1', 'orphan-100']);
  });
  expect(waste).toEqual([]);
});

it('sessions are found, and ended with whoever they are of', async () => {
  const { adapter } = await openOidcStore(database, endedGrants);
  const end = await openEndSessions(database, endedGrants);
  const waste = await wasteIn(database, async () => {
    await adapter('Session').findByUid('uid-8');
    await adapter('RefreshToken').find('unknown');
    await adapter('Grant').revokeByGrantId('family-8');
    await adapter('Session').upsert('fresh', { uid: 'fresh', accountId: 'person-1' }, 60);
    await adapter('Session').destroy('fresh');
    await end('person-8', { login: 'login-9' });
    await end('person-9', { kept: 'family-9' });
  });
  expect(waste).toEqual([]);
});

it('the vault is swept of what nobody came for', async () => {
  const sweep = vaultSweep(registry, { now: () => new Date(noon), log: silent });
  const waste = await wasteIn(database, () => sweep.run(new AbortController().signal));
  expect(waste).toEqual([]);
});

const silent = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
