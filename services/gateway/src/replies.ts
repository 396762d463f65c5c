import type { FastifyReply, FastifyRequest } from 'fastify';
import { document, headersOf, type Problem, problemType } from './problems.ts';

/** Answers with a problem. */
export function answerProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .headers(headersOf(problem))
    .type(problemType)
    .send(JSON.stringify(document(problem, request.id)));
}
