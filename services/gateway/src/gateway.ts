/** The gateway as a web server: everything that stands before, between and behind the routes. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { rpcs } from '@bandeng/contracts';
import type { Bus } from '@bandeng/events';
import type { RawClient, Verifier } from '@bandeng/rpc';
import { currentTrace, durations, type Logger, nameRoute, traceIn } from '@bandeng/telemetry';
import cors from '@fastify/cors';
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type onRequestHookHandler,
  type onSendHookHandler,
} from 'fastify';
import { readBody } from './body.ts';
import type { Configuration } from './config.ts';
import { describe, openapiDocument } from './docs.ts';
import { evidencePlaces, serveEvidence } from './evidence.ts';
import { exportPlaces, serveExports } from './exports.ts';
import { feed } from './feed.ts';
import { forwarder } from './forward.ts';
import { probe, readiness } from './health.ts';
import { openInbox } from './inbox.ts';
import { type Limiter, openLimiter, type Strictness } from './limits.ts';
import { openPressure, type Pressure } from './pressure.ts';
import { type Problem, ProblemError, problem, problemOfFastify } from './problems.ts';
import { protection } from './protection.ts';
import { passedPlaces, passThrough } from './proxy.ts';
import { answerProblem } from './replies.ts';
import { type Place, placesOf, type Route, routesOf } from './routes.ts';
import { openStreams } from './sse.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered also under pressure and while closing. */
    probe?: boolean;
    /** Says itself how its pages are protected. */
    pages?: boolean;
  }
  interface FastifyRequest {
    /** The route as it is written, never the path. Fastify makes all that it knows of a route anew whenever it is asked. */
    place: string;
  }
}

/** What the gateway stands on. */
export interface Parts {
  /** The services behind it. */
  readonly services: RawClient;
  readonly verify: Verifier;
  readonly bus: Bus;
  readonly log: Logger;
}

export interface Gateway {
  readonly app: FastifyInstance;
  ready(): Promise<boolean>;
  /** Answers on while clients leave, ends the streams, finishes what runs. */
  stop(): Promise<void>;
}

/** Builds the server; it does not listen yet. */
export async function buildGateway(parts: Parts, configuration: Configuration): Promise<Gateway> {
  const { services, verify, bus, log } = parts;
  let phase: 'open' | 'draining' | 'closing' = 'open';
  const app = newServer(configuration);
  app.setErrorHandler<FastifyError>((error, request, reply) => answerError(error, request, reply, log));
  app.setNotFoundHandler((request, reply) => answerProblem(request, reply, problem('not-found')));
  if (configuration.origins.length > 0) await app.register(cors, corsOptions(configuration.origins));
  app.decorateRequest('place', '');
  const { limits, mostDelayMs } = configuration;
  const limiter = limits && openLimiter(limits);
  const pressure = mostDelayMs > 0 ? openPressure(mostDelayMs) : undefined;
  if (pressure !== undefined) app.addHook('onClose', async () => pressure.stop());
  app.addHook(
    'onRequest',
    door(() => phase, limiter, pressure),
  );
  app.addHook('onSend', atTheEndOfTheTurn(log));
  app.addHook('onResponse', (request, reply, done) => {
    tellAnswer(log, request, reply);
    done();
  });
  readJson(app);

  const streams = openStreams(configuration.streams);
  const inbox = openInbox({ ...parts, streams });
  const routes = routesOf(rpcs);
  for (const route of routes) {
    const handler = forwarder(route, services, configuration.budgetMs);
    app.route({ method: route.verb, url: route.url, handler, config: { strictness: strictnessOf(route) } });
  }
  await serveEvidence(app, { services, verify, patienceMs: configuration.uploadMs });
  const readerPatienceMs = configuration.streams.patienceMs;
  const { exportRows: mostRows, budgetMs } = configuration;
  serveExports(app, services, { mostRows, budgetMs, readerPatienceMs, verify, log });
  app.get('/v1/inbox::stream', { exposeHeadRoute: false }, (request, reply) => inbox.handle(request, reply));
  app.get('/v1/events', { exposeHeadRoute: false }, feed({ bus, verify, streams }));
  const ready = readiness(services, bus);
  probe(app, ready, () => phase !== 'open');
  app.get('/', (_request, reply) => reply.redirect('/docs/', 302));
  app.get('/favicon.ico', (_request, reply) => reply.code(204).header('cache-control', 'public, max-age=86400').send());
  await describe(app, openapiDocument(configuration));
  const { signIn } = configuration;
  if ('pagesAt' in signIn) {
    await passThrough(app, '/oidc', signIn.pagesAt, 30_000);
    refuseOtherMethods(app, passedPlaces('/oidc'));
  }
  refuseOtherMethods(app, [...placesOf(routes), ...evidencePlaces, ...exportPlaces, ...ownPlaces]);
  return {
    app,
    ready: async () => (await ready()).ready,
    async stop() {
      phase = 'draining';
      await new Promise((resolve) => setTimeout(resolve, configuration.drainMs));
      phase = 'closing';
      streams.endAll();
      inbox.stop();
      await close(app);
    },
  };
}

/** What still runs gets this long to finish. */
const graceMs = 10_000;

/** Ends the server. Connections that fall idle only after it stopped listening are closed as they do. */
async function close(app: FastifyInstance): Promise<void> {
  const idle = setInterval(() => app.server.closeIdleConnections(), 50);
  const late = setTimeout(() => app.server.closeAllConnections(), graceMs);
  await app.close();
  clearInterval(idle);
  clearTimeout(late);
}

const ownPlaces: Place[] = [
  { url: '/v1/inbox::stream', allow: ['GET'] },
  { url: '/v1/events', allow: ['GET'] },
  ...['/', '/openapi.json', '/docs/', '/livez', '/readyz'].map((url) => ({ url, allow: ['GET', 'HEAD'] })),
];

function newServer({ trustedHops, bodyBytes }: Configuration): FastifyInstance {
  const answeredEarly = new WeakSet<Socket>();
  const app = Fastify({
    // Paths carry follow codes: the lines of Fastify's own log do, too. We write ours.
    logger: false,
    trustProxy: trustedHops === 0 ? false : (_address, hop) => hop < trustedHops,
    bodyLimit: bodyBytes,
    // Longer than a file may take. Node exchanges the two when that of the headers is the longer, and looks every 30 s if not told.
    requestTimeout: 60_000,
    http: { headersTimeout: 30_000, connectionsCheckingInterval: 5_000 },
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    // While closing, problems as documented and not Fastify's own 503 (see the door).
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    requestIdHeader: false,
    genReqId: ({ headers }) => traceOf(headers.traceparent),
    frameworkErrors: (error, request, reply) => {
      answerProblem(request, reply, problemOfFastify(error.code, error.statusCode) ?? problem('malformed'));
    },
    clientErrorHandler(error, socket) {
      if (!socket.writable || answeredEarly.has(socket) || error.code === 'ECONNRESET') return socket.destroy();
      const about = clientProblem(error.code);
      socket.end(
        `HTTP/1.1 ${about.status} ${about.title}\r\nContent-Type: application/problem+json\r\nConnection: close\r\n\r\n` +
          JSON.stringify({ type: `urn:bandeng:problem:${about.reason}`, title: about.title, status: about.status }),
      );
      return undefined;
    },
    routerOptions: { maxParamLength: 2000, querystringParser: () => ({}) },
  });
  // What was answered before all of it had come is not answered again when the rest of it is late or wrong.
  app.addHook('onResponse', ({ raw }, _reply, done) => {
    if (!raw.complete) {
      answeredEarly.add(raw.socket);
      raw.once('close', () => answeredEarly.delete(raw.socket));
    }
    done();
  });
  return app;
}

function clientProblem(code: string | undefined) {
  if (code === 'HPE_HEADER_OVERFLOW') return problem('headers-too-large');
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? problem('too-slow') : problem('malformed');
}

/** The trace id of this request: that of the span, else the caller's, else a new one. */
function traceOf(given: string | string[] | undefined): string {
  const asked = typeof given === 'string' ? traceIn(given) : undefined;
  return currentTrace() ?? asked ?? randomUUID().replaceAll('-', '');
}

/**
 * What is answered in one turn of the event loop is written at its end: whoever reads on the same machine is woken once, which is
 * what a write costs most (docs/decisions/0012). Texts alone: what is a stream comes in pieces of its own time.
 */
export function atTheEndOfTheTurn(log: Pick<Logger, 'error'>): onSendHookHandler {
  return (request, reply, payload, done) => {
    if (typeof payload !== 'string') {
      done(null, payload);
      return;
    }
    setImmediate(() => {
      try {
        done(null, payload);
      } catch (fault) {
        // Nobody above catches it any more.
        log.error({ err: fault, trace: request.id }, 'an answer could not be written');
        reply.raw.destroy();
      }
    });
  };
}

/** What every request passes first. */
function door(
  phase: () => 'open' | 'draining' | 'closing',
  limiter: Limiter | undefined,
  pressure: Pressure | undefined,
): onRequestHookHandler {
  return (request, reply, done) => {
    if (phase() !== 'open') reply.header('connection', 'close');
    const { url = 'unknown', config } = request.routeOptions;
    request.place = url;
    nameRoute(request.method, url);
    if (config.pages !== true) reply.headers(protection);
    const refused = config.probe === true ? undefined : refusal(request, config.strictness);
    if (refused === undefined) done();
    else answerProblem(request, reply, refused);
  };

  function refusal(request: FastifyRequest, strictness: Strictness): Problem | undefined {
    if (phase() === 'closing') return problem('closing', { retryAfterSeconds: 1 });
    if (pressure?.tooHigh() === true) return problem('overloaded', { retryAfterSeconds: 2 });
    return limiter?.(request, strictness);
  }
}

function strictnessOf({ rpc, template }: Route): Strictness {
  if (rpc.name === 'OrderTicket') return 'guest-order';
  return template.startsWith('/v1/follow/') ? 'follow-code' : undefined;
}

/** Bodies are JSON in UTF-8 and nothing else; how they are wrong is said by the handler, as for everything else. */
function readJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    const charset = /;\s*charset="?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
    const encoding = request.headers['content-encoding'] ?? 'identity';
    const readable = /^utf-?8$/i.test(charset ?? 'utf-8') && encoding === 'identity';
    done(null, readable ? readBody(bytes) : { problem: problem('media-type-unsupported') });
  });
}

function refuseOtherMethods(app: FastifyInstance, places: readonly Place[]): void {
  for (const { url, allow } of places) {
    app.route({
      method: app.supportedMethods.filter((method) => !allow.includes(method)),
      url,
      exposeHeadRoute: false,
      // A body that nobody wants is not read.
      bodyLimit: 1,
      onRequest: async (request, reply) =>
        answerProblem(request, reply.header('allow', allow.join(', ')), problem('method-not-allowed')),
      handler: () => {},
    });
  }
}

function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply, log: Logger): FastifyReply {
  if (error instanceof ProblemError) return answerProblem(request, reply, error.problem);
  const known = problemOfFastify(error.code, error.statusCode);
  if (known !== undefined) return answerProblem(request, reply, known);
  log.error({ err: error, trace: request.id, route: request.place }, 'a request failed by a fault of ours');
  return answerProblem(request, reply, problem('internal'));
}

const answered = durations('http.server.request.duration', 'Requests answered, by method, route and status');

/** The route, never the path: paths carry follow codes. */
function tellAnswer(log: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const { statusCode } = reply;
  const { place } = request;
  answered.record(reply.elapsedTime / 1_000, {
    'http.request.method': request.method,
    'http.route': place,
    'http.response.status_code': statusCode,
  });
  const level = statusCode >= 500 ? 'warn' : statusCode >= 400 ? 'info' : 'debug';
  const about = { method: request.method, route: place, status: statusCode, trace: request.id };
  log[level]({ ...about, ms: Math.round(reply.elapsedTime) }, 'answered');
}

function corsOptions(origins: readonly string[]) {
  return {
    origin: [...origins],
    methods: ['GET', 'POST'],
    allowedHeaders: [
      'authorization',
      'content-type',
      'acting-as',
      'idempotency-key',
      'if-match',
      'accept-language',
      'last-event-id',
      'traceparent',
    ],
    exposedHeaders: ['etag', 'location', 'idempotency-replayed', 'retry-after'],
    maxAge: 3600,
  };
}
