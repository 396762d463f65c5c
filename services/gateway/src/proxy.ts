/** Passes `/oidc/*` to identity's own web server, untouched but for what a proxy must change. */
import {
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError, problem } from './problems.ts';

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
      reply.code(answer.statusCode ?? 502);
      for (const [name, value] of Object.entries(passed(answer.headers))) reply.header(name, value);
      return reply.send(answer);
    };
    // Here passwords come in.
    scope.post(`${prefix}/interaction/*`, { config: { pages: true, strictness: 'sign-in' } }, pass);
    scope.all(`${prefix}/*`, { config: { pages: true }, exposeHeadRoute: false }, pass);
  });
}

function ask(request: FastifyRequest, to: WebAddress, timeoutMs: number): Promise<IncomingMessage> {
  const address = to.startsWith('unix:') ? { socketPath: to.slice('unix:'.length) } : hostOf(to);
  const headers: OutgoingHttpHeaders = {
    ...passed(request.headers),
    'x-forwarded-for': request.ip,
    'x-forwarded-host': request.host,
    'x-forwarded-proto': request.protocol,
  };
  // Where no body is passed on, the next request on that connection would be taken for it.
  if (request.body === undefined) delete headers['content-length'];
  return new Promise((resolve, reject) => {
    const away = () => reject(new ProblemError(problem('unavailable', { retryAfterSeconds: 2 })));
    const outgoing = httpRequest({
      ...address,
      method: request.method,
      path: request.raw.url,
      headers,
      timeout: timeoutMs,
    });
    outgoing.once('response', resolve);
    outgoing.once('timeout', () => outgoing.destroy());
    outgoing.once('error', away);
    request.raw.once('close', () => {
      if (!request.raw.complete) outgoing.destroy();
    });
    if (request.body === undefined) outgoing.end();
    else request.raw.pipe(outgoing);
  });
}

function hostOf(address: string): { hostname: string; port: string } {
  const { hostname, port } = new URL(address);
  return { hostname, port: port === '' ? '80' : port };
}

function passed(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name) && !named.has(name)));
}
