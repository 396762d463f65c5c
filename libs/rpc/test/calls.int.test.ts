import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rpcs } from '@bandeng/contracts';
import { ListInboxRequest } from '@bandeng/contracts/notifications';
import { refuse } from '@bandeng/decider';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import type { Call } from '../src/index.ts';
import { connect, keyHash, RpcFailure } from '../src/index.ts';
import { largestMessage } from '../src/limits.ts';
import { issuer, keyPair, notice, personToken, startNotices, tokensOf } from './notices.ts';

function rpc(name: string) {
  const found = rpcs.find((candidate) => candidate.service === 'notifications' && candidate.name === name);
  if (found === undefined) throw new Error(`no RPC ${name}`);
  return found;
}
const listInbox = rpc('ListInbox');
const getNotice = rpc('GetNotice');
const readNotice = rpc('ReadNotice');

async function failureOf(promise: Promise<unknown>): Promise<RpcFailure> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof RpcFailure) return error;
  throw new Error(`no failure but ${String(error)}`);
}

const as = async (person: string) => ({ headers: { authorization: `Bearer ${await personToken(person)}` } });
const inbox = ListInboxRequest.fromPartial({});

describe('who calls', () => {
  test('is the person of the token, not the service that passes it on', async () => {
    let seen: Call | undefined;
    await using notices = await startNotices({
      async listInbox(_, call) {
        seen = call;
        return { notices: [notice], nextPageToken: '' };
      },
    });
    const { message } = await notices.raw.call(listInbox, inbox, await as('p1'));
    expect(message).toEqual({ notices: [notice], nextPageToken: '' });
    expect(seen?.caller).toEqual({ kind: 'person', id: 'p1' });
    expect(seen?.rpc).toBe('notifications.ListInbox');
  });

  test('is a system when the token is its own, with its scopes and territory', async () => {
    let seen: Call | undefined;
    await using notices = await startNotices({
      async getNotice(_, call) {
        seen = call;
        return notice;
      },
    });
    const claims = { client_id: 'hotline', scope: 'events tickets', territory: '459902' };
    const token = await personToken('hotline', { claims });
    await notices.raw.call(getNotice, { id: 'n1' }, { headers: { authorization: `Bearer ${token}` } });
    expect(seen?.caller).toEqual({ kind: 'client', id: 'hotline', scopes: ['events', 'tickets'], territory: '459902' });
  });

  test('is the service itself only when it says so; a guest passed on by it stays a guest', async () => {
    let seen: Call | undefined;
    await using notices = await startNotices({
      async getNotice(_, call) {
        seen = call;
        return notice;
      },
    });
    await notices.client.getNotice({ id: 'n1' });
    expect(seen?.caller).toEqual({ kind: 'service', name: 'tickets' });
    const failure = await failureOf(notices.raw.call(getNotice, { id: 'n1' }));
    expect(failure.problem).toMatchObject({ reason: 'sign-in-needed', status: 401 });
    expect(failure.code).toBe(status.UNAUTHENTICATED);
  });

  test('is no service that shows a token made for another one', async () => {
    await using notices = await startNotices();
    const token = () => tokensOf('tickets')('identity');
    const elsewhere = connect('notifications', { address: notices.server.address, token });
    const { problem } = await failureOf(elsewhere.getNotice({ id: 'n1' }));
    elsewhere.close();
    expect(problem).toMatchObject({ reason: 'token-invalid', status: 401, detail: 'wrong aud' });
  });

  test.each([
    ['expired', async () => personToken('p1', { expiresIn: -60 })],
    ['wrong iss', async () => personToken('p1', { issuer: 'https://elsewhere.example' })],
    ['wrong aud', async () => personToken('p1', { audience: 'other' })],
    ['unknown key', async () => personToken('p1', { key: keyPair('issuer-2').private })],
    ['wrong signature', async () => personToken('p1', { key: keyPair('issuer-1').private })],
    ['not a token of this system', async () => 'rubbish'],
    ['a token of a service', async () => tokensOf('tickets')('notifications')],
    [
      'unknown key',
      async () => personToken('service:tickets', { issuer: 'urn:bandeng:services', key: keyPair('x').private }),
    ],
  ])('is nobody when the token is invalid: %s', async (reason, token) => {
    await using notices = await startNotices();
    const headers = { authorization: `Bearer ${await token()}` };
    const { problem } = await failureOf(notices.raw.call(listInbox, inbox, { headers }));
    expect(problem).toMatchObject({ reason: 'token-invalid', status: 401, detail: reason });
  });

  test('is not judged while the issuer cannot be asked: 503, never 401', async () => {
    const { verifierOfTest } = await import('./notices.ts');
    const away = new RpcFailure({
      code: status.UNAVAILABLE,
      problem: {
        reason: 'unavailable',
        status: 503,
        title: '',
        detail: '',
        fields: [],
        retryAfterSeconds: 1,
        postings: [],
      },
    });
    await using notices = await startNotices({}, { verify: verifierOfTest(() => Promise.reject(away)) });
    const { problem } = await failureOf(notices.raw.call(listInbox, inbox, await as('p1')));
    expect(problem).toMatchObject({ reason: 'unavailable', status: 503, retryAfterSeconds: 1 });
  });
});

describe('a request', () => {
  test('that breaks rules is refused with every field and rule', async () => {
    await using notices = await startNotices();
    const request = { unread: false, pageSize: 101, pageToken: 'x'.repeat(2001) };
    const { problem, code } = await failureOf(notices.raw.call(listInbox, request, await as('p1')));
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(problem).toMatchObject({ reason: 'invalid-request', status: 400 });
    expect(problem.fields).toEqual([
      { field: 'pageSize', rule: 'maximum', message: 'must be at most 100' },
      { field: 'pageToken', rule: 'maxLength', message: 'must have at most 2000 characters' },
    ]);
  });

  test('that is no message is refused as malformed', async () => {
    await using notices = await startNotices();
    const { problem } = await failureOf(notices.raw.call(getNotice, Buffer.from([0x0a, 0x7f, 0x01]), await as('p1')));
    expect(problem).toMatchObject({ reason: 'malformed', status: 400 });
  });

  test('with headers that cannot be is refused by their names', async () => {
    await using notices = await startNotices();
    const { headers } = await as('p1');
    const wrong = { ...headers, ifMatch: 'W/"x"', idempotencyKey: 'k'.repeat(201), actingAs: 'p'.repeat(65) };
    const { problem } = await failureOf(notices.raw.call(getNotice, { id: 'n1' }, { headers: wrong }));
    expect(problem.fields.map(({ field }) => field)).toEqual(['idempotencyKey', 'actingAs', 'ifMatch']);
  });

  test('carries capacity, key, version and language, and its command id follows from caller, RPC and key', async () => {
    const seen: Call[] = [];
    await using notices = await startNotices({
      async readNotice(_, call) {
        seen.push(call);
        call.replayed();
        return notice;
      },
    });
    const { headers } = await as('p1');
    const sent = {
      ...headers,
      ifMatch: '"3"',
      idempotencyKey: 'key-1',
      actingAs: 'posting-1',
      acceptLanguage: 'en-GB',
    };
    const answer = await notices.raw.call(readNotice, { id: 'n1' }, { headers: sent });
    await notices.raw.call(readNotice, { id: 'n2' }, { headers });
    expect(answer.replayed).toBe(true);
    const [first, second] = seen;
    expect(first).toMatchObject({ actingAs: 'posting-1', idempotencyKey: 'key-1', ifMatch: 3, language: 'en' });
    expect(first?.commandId).toBe(`http:p1:notifications.ReadNotice:${keyHash('key-1')}`);
    expect(second?.commandId).toMatch(/^http:p1:notifications\.ReadNotice:[0-9a-f-]{36}$/);
    expect(second?.language).toBe('zh-CN');
    expect(first?.requestHash).not.toBe(second?.requestHash);
    expect(first?.trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  });

  test('that is large is taken beside others, as files are', async () => {
    await using notices = await startNotices();
    const large = { unread: false, pageSize: 0, pageToken: 'x'.repeat(largestMessage - 100) };
    const caller = await as('p1');
    const all = Array.from({ length: 4 }, () => failureOf(notices.raw.call(listInbox, large, caller)));
    // It is the rule that refuses them, so all of them have come.
    expect((await Promise.all(all)).map(({ problem }) => problem.fields[0]?.field)).toEqual(all.map(() => 'pageToken'));
  });

  test('that is larger than a message may be never reaches a handler', async () => {
    await using notices = await startNotices();
    const huge = { unread: false, pageSize: 0, pageToken: 'x'.repeat(largestMessage + 1) };
    const failure = await failureOf(notices.raw.call(listInbox, huge, await as('p1')));
    expect(failure.code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe('what a handler gives', () => {
  test('a refusal is answered as its table says, with its field, values and postings', async () => {
    await using notices = await startNotices({
      getNotice: async () => refuse('not-visible'),
      readNotice: async (request) =>
        request.id === 'busy'
          ? refuse('busy')
          : request.id === 'capacity'
            ? refuse('capacity-needed', { field: 'actingAs', values: { postings: ['a', 'b'] } })
            : refuse('not-in-this-state', { values: { status: 'read' } }),
    });
    const missing = await failureOf(notices.client.getNotice({ id: 'n1' }));
    expect([missing.code, missing.problem.status]).toEqual([status.NOT_FOUND, 404]);
    const state = await failureOf(notices.client.readNotice({ id: 'n1' }));
    expect([state.code, state.problem.status, state.problem.detail]).toEqual([
      status.FAILED_PRECONDITION,
      409,
      'status: read',
    ]);
    const busy = await failureOf(notices.client.readNotice({ id: 'busy' }));
    expect([busy.code, busy.problem.status, busy.problem.retryAfterSeconds]).toEqual([status.ABORTED, 409, 1]);
    const capacity = await failureOf(notices.client.readNotice({ id: 'capacity' }));
    expect(capacity.problem).toMatchObject({ status: 400, postings: ['a', 'b'], detail: '' });
    expect(capacity.problem.fields[0]?.field).toBe('actingAs');
    expect(notices.lines).toEqual([]);
  });

  test('a throw is a fault of ours: logged once, and nothing of it leaves', async () => {
    await using notices = await startNotices({
      getNotice: async () => {
        throw new TypeError('secret detail');
      },
    });
    const { problem, code, message } = await failureOf(notices.client.getNotice({ id: 'n1' }));
    expect(code).toBe(status.INTERNAL);
    expect(problem).toMatchObject({ reason: 'internal', status: 500, detail: '' });
    expect(message).not.toContain('secret');
    expect(notices.lines).toHaveLength(1);
    expect(notices.lines[0]).toMatchObject({ level: 'error', about: { rpc: 'notifications.GetNotice' } });
  });

  test('an answer that cannot be encoded is a fault of ours, too', async () => {
    await using notices = await startNotices({ getNotice: async () => JSON.parse('{"id":"n1","at":"never"}') });
    expect((await failureOf(notices.client.getNotice({ id: 'n1' }))).problem.reason).toBe('internal');
  });

  test('something being away for now is 503 with Retry-After', async () => {
    await using notices = await startNotices(
      {
        getNotice: async () => {
          throw new Error('no primary');
        },
      },
      { transient: (error) => error instanceof Error && error.message === 'no primary' },
    );
    const { problem, code } = await failureOf(notices.client.getNotice({ id: 'n1' }));
    expect(code).toBe(status.UNAVAILABLE);
    expect(problem).toMatchObject({ reason: 'unavailable', status: 503, retryAfterSeconds: 1 });
    expect(notices.lines.map(({ level }) => level)).toEqual(['warn']);
  });

  test("another service's silence is passed on as 503, its refusal is a fault of ours", async () => {
    const nobody = connect('notifications', { address: 'unix:/nowhere/nobody.sock', token: tokensOf('notifications') });
    await using other = await startNotices({ getNotice: async () => refuse('not-visible') });
    await using notices = await startNotices({
      getNotice: (_, call) => nobody.getNotice({ id: 'n1' }, { call }),
      readNotice: (_, call) => other.client.getNotice({ id: 'n1' }, { call }),
    });
    expect((await failureOf(notices.client.getNotice({ id: 'n1' }))).problem.status).toBe(503);
    expect((await failureOf(notices.client.readNotice({ id: 'n1' }))).problem.status).toBe(500);
    nobody.close();
  });
});

test("a call made for another carries its person, capacity and language, but not its key, and ends at that call's deadline", async () => {
  let seen: Call | undefined;
  await using behind = await startNotices({
    async getNotice(_, call) {
      seen = call;
      return notice;
    },
  });
  let outer: Call | undefined;
  await using front = await startNotices({
    readNotice: async (request, call) => {
      outer = call;
      return behind.client.getNotice({ id: request.id }, { call });
    },
  });
  const { headers } = await as('p1');
  const sent = { ...headers, actingAs: 'posting-1', idempotencyKey: 'key-1', ifMatch: '"2"', acceptLanguage: 'en' };
  await front.raw.call(readNotice, { id: 'n1' }, { headers: sent, timeoutMs: 900 });
  expect(seen?.caller).toEqual({ kind: 'person', id: 'p1' });
  expect(seen).toMatchObject({ actingAs: 'posting-1', language: 'en', idempotencyKey: undefined, ifMatch: undefined });
  expect(seen?.deadline.getTime()).toBeLessThanOrEqual((outer?.deadline.getTime() ?? 0) + 5);
});

/** An internal RPC is called with bare grpc-js, as anybody who reaches the socket could. */
test('an internal RPC needs the token of a service, and no person has one', async () => {
  const { implement, startServer } = await import('../src/index.ts');
  const { keptLog, verifierOfTest } = await import('./notices.ts');
  const nothing = async () => ({ json: '{}' });
  const methods = rpcs.filter(({ service }) => service === 'identity').map(({ method }) => [method, nothing]);
  const identity = implement('identity', Object.fromEntries(methods), {});
  const address = `unix:${join(tmpdir(), `bandeng-internal-${process.pid}.sock`)}`;
  const server = await startServer({
    address,
    implementations: [identity],
    verify: verifierOfTest(),
    log: keptLog(),
    leaveTime: 0,
  });
  const channel = new Client(address, credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  const call = (headers: Record<string, string>) =>
    new Promise<number>((resolve) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const path = '/bandeng.identity.v1.IdentityService/GetKeySet';
      channel.makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, {}, (error: ServiceError | null) =>
        resolve(error?.code ?? status.OK),
      );
    });
  expect(await call({})).toBe(status.UNAUTHENTICATED);
  expect(await call({ authorization: `Bearer ${await personToken('p1')}` })).toBe(status.UNAUTHENTICATED);
  expect(await call({ 'service-authorization': `Bearer ${await personToken('service:tickets')}` })).toBe(
    status.UNAUTHENTICATED,
  );
  const forged = await personToken('service:tickets', { issuer, key: keyPair('tickets').private });
  expect(await call({ 'service-authorization': `Bearer ${forged}` })).toBe(status.UNAUTHENTICATED);
  expect(await call({ 'service-authorization': `Bearer ${await tokensOf('tickets')('notifications')}` })).toBe(
    status.OK,
  );
  channel.close();
  await server.stop();
});
