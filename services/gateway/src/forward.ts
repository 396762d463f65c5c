/** One RPC as a route: from an HTTP request to a message, and from its answer to JSON. */
import { type RawClient, RpcFailure, validator } from '@bandeng/rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { jsonFormOf } from './answers.ts';
import type { Body } from './body.ts';
import { readHeaders } from './headers.ts';
import { type FieldProblem, fault, invalid, type Problem, problem } from './problems.ts';
import { parametersOf, readQuery } from './query.ts';
import { answerProblem } from './replies.ts';
import type { Route } from './routes.ts';

/** Handles requests to one route. */
export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** The handler of a route. `budgetMs` is what one request may take. */
export function forwarder(route: Route, services: RawClient, budgetMs: number): Handler {
  const { rpc, creates, template } = route;
  const read = reader(route);
  const form = jsonFormOf(route.response);
  const versioned = route.response.fields.some(({ localName }) => localName === 'version');
  return async (request, reply) => {
    const headers = readHeaders(request.headers);
    if ('problem' in headers) return answerProblem(request, reply, headers.problem);
    const asked = read(request);
    if ('problem' in asked) return answerProblem(request, reply, asked.problem);
    try {
      const options = { headers, timeoutMs: budgetMs, signal: hungUp(reply) };
      const { message: answer, replayed } = await services.call(rpc, asked.message, options);
      const message = Object(answer);
      form(message);
      reply.header('cache-control', 'private, no-store');
      if (replayed) reply.header('idempotency-replayed', 'true');
      if (versioned) reply.header('etag', `"${Reflect.get(message, 'version')}"`);
      if (creates) {
        reply.code(201).header('location', `${template}/${encodeURIComponent(String(Reflect.get(message, 'id')))}`);
      }
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(message));
    } catch (failure) {
      if (failure instanceof RpcFailure) return answerProblem(request, reply, failure.problem);
      throw failure;
    }
  };
}

/**
 * Aborted when the caller goes away before the answer. Not `request.signal` of Fastify, which is aborted as soon as a
 * body has been read: that is when Node emits `close` on a request.
 */
export function hungUp(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

type Asked = { readonly message: unknown } | { readonly problem: Problem };

/** Makes the request message of what the path, the query and the body say. */
function reader(route: Route): (request: FastifyRequest) => Asked {
  const { rpc, verb, variables, request: shape } = route;
  const judge = validator(rpc.requestType, { form: 'json', rules: false });
  const parameters = parametersOf(verb === 'GET' ? shape : undefined, variables);
  return (request) => {
    const values: Record<string, unknown> = {};
    const query = readQuery(queryOf(request), parameters);
    if ('faults' in query) return { problem: invalid(query.faults) };
    Object.assign(values, query.values);
    if (verb === 'POST') {
      const body = (request.body ?? { value: {} }) as Body;
      if ('problem' in body) return body;
      Object.assign(values, body.value);
    }
    const repeated: FieldProblem[] = [];
    for (const name of variables) {
      const given = Reflect.get(request.params as object, name);
      if (given === '') return { problem: problem('not-found') };
      if (Object.hasOwn(values, name) && values[name] !== given) {
        repeated.push(fault(name, 'path', 'is not what the path says'));
      }
      values[name] = given;
    }
    if (repeated.length > 0) return { problem: invalid(repeated) };
    const faults = judge(values);
    return faults === undefined ? { message: rpc.request.fromJSON(values) } : { problem: invalid(faults) };
  };
}

/** The text after the question mark, as it came. */
export function queryOf(request: FastifyRequest): string {
  const url = request.raw.url ?? '';
  const mark = url.indexOf('?');
  return mark < 0 ? '' : url.slice(mark + 1);
}
