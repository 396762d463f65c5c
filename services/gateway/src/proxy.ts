/** Passes `/oidc/*` to identity's own web server, untouched but for what a proxy must change. */
import {
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError, problem } from './problems.ts';
import { protection } from './protection.ts';
import type { Place } from './routes.ts';

/** Where a web server listens: `unix:/run/identity-oidc.sock` or `http://host:port`. */
export type WebAddress = string;

/** Headers between two neighbours only (RFC 9110, section 7.6.1), and those that the gateway says itself. */
const dropped = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
]);

/** Of these a POST alone has a body. */
const methods = ['GET', 'HEAD', 'OPTIONS', 'POST'];
const encrypted = 'strict-transport-security';

/** What is passed on below a prefix. */
export function passedPlaces(prefix: string): readonly Place[] {
  return [{ url: `${prefix}/*`, allow: methods }];
}

/** Registers the pass-through for everything below a prefix. */
export async function passThrough(
  app: FastifyInstance,
  prefix: string,
  to: WebAddress,
  timeoutMs: number,
): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    const pass = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const answer = await ask(request, to, timeoutMs);
      reply.code(answer.statusCode ?? 502).header(encrypted, protection[encrypted]);
      for (const [name, value] of Object.entries(passed(answer.headers))) reply.header(name, value);
      return reply.send(answer);
    };
    // Here passwords come in, and here sign-ins begin, each of which is kept for a while.
    const strict = { config: { pages: true, strictness: 'sign-in' }, exposeHeadRoute: false } as const;
    scope.post(`${prefix}/interaction/*`, strict, pass);
    scope.route({ ...strict, method: ['GET', 'HEAD'], url: `${prefix}/auth`, handler: pass });
    scope.route({
      method: methods,
      url: `${prefix}/*`,
      config: { pages: true },
      exposeHeadRoute: false,
      handler: pass,
    });
  });
}

function ask(request: FastifyRequest, to: WebAddress, timeoutMs: number): Promise<IncomingMessage> {
  const address = to.startsWith('unix:') ? { socketPath: to.slice('unix:'.length) } : hostOf(to);
  const body = request.method === 'POST' ? request.body : undefined;
  return new Promise((resolve, reject) => {
    const away = () => reject(new ProblemError(problem('unavailable', { retryAfterSeconds: 2 })));
    const outgoing = httpRequest({
      ...address,
      method: request.method,
      path: request.raw.url,
      headers: { ...framed(passed(request.headers), body !== undefined), 'x-forwarded-for': request.ip },
      timeout: timeoutMs,
      // A connection for each: whatever is wrong with a request, nobody else's is on the same one.
      agent: false,
    });
    outgoing.once('response', resolve);
    outgoing.once('timeout', () => outgoing.destroy());
    outgoing.once('error', away);
    request.raw.once('close', () => {
      if (!request.raw.complete) outgoing.destroy();
    });
    if (body === undefined) outgoing.end();
    else request.raw.pipe(outgoing);
  });
}

/** Says where the body ends, and nothing of one that is not passed on: what is behind it would be taken for another request. */
function framed({ 'content-length': length, ...headers }: OutgoingHttpHeaders, hasBody: boolean): OutgoingHttpHeaders {
  if (!hasBody) return headers;
  return length === undefined
    ? { ...headers, 'transfer-encoding': 'chunked' }
    : { ...headers, 'content-length': length };
}

function hostOf(address: string): { hostname: string; port: string } {
  const { hostname, port } = new URL(address);
  return { hostname, port: port === '' ? '80' : port };
}

function passed(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name) && !named.has(name)));
}
