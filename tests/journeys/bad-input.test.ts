import { generateKeyPairSync } from 'node:crypto';
import { type Caller, type Town, town } from '@bandeng/testing/town';
import { SignJWT } from 'jose';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let city: Town;
let mongo: MongoClient;
let resident: Caller;
let dispatcher: Caller;
let home: string;
let category: string;

beforeAll(async () => {
  city = await town();
  mongo = await MongoClient.connect(city.parts.mongodbUri);
  resident = await city.as('resident');
  dispatcher = await city.as('community_dispatcher');
  home = city.plan.postings.find(({ role }) => role === 'resident')?.territory ?? '';
  category = city.plan.categories[0]?.join('.') ?? '';
});
afterAll(async () => {
  await mongo?.close();
  await city?.stop();
});

const stored = (): Promise<number> =>
  mongo.db(`${city.parts.databasePrefix}_tickets`).collection('tickets').countDocuments();
const order = (over: object = {}): object => ({ text: '楼道灯坏了', territory: home, category, ...over });
const reason = (name: string): string => `urn:bandeng:problem:${name}`;

describe('an order that is not as the contract says names the field, and nothing is stored', () => {
  test.each([
    ['an unknown field', () => order({ colour: 'red' }), 'colour'],
    ['a number for a text', () => order({ text: 5 }), 'text'],
    ['a text that is too long', () => order({ text: '长'.repeat(4_001) }), 'text'],
    ['no text', () => order({ text: '' }), 'text'],
    ['a text left out', () => ({ territory: home, category }), 'text'],
    ['a territory that is no code', () => order({ territory: 'here' }), 'territory'],
    ['an urgency that is none', () => order({ urgency: 'SOON' }), 'urgency'],
    ['an urgency that says nothing', () => order({ urgency: 'UNSPECIFIED' }), 'urgency'],
    ['a list for a name', () => order({ displayName: ['a'] }), 'displayName'],
    ['a null character', () => order({ text: 'a\u0000b' }), 'text'],
  ])('%s', async (_name, body, field) => {
    const before = await stored();
    const answer = await resident.post('/v1/tickets', body());
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body.fields.map((fault: { field: string }) => fault.field)).toContain(field);
    expect(answer.body.trace).toMatch(/^[0-9a-f]{32}$/);
    expect(await stored()).toBe(before);
  });

  test('every field at fault is named at once', async () => {
    const { body } = await resident.post('/v1/tickets', {
      text: '',
      territory: 'x',
      category: '',
      place: '长'.repeat(201),
    });
    expect(body.fields.map(({ field }: { field: string }) => field).sort()).toEqual([
      'category',
      'place',
      'territory',
      'text',
    ]);
  });

  test.each([
    ['an unknown category', () => order({ category: '没有.这一类' }), 'unknown-category', 'category'],
    ['an unknown territory', () => order({ territory: '459977' }), 'unknown-territory', 'territory'],
  ])('%s', async (_name, body, problem, field) => {
    const before = await stored();
    const answer = await resident.post('/v1/tickets', body());
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ type: reason(problem), fields: [{ field }] });
    expect(await stored()).toBe(before);
  });

  test.each([
    ['broken UTF-8', Buffer.concat([Buffer.from('{"text":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]), 400],
    ['broken JSON', '{"text":', 400],
    ['a list', '[]', 400],
    ['a prototype', '{"__proto__":{"a":1},"text":"x"}', 400],
    ['too much', JSON.stringify({ text: 'x'.repeat(300_000) }), 413],
  ])('%s as a body', async (_name, body, status) => {
    const before = await stored();
    const answer = await resident.post('/v1/tickets', body);
    expect(answer.status).toBe(status);
    expect(answer.body.type).toMatch(/^urn:bandeng:problem:/);
    expect(await stored()).toBe(before);
  });

  test('another content type', async () => {
    const answer = await resident.post('/v1/tickets', 'text=x', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(answer.status).toBe(415);
  });
});

describe('what does not fit the state or the caller is refused by name', () => {
  let id: string;
  beforeAll(async () => {
    const ordered = await resident.post('/v1/tickets', order());
    id = ordered.body.id;
  });

  test('an action that is not possible where the ticket stands', async () => {
    const answer = await resident.post(`/v1/tickets/${id}:rate`, { satisfaction: 'SATISFIED' });
    expect(answer.status).toBe(409);
    expect(answer.body.type).toBe(reason('not-in-this-state'));
    expect(answer.body.detail).toContain('ordered');
  });

  test('a role that may not', async () => {
    const denied = await resident.post(`/v1/tickets/${id}:dispatch`, { handler: { openCall: home.slice(0, 12) } });
    expect(denied.status).toBe(403);
    expect(denied.body.type).toBe(reason('not-permitted'));
    const stranger = await city.as('volunteer');
    expect((await stranger.get(`/v1/tickets/${id}`)).status).toBe(404);
    expect((await stranger.post(`/v1/tickets/${id}:withdraw`)).status).toBe(404);
  });

  test('a handler that is two handlers, or none', async () => {
    const both = await dispatcher.post(`/v1/tickets/${id}:dispatch`, {
      handler: { unit: 'u', openCall: home.slice(0, 12) },
    });
    expect(both.status).toBe(400);
    const none = await dispatcher.post(`/v1/tickets/${id}:dispatch`, { handler: {} });
    expect(none.status).toBeGreaterThanOrEqual(400);
    expect(none.status).toBeLessThan(500);
    const nobody = await dispatcher.post(`/v1/tickets/${id}:dispatch`, { handler: { unit: 'nobody' } });
    expect(nobody.status).toBe(422);
    expect(nobody.body.type).toBe(reason('unknown-unit'));
  });

  test('a stale version', async () => {
    const noted = await dispatcher.post(
      `/v1/tickets/${id}:note`,
      { text: '已看', audience: 'RESIDENT' },
      { 'if-match': '"1"' },
    );
    expect(noted.status).toBe(200);
    expect(noted.headers.get('etag')).toBe('"2"');
    const stale = await dispatcher.post(
      `/v1/tickets/${id}:note`,
      { text: '又看', audience: 'RESIDENT' },
      { 'if-match': '"1"' },
    );
    expect(stale.status).toBe(412);
    expect((await dispatcher.get(`/v1/tickets/${id}`)).body.version).toBe(2);
    expect(
      (await dispatcher.post(`/v1/tickets/${id}:note`, { text: 'x', audience: 'RESIDENT' }, { 'if-match': 'two' }))
        .status,
    ).toBe(400);
  });

  test('a key that came before: the same order is answered again, another is refused', async () => {
    const before = await stored();
    const key = { 'idempotency-key': 'the-same-key-for-both' };
    const first = await resident.post('/v1/tickets', order(), key);
    const again = await resident.post('/v1/tickets', order(), key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body.id).toBe(first.body.id);
    expect(again.body.followCode).toBe(first.body.followCode);
    const other = await resident.post('/v1/tickets', order({ text: '另一件事' }), key);
    expect(other.status).toBe(422);
    expect(other.body.type).toBe(reason('key-reused'));
    expect(await stored()).toBe(before + 1);
  });

  test('fifty equal orders at once are one ticket', async () => {
    const before = await stored();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => resident.post('/v1/tickets', order(), { 'idempotency-key': 'fifty-at-once' })),
    );
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.map(({ status }) => status).every((status) => status === 201)).toBe(true);
    expect(await stored()).toBe(before + 1);
  });

  test('several capacities that would do: one must be named', async () => {
    const administrator = await city.as('administrator');
    const { body: me } = await dispatcher.get('/v1/me');
    const community = home.slice(0, 12);
    const started = await administrator.post('/v1/postings', {
      person: me.account.id,
      role: 'COMMUNITY_SECRETARY',
      territory: community,
    });
    expect(started.status).toBe(201);
    const handler = { handler: { openCall: community } };
    // By what leaves the ticket as it stands, until it is known everywhere.
    const note = async () =>
      (await dispatcher.post(`/v1/tickets/${id}:note`, { text: '好', audience: 'INTERNAL' })).status;
    await expect.poll(note).toBe(400);
    const unclear = await dispatcher.post(`/v1/tickets/${id}:dispatch`, handler);
    expect(unclear.body.type).toBe(reason('capacity-needed'));
    expect(unclear.body.postings).toContain(started.body.id);
    const foreign = await dispatcher.post(`/v1/tickets/${id}:dispatch`, handler, { 'acting-as': 'somebody-else' });
    expect(foreign.status).toBe(400);
    expect(foreign.body.type).toBe(reason('unknown-posting'));
    const clear = await dispatcher.post(`/v1/tickets/${id}:dispatch`, handler, { 'acting-as': started.body.id });
    expect(clear.status).toBe(200);
    const ended = await administrator.post(`/v1/postings/${started.body.id}:end`);
    expect(ended.status).toBe(200);
    await expect.poll(note).toBe(200);
  });
});

describe('a token that does not count is refused', () => {
  test.each([
    ['no token where one is needed', undefined, 'sign-in-needed'],
    ['something that is no token', 'not-a-token', 'token-invalid'],
  ])('%s', async (_name, token, problem) => {
    const answer = await city.with(token).get('/v1/tickets');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    expect(answer.body.type).toBe(reason(problem));
  });

  test('a foreign token, on a public route too', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const foreign = await new SignJWT({ scope: 'openid' })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'foreign' })
      .setIssuer(`http://localhost:${city.parts.environment.BANDENG_PORT}/oidc`)
      .setAudience('bandeng')
      .setSubject('somebody')
      .setExpirationTime('5m')
      .sign(privateKey);
    expect((await city.with(foreign).get('/v1/me')).body.type).toBe(reason('token-invalid'));
    expect((await city.with(foreign).get('/v1/categories')).status).toBe(401);
  });

  test('a token with one letter changed', async () => {
    const { token = '' } = resident;
    const at = token.length - 20;
    const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    expect((await city.with(changed).get('/v1/me')).status).toBe(401);
  });
});

describe('lists keep to their catalogue', () => {
  test('a page token opens for the same query and person only', async () => {
    const territory = home.slice(0, 12);
    for (let count = 0; count < 3; count++) await resident.post('/v1/tickets', order());
    const { body: page } = await dispatcher.get(`/v1/tickets?territory=${territory}&pageSize=2`);
    expect(page.tickets).toHaveLength(2);
    expect(page.nextPageToken).not.toBe('');
    const token = encodeURIComponent(page.nextPageToken);
    const next = await dispatcher.get(`/v1/tickets?territory=${territory}&pageSize=2&pageToken=${token}`);
    expect(next.status).toBe(200);
    expect(next.body.tickets[0].id).not.toBe(page.tickets[0].id);
    for (const [caller, query] of [
      [dispatcher, `status=ORDERED&pageToken=${token}`],
      [resident, `territory=${territory}&pageSize=2&pageToken=${token}`],
      [dispatcher, `territory=${territory}&pageSize=2&pageToken=broken`],
    ] as const) {
      const answer = await caller.get(`/v1/tickets?${query}`);
      expect(answer.status).toBe(400);
      expect(answer.body.type).toBe(reason('page-token-invalid'));
    }
  });

  test.each([
    ['pageSize=0x10', 'pageSize'],
    ['pageSize=101', 'pageSize'],
    ['status=LOST', 'status'],
    ['colour=red', 'colour'],
  ])('%s names its parameter', async (query, field) => {
    const answer = await dispatcher.get(`/v1/tickets?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body.fields[0].field).toBe(field);
  });

  test('what is not there says so, and what may not be done there says what may', async () => {
    expect((await dispatcher.get('/v1/nothing')).status).toBe(404);
    expect((await dispatcher.post('/v1/tickets/some-id:explode')).status).toBe(404);
    expect((await dispatcher.get('/v1/tickets/no-such-ticket')).status).toBe(404);
    const wrong = await dispatcher.post('/v1/me');
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toContain('GET');
  });
});
