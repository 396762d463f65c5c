/** What the gateway answers when it cannot or will not: RFC 9457 problems, of services and of its own. */
import type { FieldProblem, Problem } from '@bandeng/contracts/problems';

export type { FieldProblem, Problem };

export const problemType = 'application/problem+json; charset=utf-8';

/** The gateway's own refusals: what they answer and what they say to a person. */
const own = {
  malformed: [400, 'The request cannot be decoded'],
  'invalid-request': [400, 'The request is not as the contract says'],
  'sign-in-needed': [401, 'This needs a signed-in caller'],
  'token-invalid': [401, 'The token is not valid'],
  'not-permitted': [403, 'This is not permitted'],
  'not-found': [404, 'There is nothing here'],
  'method-not-allowed': [405, 'This cannot be done here'],
  'too-slow': [408, 'The request did not arrive in time'],
  'events-gone': [410, 'The events after this position are no longer kept'],
  'body-too-large': [413, 'The body is too large'],
  'file-too-large': [413, 'The file is too large'],
  'path-too-long': [414, 'The path is too long'],
  'media-type-unsupported': [415, 'The body must be application/json in UTF-8'],
  'too-many-requests': [429, 'Too many requests'],
  'headers-too-large': [431, 'The headers are too large'],
  internal: [500, 'Something is wrong with this system'],
  unavailable: [503, 'A part of the system is away'],
  overloaded: [503, 'Too many calls at once'],
  closing: [503, 'This server is shutting down'],
  'deadline-exceeded': [504, 'The answer took too long'],
} as const satisfies Record<string, readonly [number, string]>;

/** Name of a refusal of the gateway's own. */
export type OwnReason = keyof typeof own;

/** A problem of the gateway's own. */
export function problem(reason: OwnReason, about: Partial<Omit<Problem, 'reason'>> = {}): Problem {
  const [status, title] = own[reason];
  return { reason, status, title, detail: '', fields: [], retryAfterSeconds: 0, postings: [], ...about };
}

/** The fields of a call that are not as they must be. */
export function invalid(fields: readonly FieldProblem[]): Problem {
  // A hostile body can be wrong in a hundred thousand places; nobody reads more than these.
  return problem('invalid-request', { fields: fields.slice(0, 50) });
}

/** One field that is not as it must be. */
export function fault(field: string, rule: string, message: string): FieldProblem {
  return { field, rule, message };
}

/** Carries a problem through those parts of Fastify that take errors only. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.reason);
    this.problem = problem;
  }
}

/** The body of a problem over HTTP. What is empty is left out. */
export function document(problem: Problem, trace: string): Record<string, unknown> {
  return {
    type: `urn:bandeng:problem:${problem.reason}`,
    title: problem.title,
    status: problem.status,
    ...(problem.detail === '' ? {} : { detail: problem.detail }),
    ...(problem.fields.length === 0 ? {} : { fields: problem.fields }),
    ...(problem.postings.length === 0 ? {} : { postings: problem.postings }),
    trace,
  };
}

/** The headers that belong to a problem, beside its content type. */
export function headersOf(problem: Problem): Record<string, string> {
  const headers: Record<string, string> = { 'cache-control': 'no-store' };
  if (problem.status === 401) {
    headers['www-authenticate'] =
      problem.reason === 'token-invalid' ? 'Bearer realm="bandeng", error="invalid_token"' : 'Bearer realm="bandeng"';
  }
  if (problem.status === 429 || problem.status === 503) {
    headers['retry-after'] = String(Math.max(1, problem.retryAfterSeconds));
  }
  return headers;
}

/** What a failure inside Fastify means to the caller; undefined: it is a bug of ours. */
export function problemOfFastify(code: string | undefined, statusCode: number | undefined): Problem | undefined {
  switch (code) {
    case 'FST_ERR_BAD_URL':
      return problem('malformed', { detail: 'The path is not percent-encoded UTF-8.' });
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return problem('path-too-long');
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return problem('body-too-large');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return problem('media-type-unsupported');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return problem('malformed', { detail: 'The body is not as long as Content-Length says.' });
    case 'FST_ERR_HANDLER_TIMEOUT':
      return problem('deadline-exceeded', { retryAfterSeconds: 1 });
    default:
      if (statusCode === 429) return problem('too-many-requests');
      // Whatever else Fastify itself refuses for the client's fault, in this version or a later one.
      return code?.startsWith('FST_ERR_') && statusCode === 400 ? problem('malformed') : undefined;
  }
}
