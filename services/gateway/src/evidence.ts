/** Photos and documents of tickets over HTTP: no JSON comes in and none goes out, so these routes are made by hand. */
import type { Readable } from 'node:stream';
import { type Rpc, rpcs } from '@bandeng/contracts';
import { AddEvidenceResponse, EvidenceFile, FollowedTicket } from '@bandeng/contracts/tickets';
import { type RawClient, RpcFailure, type Verifier } from '@bandeng/rpc';
import { turnstile, turnstiles } from '@bandeng/rpc/turnstile';
import { networkOf } from '@bandeng/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { jsonFormOf } from './answers.ts';
import { signedIn } from './callers.ts';
import { hungUp, queryOf } from './forward.ts';
import { type CallHeaders, readHeaders } from './headers.ts';
import { fault, invalid, type Problem } from './problems.ts';
import { readQuery, textParameters } from './query.ts';
import { answerProblem } from './replies.ts';
import { type Place, routesOf } from './routes.ts';
import { BrokenOff, readUpload } from './uploads.ts';

/** So many files are in memory at once, 10 MB each at most; the others wait to be read. */
const filesAtOnce = 16;
/** Of these from one address: whoever sends slowly, on purpose or not, does not keep the photos of a city waiting. */
const filesOfOneAddress = 4;
/** And of all who have no account: a follow code is had by ordering, as often as one likes. */
const filesOfGuests = 8;
/** A photo is looked at and made smaller, which takes longer than most. */
const workMs = 15_000;
/** To find a code takes no longer than other calls. */
const lookMs = 5_000;

/** A ticket is named by its id, or by its follow code. */
const ways = [
  { url: '/v1/tickets/:id/evidence', by: 'id', strictness: undefined },
  { url: '/v1/follow/:code/evidence', by: 'code', strictness: 'follow-code' },
] as const;
type Way = (typeof ways)[number];

export const evidencePlaces: readonly Place[] = ways.flatMap(({ url }) => [
  { url, allow: ['POST'] },
  { url: `${url}/:file`, allow: ['GET', 'HEAD'] },
]);

/** Registers the routes of photos and documents. `patienceMs` is what a file may take to come. */
export async function serveEvidence(
  app: FastifyInstance,
  parts: { readonly services: RawClient; readonly verify: Verifier; readonly patienceMs: number },
): Promise<void> {
  const { services, verify, patienceMs } = parts;
  const through = turnstile(filesAtOnce);
  const throughOfGuests = turnstile(filesOfGuests);
  const throughOf = turnstiles(filesOfOneAddress);
  const add = rpcNamed('AddEvidence');
  const get = rpcNamed('GetEvidence');
  const follow = rpcNamed('FollowTicket');
  const formTicket = formOfAnswer('GetTicket');
  const formFollowed = formOfAnswer('FollowTicket');

  async function call(rpc: Rpc, request: object, headers: CallHeaders, reply: FastifyReply) {
    return services.call(rpc, rpc.request.fromPartial(request), { headers, timeoutMs: workMs, signal: hungUp(reply) });
  }

  /** What stands against a sender, found out before any of the file is read: whoever makes up tokens and codes takes no place. */
  async function hindrance(way: Way, request: FastifyRequest, reply: FastifyReply): Promise<Problem | undefined> {
    const known = await signedIn(request.headers, verify);
    if ('problem' in known && (way.by === 'id' || request.headers.authorization !== undefined)) return known.problem;
    if (way.by === 'code') {
      const asked = follow.request.fromPartial({ code: variable(request, way.by) });
      await services.call(follow, asked, { timeoutMs: lookMs, signal: hungUp(reply) });
    }
    return undefined;
  }

  async function upload(way: Way, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const headers = readHeaders(request.headers);
    if ('problem' in headers) return answerProblem(request, reply, headers.problem);
    const stopped = await hindrance(way, request, reply);
    if (stopped !== undefined) return answerProblem(request, reply, stopped);
    // Whoever is answered that it took too long sends no more: the connection ends with the answer, and what came of the file with it.
    request.signal.addEventListener('abort', () => {
      if (!request.raw.complete) reply.header('connection', 'close');
    });
    const take = async (): Promise<FastifyReply> => {
      const file = await readUpload(request, request.body as Readable);
      if ('problem' in file) return answerProblem(request, reply, file.problem);
      const named = variable(request, way.by);
      const { message, replayed } = await call(add, { [way.by]: named, content: file.content }, headers, reply);
      const { ticket, followed, file: id } = AddEvidenceResponse.fromPartial(Object(message));
      const body = ticket ?? FollowedTicket.fromPartial(followed ?? {});
      if (body === ticket) formTicket(body);
      else formFollowed(body);
      reply
        .code(201)
        .header('cache-control', 'private, no-store')
        .header('etag', `"${(ticket ?? followed)?.version}"`);
      if (replayed) reply.header('idempotency-replayed', 'true');
      if (id !== '') reply.header('location', `${way.url.replace(`:${way.by}`, encodeURIComponent(named))}/${id}`);
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
    };
    const place =
      headers.authorization === undefined ? () => throughOfGuests(() => through(take)) : () => through(take);
    return throughOf(networkOf(request.ip), place);
  }

  async function download(way: Way, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const headers = readHeaders(request.headers);
    if ('problem' in headers) return answerProblem(request, reply, headers.problem);
    const query = readQuery(queryOf(request), textParameters(['size']));
    if ('faults' in query) return answerProblem(request, reply, invalid(query.faults));
    const { size = 'whole' } = query.values;
    if (size !== 'whole' && size !== 'small') {
      return answerProblem(request, reply, invalid([fault('size', 'enum', 'must be one of whole, small')]));
    }
    const file = variable(request, 'file');
    const asked = { [way.by]: variable(request, way.by), file, small: size === 'small' };
    const { message } = await call(get, asked, headers, reply);
    const { kind, type, content } = EvidenceFile.fromPartial(Object(message));
    return reply
      .header('cache-control', 'private, max-age=300')
      .header('content-disposition', kind === 'PHOTO' ? 'inline' : `attachment; filename="${file}"`)
      .type(type)
      .send(content);
  }

  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    const handled = (handler: typeof upload, way: Way) => async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        return await handler(way, request, reply);
      } catch (failure) {
        if (failure instanceof RpcFailure) return answerProblem(request, reply, failure.problem);
        // Nobody waits for an answer any more, or Fastify gives it.
        if (failure instanceof BrokenOff) return request.raw.destroyed ? reply.hijack() : reply;
        throw failure;
      }
    };
    for (const way of ways) {
      const options = { config: { strictness: way.strictness }, handlerTimeout: patienceMs };
      scope.post(way.url, options, handled(upload, way));
      scope.get(`${way.url}/:file`, options, handled(download, way));
    }
  });
}

function rpcNamed(name: string): Rpc {
  const found = rpcs.find((rpc) => rpc.service === 'tickets' && rpc.name === name);
  if (found === undefined) throw new Error(`tickets has no ${name}`);
  return found;
}

function formOfAnswer(name: string) {
  const [route] = routesOf([rpcNamed(name)]);
  if (route === undefined) throw new Error(`tickets.${name} has no route`);
  return jsonFormOf(route.response);
}

function variable(request: FastifyRequest, name: string): string {
  return String(Reflect.get(request.params as object, name));
}
