/** Calls that no client of ours would make, straight to the sockets of the services. */
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { messageSchema, type Rpc, rpcs, type ServiceName, services } from '@bandeng/contracts';
import { Problem } from '@bandeng/contracts/problems';
import { serviceTokens } from '@bandeng/rpc';
import type { Town } from '@bandeng/testing/town';
import fc from 'fast-check';
import { harmed, valuesOf } from './bytes.ts';

/** How a call ended. */
type Ending =
  | { readonly end: 'status'; readonly status: number; readonly reason: string | undefined }
  | { readonly end: 'http'; readonly status: number }
  /** The server cut the stream or the connection. */
  | { readonly end: 'cut' }
  | { readonly end: 'hang' };

/** More than any deadline of ours. */
const patienceMs = 8_000;

const INTERNAL = 13;
const UNKNOWN = 2;

const socketOf = (town: Town, service: ServiceName): string =>
  join(town.parts.environment.BANDENG_RUN ?? '', `${service}.sock`);

function open(path: string): ClientHttp2Session {
  const session = connectHttp2('http://service', { createConnection: () => connectSocket(path) });
  session.on('error', () => {});
  return session;
}

function send(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  chunks: readonly Uint8Array[],
): Promise<Ending> {
  return new Promise((resolve) => {
    const stream = session.request(headers);
    const late = setTimeout(() => end({ end: 'hang' }), patienceMs);
    const end = (ending: Ending): void => {
      clearTimeout(late);
      resolve(ending);
      stream.destroy();
    };
    let answered = 0;
    const look = (said: Record<string, unknown>): void => {
      if (typeof said[':status'] === 'number') answered = said[':status'];
      const status = said['grpc-status'];
      if (status === undefined) return;
      const problem = said['problem-bin'];
      const bytes = typeof problem === 'string' ? Buffer.from(problem, 'base64') : undefined;
      const reason = bytes === undefined ? undefined : Problem.decode(bytes).reason;
      end({ end: 'status', status: Number(status), reason });
    };
    stream.on('response', look).on('trailers', look);
    stream.on('error', () => end({ end: 'cut' }));
    stream.on('close', () =>
      end(answered === 0 || answered === 200 ? { end: 'cut' } : { end: 'http', status: answered }),
    );
    stream.resume();
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
  });
}

/** A message as gRPC frames it. */
function framed(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** Chunks on the wire, and whether they are one whole message as gRPC wants it. */
interface Frames {
  readonly chunks: readonly Uint8Array[];
  readonly whole: boolean;
}

function framesOf(message: fc.Arbitrary<Buffer>): fc.Arbitrary<Frames> {
  const whole = message.map((bytes): Frames => ({ chunks: [framed(bytes)], whole: true }));
  const broken = fc.oneof(
    fc.tuple(message, fc.integer({ min: 1, max: 255 })).map(([bytes, flag]) => [framed(bytes, flag)]),
    fc.tuple(message, fc.nat({ max: 0xffff_ffff })).map(([bytes, length]) => [framed(bytes, 0, length)]),
    fc.tuple(message, message).map(([one, other]) => [framed(one), framed(other)]),
    fc.constant([]),
    message.map((bytes) => [bytes]),
  );
  const harmless = { arbitrary: whole, weight: 8 };
  return fc.oneof(harmless, { arbitrary: broken.map((chunks): Frames => ({ chunks, whole: false })), weight: 1 });
}

const printable = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) });
const long = fc.integer({ min: 1, max: 12_000 }).map((length) => 'x'.repeat(length));
const nonsense = fc.oneof({ arbitrary: printable, weight: 4 }, { arbitrary: long, weight: 1 });

/** Metadata: mostly such that the call gets through the door, else anything. */
function metadata(tokens: readonly string[], ofService: string): fc.Arbitrary<OutgoingHttpHeaders> {
  const good = fc.constantFrom(...tokens.map((token) => `Bearer ${token}`));
  const people = fc.oneof(
    { arbitrary: good, weight: 8 },
    nonsense.map((text) => `Bearer ${text}`),
    nonsense,
  );
  const own = fc.oneof({ arbitrary: fc.constant(`Bearer ${ofService}`), weight: 8 }, good, nonsense);
  const timeouts = fc.constantFrom('1n', '5S', '99999999H', '0m', '-1S', 'soon', '1.5S', '123456789S');
  return fc.record(
    {
      authorization: people,
      'service-authorization': own,
      'own-account': fc.constantFrom('true', 'false', 'yes'),
      'acting-as': nonsense,
      'idempotency-key': nonsense,
      'if-match': fc.oneof(fc.constantFrom('"1"', '*', '0', '"99999999999"', 'W/"1"'), nonsense),
      'accept-language': fc.oneof(fc.constantFrom('en', 'zh-CN', `${'en;q=0.1,'.repeat(500)}`), nonsense),
      traceparent: fc.oneof(fc.constant('00-00000000000000000000000000000000-0000000000000000-00'), nonsense),
      'grpc-timeout': timeouts,
      'grpc-encoding': fc.constantFrom('gzip', 'identity', 'br'),
      'anything-bin': nonsense,
    },
    { requiredKeys: [] },
  );
}

function messages(rpc: Rpc, known: readonly string[]): fc.Arbitrary<Buffer> {
  const shape = messageSchema(rpc.requestType, { form: 'json', rules: true });
  const fitting = valuesOf(shape, known).map((value) =>
    Buffer.from(rpc.request.encode(rpc.request.fromJSON(value)).finish()),
  );
  return fc.oneof(
    { arbitrary: fitting, weight: 3 },
    { arbitrary: harmed(fitting), weight: 5 },
    { arbitrary: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)), weight: 2 },
  );
}

const named = Object.keys(services).filter((name): name is ServiceName => name in services);

/**
 * Sends frames to every service for a time. Throws, with the seed and the smallest call that shows it, when one is answered
 * INTERNAL or not at all, or when a service does not serve afterwards.
 */
export async function fuzzFrames(town: Town, options: { seed: number; seconds: number }): Promise<number> {
  const { BANDENG_DATA: data = '' } = town.parts.environment;
  const key = JSON.parse(readFileSync(join(data, 'keys', 'service-gateway.jwk'), 'utf8'));
  const tokens = serviceTokens({ service: 'gateway', privateKey: key });
  const callers = await Promise.all((['resident', 'community_dispatcher', 'administrator'] as const).map(town.as));
  const known = await knownTexts(town);
  let sent = 0;
  for (const service of named) {
    const path = socketOf(town, service);
    const headers = metadata(
      callers.flatMap(({ token }) => token ?? []),
      await tokens(service),
    );
    const calls = rpcs
      .filter((rpc) => rpc.service === service)
      .map((rpc) => fc.tuple(fc.constant(rpc.path), framesOf(messages(rpc, known)), headers));
    let session = open(path);
    const property = fc.asyncProperty(fc.oneof(...calls), async ([rpc, { chunks, whole }, metadata]) => {
      if (session.closed || session.destroyed) session = open(path);
      sent += 1;
      const call = { ':method': 'POST', ':path': rpc, 'content-type': 'application/grpc', te: 'trailers' };
      const ending = await send(session, { ...call, ...metadata }, chunks);
      const isCall = whole && /^\d{1,8}[HMSmun]$/.test(String(metadata['grpc-timeout'] ?? '1S'));
      const fault = ending.end === 'status' && (ending.status === INTERNAL || ending.status === UNKNOWN);
      const bad = fault || ending.end === 'hang';
      if (bad || (isCall && ending.end !== 'status')) throw new Error(`${rpc}: ${JSON.stringify(ending)}`);
    });
    try {
      const share = (options.seconds * 1000) / named.length;
      await fc.assert(property, {
        seed: options.seed,
        numRuns: 1_000_000,
        interruptAfterTimeLimit: share,
        markInterruptAsFailure: false,
      });
    } finally {
      session.destroy();
    }
    await throwRubbish(path);
    await assertServes(path, service);
  }
  return sent;
}

/** Ids and codes that lead somewhere. */
async function knownTexts(town: Town): Promise<string[]> {
  const administrator = await town.as('administrator');
  const lists = ['tickets', 'units', 'territories', 'categories', 'postings'];
  const found = await Promise.all(lists.map((list) => administrator.get(`/v1/${list}?pageSize=5`)));
  const ids = found.flatMap(({ body }) => Object.values(Object(body)).filter(Array.isArray).flat());
  const me = await administrator.get('/v1/me');
  return [...ids.map(({ id }) => String(id)), String(Object(me.body).id ?? 'nobody')];
}

/** Headers as large as a house, another protocol, half a call: each on a connection of its own. */
async function throwRubbish(path: string): Promise<void> {
  const rpc = { ':method': 'POST', ':path': '/nowhere/Nothing', 'content-type': 'application/grpc' };
  for (const headers of [
    { ...rpc, 'x-much': 'x'.repeat(60_000) },
    { ...rpc, ...Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x-many-${index}`, 'x'.repeat(500)])) },
    { ':method': 'GET', ':path': '/' },
    { ...rpc, 'content-type': 'application/json' },
    rpc,
  ]) {
    const session = open(path);
    const ending = await send(session, headers, [framed(Buffer.alloc(0))]);
    session.destroy();
    if (ending.end === 'hang') throw new Error(`no answer to ${JSON.stringify(headers).slice(0, 100)}`);
  }
  for (const rubbish of [
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff',
    '\0\0\0',
  ]) {
    await new Promise<void>((resolve) => {
      const socket = connectSocket(path, () => socket.end(rubbish, 'latin1'));
      socket.on('error', () => resolve()).on('close', () => resolve());
      socket.setTimeout(1_000, () => socket.destroy());
      socket.resume();
    });
  }
}

async function assertServes(path: string, service: string): Promise<void> {
  const session = open(path);
  const call = { ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc' };
  const ending = await send(session, call, [framed(Buffer.alloc(0))]);
  session.destroy();
  if (ending.end !== 'status' || ending.status !== 0)
    throw new Error(`${service} serves no more: ${JSON.stringify(ending)}`);
}
