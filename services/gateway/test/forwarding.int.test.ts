import { refuse } from '@bandeng/decider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answers, openStand, type Stand, tokenOf } from './stand.ts';

const person = tokenOf({ kind: 'person', id: 'p1' });
const signedIn = { authorization: `Bearer ${person}` };

const answers: Answers = {
  GetTicket: ({ id }: { id: string }) =>
    id === 'none' ? refuse('not-visible') : { id, version: 3, status: 'ORDERED' },
  ListTickets: () => ({ tickets: [{ id: 't1', status: 'ORDERED' }], nextPageToken: 'next' }),
  GetCategory: ({ id }: { id: string }) => ({ id }),
  OrderTicket: (request: { text: string }, call) => {
    if (call.idempotencyKey === 'again') call.replayed();
    return { id: 'a/b', version: 1, text: request.text, followCode: 'ABCDEFGHJKMN' };
  },
  DispatchTicket: ({ id, handler }: { id: string; handler: object }) => ({ id, version: 4, handler }),
  AcceptTicket: () => refuse('not-in-this-state', { values: { status: 'resolved' } }),
  ResolveTicket: () => refuse('stale-version'),
  FollowTicket: () => ({ number: 'n', version: 2 }),
  WithdrawTicket: () => {
    throw new Error('a secret of ours');
  },
};

describe('a call over HTTP', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand({ answers });
  });
  afterAll(async () => stand[Symbol.asyncDispose]());

  const get = async (url: string, headers: Record<string, string> = signedIn) =>
    stand.gateway.app.inject({ method: 'GET', url, headers });
  const post = async (url: string, payload: object | string | Buffer = {}, headers: Record<string, string> = {}) =>
    stand.gateway.app.inject({
      method: 'POST',
      url,
      payload,
      headers: { ...signedIn, 'content-type': 'application/json', ...headers },
    });
  const order = { text: '路灯坏了', territory: '459902', category: '城乡建设' };

  test('is answered with the whole representation, its ETag, and is stored by nobody', async () => {
    const answer = await get('/v1/tickets/t1');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      etag: '"3"',
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(answer.json()).toMatchObject({ id: 't1', version: 3, status: 'ORDERED' });
    expect(answer.body).not.toContain('UNSPECIFIED');
  });

  test('carries its headers to the service', async () => {
    await get('/v1/tickets/t1', { ...signedIn, 'acting-as': 'post-1', 'if-match': '"7"', 'accept-language': 'en-GB' });
    expect(stand.calls.at(-1)).toMatchObject({
      caller: { kind: 'person', id: 'p1' },
      actingAs: 'post-1',
      ifMatch: 7,
      language: 'en',
    });
    await get('/v1/categories/x', {});
    expect(stand.calls.at(-1)).toMatchObject({ caller: { kind: 'guest' }, language: 'zh-CN' });
  });

  test('that makes something new is 201 with its Location, and says when it is a repeat', async () => {
    const answer = await post('/v1/tickets', order);
    expect(answer.statusCode).toBe(201);
    expect(answer.headers.location).toBe('/v1/tickets/a%2Fb');
    expect(answer.headers).not.toHaveProperty('idempotency-replayed');
    const again = await post('/v1/tickets', order, { 'idempotency-key': 'again' });
    expect(again.statusCode).toBe(201);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  test('to a thing with a verb is 200', async () => {
    const answer = await post('/v1/tickets/t1:dispatch', { handler: { unit: 'u1' }, id: 't1' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ id: 't1', handler: { unit: 'u1' } });
  });

  test('reads ids in Chinese', async () => {
    const id = '城乡建设.城市建设和市政管理.园林绿化环卫';
    expect((await get(`/v1/categories/${encodeURIComponent(id)}`)).json()).toMatchObject({ id });
  });

  test('is refused as the service refuses it', async () => {
    const conflict = await post('/v1/tickets/t1:accept');
    expect(conflict.statusCode).toBe(409);
    expect(conflict.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(conflict.json()).toMatchObject({
      type: 'urn:bandeng:problem:not-in-this-state',
      status: 409,
      detail: 'status: resolved',
      trace: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect((await get('/v1/tickets/none')).statusCode).toBe(404);
    expect((await post('/v1/tickets/t1:resolve', { resolution: 'x' })).statusCode).toBe(412);
  });

  test('that breaks a field rule is told which field', async () => {
    const answer = await post('/v1/tickets', { ...order, text: '', territory: 'x' });
    expect(answer.statusCode).toBe(400);
    expect(
      answer
        .json()
        .fields.map(({ field }: { field: string }) => field)
        .sort(),
    ).toEqual(['territory', 'text']);
  });

  test('without a token is 401 with WWW-Authenticate, and so is one with a broken token', async () => {
    const without = await get('/v1/tickets', {});
    expect(without.statusCode).toBe(401);
    expect(without.headers['www-authenticate']).toBe('Bearer realm="bandeng"');
    const broken = await get('/v1/tickets', { authorization: 'Bearer x' });
    expect(broken.json()).toMatchObject({ type: 'urn:bandeng:problem:token-invalid', status: 401 });
    expect(broken.headers['www-authenticate']).toContain('error="invalid_token"');
    const service = tokenOf({ kind: 'service', name: 'tickets' });
    expect((await get('/v1/tickets', { authorization: `Bearer ${service}` })).statusCode).toBe(401);
  });

  test('with anything in the body that the contract does not name is 400 and reaches no service', async () => {
    const before = stand.calls.length;
    const wrong: [object | string | Buffer, string | undefined, string | undefined][] = [
      [{ ...order, colour: 'red' }, 'colour', 'unknown'],
      [{ ...order, display_name: 'x' }, 'display_name', 'unknown'],
      [{ ...order, text: 5 }, 'text', 'type'],
      [{ ...order, onBehalf: 'true' }, 'onBehalf', 'type'],
      [{ ...order, urgency: 'VERY' }, 'urgency', 'enum'],
      [{ ...order, urgency: 2 }, 'urgency', undefined],
      [{ ...order, urgency: 'UNSPECIFIED' }, 'urgency', undefined],
      [{ ...order, place: null }, 'place', 'type'],
      ['{"text":"a","text":"b"}', 'text', 'duplicate'],
      ['{"__proto__":{"text":"a"}}', '__proto__', 'unknown'],
      ['[]', '', 'type'],
      ['{', undefined, undefined],
      [Buffer.from([0x7b, 0x22, 0x74, 0x22, 0x3a, 0x22, 0xc3, 0x28, 0x22, 0x7d]), undefined, undefined],
      [`{"text":${'['.repeat(50)}${']'.repeat(50)}}`, undefined, undefined],
    ];
    for (const [body, field, rule] of wrong) {
      const answer = await post('/v1/tickets', body);
      expect(answer.statusCode, String(body)).toBe(400);
      expect(answer.headers['content-type']).toContain('application/problem+json');
      if (field !== undefined) expect(answer.json().fields[0]).toMatchObject({ field, ...(rule && { rule }) });
    }
    expect(stand.calls.length).toBe(before);
  });

  test('with a body that contradicts its path is 400', async () => {
    const answer = await post('/v1/tickets/t1:dispatch', { id: 't2', handler: { unit: 'u1' } });
    expect(answer.json()).toMatchObject({ status: 400, fields: [{ field: 'id', rule: 'path' }] });
  });

  test('with query parameters that it does not know, or in the wrong form, is 400', async () => {
    for (const query of ['colour=red', 'pageSize=x', 'status=open', 'status=ORDERED&status=RATED', 'category=%FF']) {
      expect((await get(`/v1/tickets?${query}`)).statusCode, query).toBe(400);
    }
    expect((await get('/v1/tickets?status=ORDERED&pageSize=5')).statusCode).toBe(200);
    expect((await post('/v1/tickets?dryRun=true', order)).statusCode).toBe(400);
  });

  test('with a body that is too large, of another type or encoding is 413 or 415', async () => {
    expect((await post('/v1/tickets', { ...order, text: 'x'.repeat(300_000) })).json()).toMatchObject({ status: 413 });
    expect((await post('/v1/tickets', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' })).statusCode).toBe(
      415,
    );
    expect((await post('/v1/tickets', '{}', { 'content-type': 'application/json; charset=gbk' })).statusCode).toBe(415);
    expect((await post('/v1/tickets', '{}', { 'content-encoding': 'gzip' })).statusCode).toBe(415);
    const withoutType = await stand.gateway.app.inject({
      method: 'POST',
      url: '/v1/tickets',
      payload: Buffer.from('{}'),
    });
    expect(withoutType.statusCode).toBe(415);
  });

  test('without a body asks for what is required, and is fine where nothing is', async () => {
    const nothing = await stand.gateway.app.inject({ method: 'POST', url: '/v1/tickets', headers: signedIn });
    expect(nothing.statusCode).toBe(400);
    const accept = await stand.gateway.app.inject({ method: 'POST', url: '/v1/tickets/t1:accept', headers: signedIn });
    expect(accept.statusCode).toBe(409);
  });

  test('to nowhere is 404, by a wrong method 405 with Allow, by a broken path 400, by an endless one 414', async () => {
    expect((await get('/v1/nothing')).json()).toMatchObject({ type: 'urn:bandeng:problem:not-found', status: 404 });
    expect((await post('/v1/tickets/x:unknown')).statusCode).toBe(404);
    expect((await get('/v1/tickets/')).statusCode).toBe(404);
    const wrong = await stand.gateway.app.inject({ method: 'DELETE', url: '/v1/tickets/t1' });
    expect(wrong.statusCode).toBe(405);
    expect(wrong.headers.allow).toBe('GET, HEAD');
    for (const method of ['TRACE', 'QUERY', 'OPTIONS', 'PUT'] as const) {
      const other = await stand.gateway.app.inject({ method, url: '/v1/tickets/t1' });
      expect([method, other.statusCode, other.headers.allow]).toEqual([method, 405, 'GET, HEAD']);
    }
    expect((await stand.gateway.app.inject({ method: 'QUERY', url: '/v1/nothing' })).statusCode).toBe(400);
    expect((await get('/v1/tickets/%FF')).json()).toMatchObject({ status: 400 });
    expect((await get(`/v1/tickets/${'x'.repeat(3000)}`)).json()).toMatchObject({ status: 414 });
  });

  test('that fails by a fault of ours is 500 and leaks nothing', async () => {
    const answer = await post('/v1/tickets/t1:withdraw');
    expect(answer.json()).toMatchObject({ status: 500, type: 'urn:bandeng:problem:internal' });
    expect(answer.body).not.toContain('secret');
  });

  test('to a service that is away is 503 with Retry-After, and 200 again when it is back', async () => {
    await stand.stopService('orggraph');
    const away = await get('/v1/territories');
    expect(away.statusCode).toBe(503);
    expect(Number(away.headers['retry-after'])).toBeGreaterThan(0);
    expect((await get('/readyz')).json()).toMatchObject({ ready: false, services: { orggraph: 'away' }, nats: 'away' });
    await stand.startService('orggraph');
    await expect.poll(async () => (await get('/v1/territories')).statusCode, { timeout: 5000 }).toBe(404);
    await expect.poll(async () => (await get('/readyz')).statusCode, { timeout: 5000 }).toBe(200);
  });

  test('leaves neither tokens nor follow codes nor words in the log', async () => {
    await get('/v1/follow/ABCDEFGHJKMN', {});
    await get('/v1/follow/ABCDEFGHJKMN/x', {});
    await post('/v1/follow/ABCDEFGHJKMN:rate', { satisfaction: 5 });
    await post('/v1/tickets', order);
    const log = stand.lines.join('\n');
    expect(log).toContain('/v1/follow/:code');
    for (const secret of ['ABCDEFGHJKMN', person, '路灯']) expect(log).not.toContain(secret);
  });
});

describe('the gateway', () => {
  test('answers 429 with Retry-After to whoever tries follow codes, whatever tokens they make up', async () => {
    const limits = { token: 1000, address: 1000, guestOrders: 2, followCodes: 3, signIns: 2 };
    await using stand = await openStand({ answers, configuration: { limits } });
    const follow = async (try_: number) =>
      stand.gateway.app.inject({
        url: '/v1/follow/X',
        headers: { authorization: `Bearer ${tokenOf({ kind: 'person', id: `${try_}` })}` },
      });
    for (let n = 0; n < 3; n++) expect((await follow(n)).statusCode).toBe(200);
    const refused = await follow(4);
    expect(refused.json()).toMatchObject({ status: 429, type: 'urn:bandeng:problem:too-many-requests' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const order = async (headers: Record<string, string>) =>
      stand.gateway.app.inject({
        method: 'POST',
        url: '/v1/tickets',
        payload: { text: 'x', territory: '4599', category: 'x' },
        headers,
      });
    for (let n = 0; n < 2; n++) expect((await order({})).statusCode).toBe(201);
    expect((await order({})).statusCode).toBe(429);
    expect((await order(signedIn)).statusCode).toBe(201);
    // Identity is not there: whatever is let through is answered so.
    const signIn = async (method: 'GET' | 'POST') =>
      (await stand.gateway.app.inject({ method, url: '/oidc/interaction/x' })).statusCode;
    expect([await signIn('POST'), await signIn('POST'), await signIn('POST')]).toEqual([503, 503, 429]);
    expect(await signIn('GET')).toBe(503);
  });

  test('counts a token once, however it is written', async () => {
    const limits = { token: 1, address: 1000, guestOrders: 100, followCodes: 100, signIns: 100 };
    await using stand = await openStand({ answers, configuration: { limits } });
    const token = tokenOf({ kind: 'person', id: 'p1' });
    const ask = async (last: string) => {
      const authorization = `Bearer ${token.slice(0, -1)}${last}`;
      return (await stand.gateway.app.inject({ url: '/v1/categories/x', headers: { authorization } })).statusCode;
    };
    expect([await ask('A'), await ask('B'), await ask('P')]).toEqual([200, 429, 429]);
  });

  test('believes X-Forwarded-For only as far as it has proxies', async () => {
    const limits = { token: 1000, address: 1, guestOrders: 100, followCodes: 100, signIns: 100 };
    const from = async (stand: Stand, address: string) =>
      (await stand.gateway.app.inject({ url: '/v1/categories/x', headers: { 'x-forwarded-for': address } })).statusCode;
    await using alone = await openStand({ answers, configuration: { limits } });
    expect(await from(alone, '1.1.1.1')).toBe(200);
    expect(await from(alone, '2.2.2.2')).toBe(429);
    await using behind = await openStand({ answers, configuration: { limits, trustedHops: 1 } });
    expect(await from(behind, '1.1.1.1')).toBe(200);
    expect(await from(behind, '2.2.2.2')).toBe(200);
    expect(await from(behind, '3.3.3.3, 2.2.2.2')).toBe(429);
  });

  test('lets pages of the configured origins call it, and no others', async () => {
    await using stand = await openStand({ answers, configuration: { origins: ['https://city.example'] } });
    const preflight = async (origin: string) =>
      stand.gateway.app.inject({
        method: 'OPTIONS',
        url: '/v1/tickets',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
      });
    expect((await preflight('https://city.example')).headers['access-control-allow-origin']).toBe(
      'https://city.example',
    );
    expect((await preflight('https://other.example')).headers['access-control-allow-origin']).not.toBe(
      'https://other.example',
    );
    await using closed = await openStand({ answers });
    const answer = await closed.gateway.app.inject({
      url: '/v1/categories/x',
      headers: { origin: 'https://city.example' },
    });
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('serves its description and a viewer that calls no other host', async () => {
    await using stand = await openStand({ configuration: { publicUrl: 'https://api.example' } });
    const { app } = stand.gateway;
    expect((await app.inject('/openapi.json')).json()).toMatchObject({ servers: [{ url: 'https://api.example' }] });
    expect((await app.inject('/')).headers.location).toBe('/docs/');
    const page = await app.inject('/docs/');
    expect(page.statusCode).toBe(200);
    expect(page.body).not.toMatch(/(src|href)="https?:/);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("connect-src 'self'");
    expect(policy).toMatch(/script-src 'self' 'sha256-/);
    const script = /src="([^"]+)"/.exec(page.body)?.[1] ?? '';
    expect((await app.inject(`/docs/${script}`)).headers['content-type']).toContain('javascript');
  });

  test('answers while it drains, telling clients to leave', async () => {
    const stand = await openStand({ answers, configuration: { drainMs: 1500 } });
    const stopped = stand[Symbol.asyncDispose]();
    const answer = await stand.gateway.app.inject({ url: '/v1/categories/x' });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers.connection).toBe('close');
    expect((await stand.gateway.app.inject('/readyz')).statusCode).toBe(503);
    await stopped;
  });
});
