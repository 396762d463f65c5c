import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { type Call, connect, RpcFailure, startServer } from '../src/index.ts';
import { keptLog, notice, startNotices, tokensOf, verifierOfTest } from './notices.ts';

async function failureOf(promise: Promise<unknown>): Promise<RpcFailure> {
  const error = await promise.catch((thrown: unknown) => thrown);
  if (error instanceof RpcFailure) return error;
  throw new Error(`no failure but ${String(error)}`);
}

/** A handler that waits until it is let go, or until its caller is gone. */
function waiting() {
  const calls: Call[] = [];
  const gate = Promise.withResolvers<void>();
  const handler = async (_: unknown, call: Call) => {
    calls.push(call);
    await gate.promise;
    return notice;
  };
  const arrived = async (count: number) => {
    while (calls.length < count) await delay(2);
  };
  return { calls, handler, arrived, letGo: () => gate.resolve() };
}

test('a call ends at its deadline, and its handler hears of it', async () => {
  const { handler, calls } = waiting();
  await using notices = await startNotices({ getNotice: handler });
  const pending = failureOf(notices.client.getNotice({ id: 'n1' }, { timeoutMs: 150 }));
  while (calls[0] === undefined) await delay(2);
  const { signal } = calls[0];
  const { code, problem } = await pending;
  expect([code, problem.reason, problem.status]).toEqual([status.DEADLINE_EXCEEDED, 'deadline-exceeded', 504]);
  if (!signal.aborted) await once(signal, 'abort');
  expect(notices.lines).toEqual([]);
});

test('a call that its caller gives up is cancelled on the other side', async () => {
  const { handler, calls } = waiting();
  await using notices = await startNotices({ getNotice: handler });
  const controller = new AbortController();
  const pending = failureOf(notices.client.getNotice({ id: 'n1' }, { signal: controller.signal }));
  while (calls[0] === undefined) await delay(2);
  const { signal } = calls[0];
  controller.abort();
  expect((await pending).code).toBe(status.CANCELLED);
  if (!signal.aborted) await once(signal, 'abort');
});

test('giving up one call gives up those that are made for it', async () => {
  const behindCalls = waiting();
  await using behind = await startNotices({ getNotice: behindCalls.handler });
  await using front = await startNotices({ getNotice: (request, call) => behind.client.getNotice(request, { call }) });
  const controller = new AbortController();
  const pending = failureOf(front.client.getNotice({ id: 'n1' }, { signal: controller.signal }));
  await behindCalls.arrived(1);
  const signal = behindCalls.calls[0]?.signal;
  controller.abort();
  await pending;
  if (signal?.aborted === false) await once(signal, 'abort');
  expect(signal?.aborted).toBe(true);
});

test('more calls than may run at once are refused with Retry-After, and the next after them is served', async () => {
  const { handler, arrived, letGo } = waiting();
  await using notices = await startNotices({ getNotice: handler }, { maximumCalls: 2 });
  const running = [notices.client.getNotice({ id: 'n1' }), notices.client.getNotice({ id: 'n2' })];
  await arrived(2);
  const { code, problem } = await failureOf(notices.client.getNotice({ id: 'n3' }));
  expect(code).toBe(status.RESOURCE_EXHAUSTED);
  expect(problem).toMatchObject({ reason: 'overloaded', status: 503, retryAfterSeconds: 1 });
  letGo();
  await Promise.all(running);
  await expect(notices.client.getNotice({ id: 'n4' })).resolves.toEqual(notice);
});

test('a call that its caller has given up counts as long as its handler works on it', async () => {
  const { handler, arrived, letGo } = waiting();
  await using notices = await startNotices({ getNotice: handler }, { maximumCalls: 2 });
  const late = [1, 2].map(() => failureOf(notices.client.getNotice({ id: 'n1' }, { timeoutMs: 100 })));
  await arrived(2);
  expect((await Promise.all(late)).map(({ code }) => code)).toEqual([
    status.DEADLINE_EXCEEDED,
    status.DEADLINE_EXCEEDED,
  ]);
  expect((await failureOf(notices.client.getNotice({ id: 'n2' }))).problem.reason).toBe('overloaded');
  letGo();
  await expect.poll(() => notices.client.getNotice({ id: 'n3' }).catch(() => undefined)).toEqual(notice);
});

test('a server that stops says so, finishes what runs and takes nothing new', async () => {
  const { handler, arrived, letGo } = waiting();
  await using notices = await startNotices({ getNotice: handler }, { leaveTime: 300 });
  await expect.poll(() => notices.raw.health('notifications')).toBe('serving');
  const running = notices.client.getNotice({ id: 'n1' });
  await arrived(1);
  const stopping = notices.server.stop();
  expect(await notices.raw.health('notifications')).toBe('not-serving');
  await expect(notices.client.listInbox({})).resolves.toMatchObject({ notices: [] });
  await delay(350);
  expect((await failureOf(notices.client.readNotice({ id: 'n1' }))).problem.status).toBe(503);
  letGo();
  await expect(running).resolves.toEqual(notice);
  await stopping;
  expect(await notices.raw.health('notifications')).toBe('away');
});

test('what does not finish in time is cut off', async () => {
  const { handler, arrived } = waiting();
  await using notices = await startNotices({ getNotice: handler }, { graceTime: 100 });
  const running = failureOf(notices.client.getNotice({ id: 'n1' }, { timeoutMs: 20_000 }));
  await arrived(1);
  await notices.server.stop();
  expect((await running).problem).toMatchObject({ reason: 'unavailable', status: 503 });
  expect(notices.lines).toMatchObject([{ level: 'warn', about: { calls: 1 } }]);
});

test('health follows readiness', async () => {
  let ready = false;
  await using notices = await startNotices({}, { ready: () => ready });
  expect(await notices.raw.health('notifications')).toBe('not-serving');
  ready = true;
  await expect.poll(() => notices.raw.health('notifications'), { timeout: 5_000 }).toBe('serving');
});

test('a read is tried again when its server was away for a moment; a command without a key is not', async () => {
  const address = `unix:${join(tmpdir(), `bandeng-late-${process.pid}.sock`)}`;
  const client = connect('notifications', { address, token: tokensOf('tickets') });
  const command = await failureOf(client.readNotice({ id: 'n1' }));
  expect(command).toMatchObject({ code: status.UNAVAILABLE, answered: false });
  let reached = 0;
  const starting = delay(60).then(() =>
    startNotices(
      {
        getNotice: async () => {
          reached++;
          return notice;
        },
      },
      { address },
    ),
  );
  const read = client.getNotice({ id: 'n1' }).catch((error: unknown) => error);
  await using notices = await starting;
  const first = await read;
  if (first instanceof RpcFailure)
    await expect.poll(() => client.getNotice({ id: 'n1' }).catch(() => undefined)).toEqual(notice);
  else expect(first).toEqual(notice);
  expect(reached).toBe(1);
  expect(notices.server.address).toBe(address);
  client.close();
});

test('a read goes through though the first connections break; a command without a key fails at the first', async () => {
  let reached = 0;
  const answer = async () => {
    reached++;
    return notice;
  };
  const path = join(tmpdir(), `bandeng-behind-${process.pid}.sock`);
  await using notices = await startNotices({ getNotice: answer, readNotice: answer }, { address: `unix:${path}` });
  let connections = 0;
  let breaks = 0;
  const between = createServer((near) => {
    near.on('error', () => {});
    connections++;
    if (connections <= breaks) near.destroy();
    else near.pipe(createConnection(path).on('error', () => {})).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(between, 'listening');
  const address = between.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const client = connect('notifications', { address: `ipv4:127.0.0.1:${port}`, token: tokensOf('tickets') });
  breaks = 1;
  expect(await failureOf(client.readNotice({ id: 'n1' }))).toMatchObject({ code: status.UNAVAILABLE, answered: false });
  expect([connections, reached]).toEqual([1, 0]);
  breaks = 3;
  expect(await client.getNotice({ id: 'n1' })).toEqual(notice);
  expect([connections, reached]).toEqual([4, 1]);
  client.close();
  between.close();
  expect(notices.server.address).toBe(`unix:${path}`);
});

test('a socket that a killed process left behind is taken over; one that is in use is not', async () => {
  const path = join(tmpdir(), `bandeng-left-${process.pid}.sock`);
  const start = () =>
    startServer({
      address: `unix:${path}`,
      implementations: [],
      verify: verifierOfTest(),
      log: keptLog(),
      leaveTime: 0,
    });
  writeFileSync(path, '');
  const server = await start();
  await expect(start()).rejects.toThrow('in use by another process');
  await server.stop();
  const other = createServer().listen(path);
  await once(other, 'listening');
  await expect(start()).rejects.toThrow('in use by another process');
  other.close();
  await once(other, 'close');
});

test('a server with a port of its own choice says which', async () => {
  await using notices = await startNotices({}, { address: '127.0.0.1:0', reflection: true });
  expect(notices.server.address).toMatch(/^127\.0\.0\.1:[1-9][0-9]+$/);
  await expect(notices.client.listInbox({})).resolves.toMatchObject({ notices: [] });
});
