import { once } from 'node:events';
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { openChannel } from '../src/channel.ts';
import { largestMessage } from '../src/limits.ts';
import type { Ending } from '../src/unary.ts';

/** Another side that does as a test says, with each call that reaches it. */
async function otherSide(answer: (stream: ServerHttp2Stream, number: number) => void) {
  const sessions = new Set<ServerHttp2Session>();
  let calls = 0;
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    answer(stream.resume(), ++calls);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const channel = openChannel(`dns:///localhost:${port}`);
  const ask = (message = new Uint8Array()): Promise<Ending> =>
    channel.ask({ path: '/a.B/C', headers: {}, message, deadline: Date.now() + 3_000, signal: undefined });
  return {
    ask,
    port,
    calls: () => calls,
    sessions,
    async [Symbol.asyncDispose]() {
      channel.close();
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerWith(stream: ServerHttp2Stream, message: Buffer): void {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(frame);
}

test('a call that the other side refuses to look at is made again, though nothing says that it may be', async () => {
  await using other = await otherSide((stream, number) => {
    if (number === 1) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else answerWith(stream, Buffer.from('answer'));
  });
  const { code, message } = await other.ask();
  expect([code, message?.toString(), other.calls()]).toEqual([status.OK, 'answer', 2]);
});

test('a call that is cut off is not made again here, and the next one finds a new connection', async () => {
  await using other = await otherSide((stream, number) => {
    if (number === 1) stream.session?.destroy();
    else answerWith(stream, Buffer.from('answer'));
  });
  expect(await other.ask()).toEqual({ code: status.UNAVAILABLE });
  expect(other.calls()).toBe(1);
  expect((await other.ask()).code).toBe(status.OK);
  expect(other.sessions.size).toBe(2);
});

test('a side that announces its end gets nothing new, and what runs there is finished', async () => {
  let held: ServerHttp2Stream | undefined;
  await using other = await otherSide((stream, number) => {
    if (number === 1) {
      held = stream;
      stream.session?.goaway(constants.NGHTTP2_NO_ERROR);
    } else answerWith(stream, Buffer.from('second'));
  });
  const first = other.ask();
  await expect.poll(() => held).toBeDefined();
  // What answers a ping has read what was sent before it.
  await new Promise((resolve) => held?.session?.ping(resolve));
  expect((await other.ask()).message?.toString()).toBe('second');
  expect(other.sessions.size).toBe(2);
  if (held !== undefined) answerWith(held, Buffer.from('first'));
  expect((await first).message?.toString()).toBe('first');
});

test.each([
  [
    'a proxy that finds nobody',
    (stream: ServerHttp2Stream) => stream.respond({ ':status': 503 }, { endStream: true }),
    status.UNAVAILABLE,
  ],
  [
    'something that is no gRPC server',
    (stream: ServerHttp2Stream) => stream.respond({ ':status': 404 }, { endStream: true }),
    status.INTERNAL,
  ],
  [
    'an answer without a status',
    (stream: ServerHttp2Stream) => {
      stream.respond({});
      stream.end('x');
    },
    status.INTERNAL,
  ],
  [
    'half an answer',
    (stream: ServerHttp2Stream) => {
      stream.respond({}, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 9, 1]));
    },
    status.INTERNAL,
  ],
  [
    'a code that nobody knows',
    (stream: ServerHttp2Stream) => stream.respond({ 'grpc-status': '99' }, { endStream: true }),
    status.UNKNOWN,
  ],
])('%s is an error', async (_, answer, code) => {
  await using other = await otherSide(answer);
  expect((await other.ask()).code).toBe(code);
});

test('an answer as large as a message may be comes whole; a larger one is given up', async () => {
  await using other = await otherSide((stream, number) =>
    answerWith(stream, Buffer.alloc(largestMessage - 2 + number, 1)),
  );
  expect((await other.ask()).message?.length).toBe(largestMessage - 1);
  expect((await other.ask()).message?.length).toBe(largestMessage);
  expect((await other.ask()).code).toBe(status.RESOURCE_EXHAUSTED);
  expect((await other.ask(new Uint8Array(largestMessage + 1))).code).toBe(status.RESOURCE_EXHAUSTED);
  expect(other.calls()).toBe(3);
});

test('many calls at once share one connection, also as the first', async () => {
  await using other = await otherSide((stream) => answerWith(stream, Buffer.from('answer')));
  const endings = await Promise.all(Array.from({ length: 200 }, () => other.ask()));
  expect(endings.every(({ code }) => code === status.OK)).toBe(true);
  expect(other.sessions.size).toBe(1);
});

test('two addresses are used in turn, and when one is away the other has all', async () => {
  const answering = (name: string) => otherSide((stream) => answerWith(stream, Buffer.from(name)));
  await using one = await answering('one');
  const two = await answering('two');
  const channel = openChannel(`ipv4:127.0.0.1:${one.port},127.0.0.1:${two.port}`);
  const ask = async (): Promise<string> => {
    const asked = { path: '/a.B/C', headers: {}, message: new Uint8Array(), deadline: Date.now() + 3_000 };
    const { code, message } = await channel.ask({ ...asked, signal: undefined });
    return message?.toString() ?? status[code];
  };
  await expect.poll(async () => new Set([await ask(), await ask()]).size).toBe(2);
  await two[Symbol.asyncDispose]();
  const six = () => Promise.all(Array.from({ length: 6 }, ask));
  await expect.poll(six).toEqual(Array.from({ length: 6 }, () => 'one'));
  channel.close();
});

test('what is no address is said at once', () => {
  expect(() => openChannel('localhost')).toThrow("'localhost' is no address");
});
