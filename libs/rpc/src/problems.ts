import { type FieldProblem, Problem } from '@bandeng/contracts/problems';
import type { Refused } from '@bandeng/decider';
import { status } from '@grpc/grpc-js';
import type { Ending } from './unary.ts';

/** What kind of refusal it is; says the HTTP status and the gRPC code. */
export type RefusalKind =
  | 'field'
  | 'sign-in'
  | 'forbidden'
  | 'missing'
  | 'state'
  | 'busy'
  | 'stale'
  | 'rule'
  | 'overload'
  | 'away';

/** How a service answers each refusal that its handlers can give. Total: a forgotten one does not compile. */
export type RefusalTable<Reason extends string> = {
  readonly [R in Reason]: { readonly kind: RefusalKind; readonly title: string };
};

interface Answer {
  readonly code: status;
  readonly status: number;
  /** Seconds after which a new try may succeed. */
  readonly retryAfter: number;
}

const answers: { readonly [K in RefusalKind]: Answer } = {
  field: { code: status.INVALID_ARGUMENT, status: 400, retryAfter: 0 },
  'sign-in': { code: status.UNAUTHENTICATED, status: 401, retryAfter: 0 },
  forbidden: { code: status.PERMISSION_DENIED, status: 403, retryAfter: 0 },
  missing: { code: status.NOT_FOUND, status: 404, retryAfter: 0 },
  state: { code: status.FAILED_PRECONDITION, status: 409, retryAfter: 0 },
  busy: { code: status.ABORTED, status: 409, retryAfter: 1 },
  stale: { code: status.FAILED_PRECONDITION, status: 412, retryAfter: 0 },
  rule: { code: status.FAILED_PRECONDITION, status: 422, retryAfter: 0 },
  overload: { code: status.RESOURCE_EXHAUSTED, status: 429, retryAfter: 1 },
  away: { code: status.UNAVAILABLE, status: 503, retryAfter: 1 },
};

/** A problem and the gRPC code that goes with it. */
export interface Failure {
  readonly code: status;
  readonly problem: Problem;
}

/** A failure with everything but its reason, status and title left empty unless given. */
function failure(code: status, problem: Partial<Problem> & Pick<Problem, 'reason' | 'status' | 'title'>): Failure {
  return { code, problem: Problem.fromPartial(problem) };
}

/** Failures that the server itself gives, whatever the service. */
export const failures = {
  invalidRequest: (fields: readonly FieldProblem[]) =>
    failure(status.INVALID_ARGUMENT, {
      reason: 'invalid-request',
      status: 400,
      title: 'The request is not as the contract says',
      fields: [...fields],
    }),
  malformed: () =>
    failure(status.INVALID_ARGUMENT, { reason: 'malformed', status: 400, title: 'The request cannot be decoded' }),
  signInNeeded: () =>
    failure(status.UNAUTHENTICATED, { reason: 'sign-in-needed', status: 401, title: 'This needs a signed-in caller' }),
  tokenInvalid: (detail: string) =>
    failure(status.UNAUTHENTICATED, { reason: 'token-invalid', status: 401, title: 'The token is not valid', detail }),
  serviceTokenNeeded: () =>
    failure(status.UNAUTHENTICATED, {
      reason: 'service-token-needed',
      status: 401,
      title: 'Only services of this system may call this',
    }),
  overloaded: () =>
    failure(status.RESOURCE_EXHAUSTED, {
      reason: 'overloaded',
      status: 503,
      title: 'Too many calls at once',
      retryAfterSeconds: 1,
    }),
  unavailable: () =>
    failure(status.UNAVAILABLE, {
      reason: 'unavailable',
      status: 503,
      title: 'A part of the system is away',
      retryAfterSeconds: 1,
    }),
  deadlineExceeded: () =>
    failure(status.DEADLINE_EXCEEDED, {
      reason: 'deadline-exceeded',
      status: 504,
      title: 'The answer took too long',
      retryAfterSeconds: 1,
    }),
  cancelled: () => failure(status.CANCELLED, { reason: 'cancelled', status: 499, title: 'The caller went away' }),
  internal: () =>
    failure(status.INTERNAL, { reason: 'internal', status: 500, title: 'Something is wrong with this system' }),
} as const;

/** The failure that a refusal is answered with. */
export function refusalFailure<R extends string>(refused: Refused<R>, table: RefusalTable<R>): Failure {
  const { kind, title } = table[refused.refused];
  const { code, status, retryAfter } = answers[kind];
  const { postings, ...values } = refused.values ?? {};
  return failure(code, {
    reason: refused.refused,
    status,
    title,
    detail: Object.entries(values)
      .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : value}`)
      .join('; '),
    fields: refused.field === undefined ? [] : [{ field: refused.field, rule: refused.refused, message: title }],
    retryAfterSeconds: retryAfter,
    postings: Array.isArray(postings) ? [...postings] : [],
  });
}

/** A call that was refused or failed, as its caller sees it. */
export class RpcFailure extends Error {
  readonly code: status;
  readonly problem: Problem;
  /** Whether the other side said so itself; else the connection did. */
  readonly answered: boolean;

  constructor({ code, problem }: Failure, answered = true) {
    super(`${problem.reason}: ${problem.title}${problem.detail === '' ? '' : ` (${problem.detail})`}`);
    this.name = 'RpcFailure';
    this.code = code;
    this.problem = problem;
    this.answered = answered;
  }
}

/** Name of the trailer that carries a problem. */
export const problemTrailer = 'problem-bin';

/** A problem as its trailer has it. */
export function encodedProblem(problem: Problem): string {
  return Buffer.from(Problem.encode(problem).finish()).toString('base64');
}

/**
 * What a failed call means.
 *
 * @param givenUp Whether we gave it up ourselves: else a cancelled call was cut off by a server that was ended.
 */
export function receivedFailure({ code, trailers }: Ending, givenUp: boolean): RpcFailure {
  const problem = trailers?.[problemTrailer];
  if (typeof problem === 'string')
    return new RpcFailure({ code, problem: Problem.decode(Buffer.from(problem, 'base64')) });
  const cutOff = code === status.CANCELLED && !givenUp;
  return new RpcFailure(unexplained(cutOff ? status.UNAVAILABLE : code), false);
}

function unexplained(code: status): Failure {
  switch (code) {
    case status.UNAVAILABLE:
      return failures.unavailable();
    case status.DEADLINE_EXCEEDED:
      return failures.deadlineExceeded();
    case status.RESOURCE_EXHAUSTED:
      return failures.overloaded();
    case status.CANCELLED:
      return failures.cancelled();
    default:
      return { ...failures.internal(), code };
  }
}

/** Answers to the refusals of `@bandeng/access`, for the table of a service. */
export const accessRefusals = {
  'not-permitted': { kind: 'forbidden', title: 'This is not permitted' },
  'not-visible': { kind: 'missing', title: 'There is no such thing, or it is not visible' },
  'sign-in-needed': { kind: 'sign-in', title: 'This needs a signed-in caller' },
  'capacity-needed': { kind: 'field', title: 'Several postings permit this: name one in Acting-As' },
  'unknown-posting': { kind: 'field', title: 'Acting-As names no posting that the caller holds now' },
} as const satisfies RefusalTable<string>;

/** Answers to the refusals of `@bandeng/records`, for the table of a service. */
export const recordsRefusals = {
  'key-reused': { kind: 'rule', title: 'This Idempotency-Key came with another request before' },
  'stale-version': { kind: 'stale', title: 'It changed since that version' },
  busy: { kind: 'busy', title: 'Too many changes at once' },
  'too-much-unpublished': { kind: 'overload', title: 'Too many changes wait to be published' },
} as const satisfies RefusalTable<string>;

/** Answer to a page token that does not open, for the table of a service. */
export const pageRefusals = {
  'page-token-invalid': { kind: 'field', title: 'The page token is not of this query and caller, or too old' },
} as const satisfies RefusalTable<string>;
