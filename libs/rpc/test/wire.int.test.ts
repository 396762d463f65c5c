/** What our own clients never send, straight onto the socket; the answers are those of https://grpc.github.io/grpc/core/md_doc_statuscodes.html. */
import { once } from 'node:events';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Problem } from '@bandeng/contracts/problems';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { framed } from '../src/frames.ts';
import type { Call } from '../src/index.ts';
import { largestMessage } from '../src/limits.ts';
import { type Notices, notice, startNotices, tokensOf } from './notices.ts';

const path = '/bandeng.notifications.v1.NotificationsService/GetNotice';
const request = Buffer.from([0x0a, 2, 0x6e, 0x31]); // id: 'n1'

/** A frame that says of itself what is not so. */
function misframed(message: Uint8Array, says: { compressed?: boolean; length?: number }): Buffer {
  const frame = framed(message);
  if (says.compressed === true) frame.writeUInt8(1, 0);
  if (says.length !== undefined) frame.writeUInt32BE(says.length, 1);
  return frame;
}

/** A handler that keeps the calls that have reached it. */
function noting() {
  const calls: Call[] = [];
  const handler = async (_: unknown, call: Call) => {
    calls.push(call);
    return notice;
  };
  return { calls, handler };
}

async function onSession<Result>(notices: Notices, work: (session: ClientHttp2Session) => Promise<Result>) {
  const socket = notices.server.address.slice('unix:'.length);
  const session = connect('http://service', { createConnection: () => connectSocket(socket) });
  try {
    return await work(session);
  } finally {
    session.destroy();
  }
}

/** Opens a call with the token of a service; what is sent is up to the test. */
async function opened(session: ClientHttp2Session, headers: OutgoingHttpHeaders = {}) {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    'service-authorization': `Bearer ${await tokensOf('tickets')('notifications')}`,
    'own-account': 'true',
    ...headers,
  });
  let said: IncomingHttpHeaders = {};
  stream.on('response', (first) => {
    said = { ...said, ...first };
  });
  stream.on('trailers', (last) => {
    said = { ...said, ...last };
  });
  stream.on('error', () => {});
  const answer = async (): Promise<IncomingHttpHeaders> => {
    stream.resume();
    await once(stream, 'close');
    return said;
  };
  return { stream, answer };
}

async function answerTo(chunks: readonly Uint8Array[], headers: OutgoingHttpHeaders = {}) {
  await using notices = await startNotices();
  return await onSession(notices, async (session) => {
    const { stream, answer } = await opened(session, headers);
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
    return answer();
  });
}

test('a call in small pieces is a call', async () => {
  const pieces = [...framed(request)].map((byte) => Buffer.from([byte]));
  expect(await answerTo(pieces)).toMatchObject({ ':status': 200, 'grpc-status': '0' });
});

test.each([
  ['no message', []],
  ['two messages', [framed(request), framed(request)]],
  ['less than its length says', [misframed(request, { length: 100 })]],
  ['more than its length says', [misframed(request, { length: 1 })]],
  ['a message without its frame', [request]],
])('%s is not what a unary call takes', async (_, chunks) => {
  expect(await answerTo(chunks)).toMatchObject({
    ':status': 200,
    'grpc-status': String(status.UNIMPLEMENTED),
    'grpc-message': 'this%20takes%20one%20whole%20message',
  });
});

test('a compressed message is refused, and the answer says which encoding is taken', async () => {
  expect(
    await answerTo([misframed(gzipSync(request), { compressed: true })], { 'grpc-encoding': 'gzip' }),
  ).toMatchObject({
    'grpc-status': String(status.UNIMPLEMENTED),
    'grpc-accept-encoding': 'identity',
  });
});

test('a message that is too large is refused before all of it has come', async () => {
  await using notices = await startNotices();
  await onSession(notices, async (session) => {
    const { stream, answer } = await opened(session);
    // More than it may be, and the end never comes.
    stream.write(framed(Buffer.alloc(largestMessage + 1)));
    stream.write(Buffer.alloc(1));
    expect(await answer()).toMatchObject({ 'grpc-status': String(status.RESOURCE_EXHAUSTED) });
  });
});

test.each(['soon', '-1S', '1.5S', '123456789S', '5', ''])('a timeout of %o is refused by its name', async (timeout) => {
  const said = await answerTo([framed(request)], { 'grpc-timeout': timeout });
  expect(said).toMatchObject({ 'grpc-status': String(status.INVALID_ARGUMENT), 'grpc-message': 'invalid-request' });
  const { fields } = Problem.decode(Buffer.from(String(said['problem-bin']), 'base64'));
  expect(fields).toMatchObject([{ field: 'grpc-timeout', rule: 'pattern' }]);
});

test.each([
  ['200m', 200],
  ['2S', 2_000],
  ['1M', 60_000],
  ['1H', 3_600_000],
  ['2000000u', 2_000],
])('a timeout of %s is the deadline of the handler', async (timeout, milliseconds) => {
  const { handler, calls } = noting();
  await using notices = await startNotices({ getNotice: handler });
  const now = Date.now();
  await onSession(notices, async (session) => {
    const { stream, answer } = await opened(session, { 'grpc-timeout': timeout });
    stream.end(framed(request));
    expect(await answer()).toMatchObject({ 'grpc-status': '0' });
  });
  const left = (calls[0]?.deadline.getTime() ?? 0) - now;
  expect(left).toBeGreaterThanOrEqual(milliseconds);
  expect(left).toBeLessThan(milliseconds + 1_000);
});

test('a call whose message never ends is over at its deadline, and reaches no handler', async () => {
  const { handler, calls } = noting();
  await using notices = await startNotices({ getNotice: handler });
  await onSession(notices, async (session) => {
    const { stream, answer } = await opened(session, { 'grpc-timeout': '50m' });
    stream.write(framed(request).subarray(0, 3));
    expect(await answer()).toMatchObject({
      'grpc-status': String(status.DEADLINE_EXCEEDED),
      'grpc-message': 'deadline-exceeded',
    });
  });
  expect(calls).toHaveLength(0);
});

test('a caller that goes away in the middle of its message reaches no handler, and the next call is answered', async () => {
  const { handler, calls } = noting();
  await using notices = await startNotices({ getNotice: handler });
  await onSession(notices, async (session) => {
    const { stream } = await opened(session);
    stream.write(framed(request).subarray(0, 3));
    await delay(20);
    stream.destroy();
    await once(stream, 'close');
  });
  await expect(notices.client.getNotice({ id: 'n1' })).resolves.toEqual(notice);
  expect(calls).toHaveLength(1);
});

test('what is no call of gRPC, or of no RPC, is told so', async () => {
  expect(await answerTo([framed(request)], { 'content-type': 'application/json' })).toMatchObject({ ':status': 415 });
  expect(await answerTo([framed(request)], { ':path': '/nowhere/Nothing' })).toMatchObject({
    'grpc-status': String(status.UNIMPLEMENTED),
  });
});

test('a client of another make is answered, and told what is wrong', async () => {
  await using notices = await startNotices();
  const client = new Client(notices.server.address, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  const call = (headers: Record<string, string>) =>
    new Promise<{ fault: ServiceError | null; bytes?: Buffer }>((resolve) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      client.makeUnaryRequest(path, same, same, request, metadata, {}, (fault, bytes) =>
        resolve(bytes === undefined ? { fault } : { fault, bytes }),
      );
    });
  const token = await tokensOf('tickets')('notifications');
  const good = await call({ 'service-authorization': `Bearer ${token}`, 'own-account': 'true' });
  expect(good.fault).toBeNull();
  expect(good.bytes?.includes(notice.id)).toBe(true);
  const { fault } = await call({});
  expect(fault).toMatchObject({ code: status.UNAUTHENTICATED, details: 'sign-in-needed' });
  const [problem] = fault?.metadata.get('problem-bin') ?? [];
  expect(Problem.decode(Buffer.from(problem ?? ''))).toMatchObject({ reason: 'sign-in-needed', status: 401 });
  client.close();
});
