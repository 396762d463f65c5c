import type { RpcContract } from '../libs/contracts/src/descriptors.ts';

/** What of an operation says which headers and problems it has. */
export interface OperationFacts {
  readonly rpc: RpcContract;
  readonly post: boolean;
  /** Its path names one thing. */
  readonly addressed: boolean;
  readonly creates: boolean;
  readonly versioned: boolean;
}

const header = (name: string) => ({ $ref: `#/components/parameters/${name}` });
const answerHeader = (name: string) => ({ $ref: `#/components/headers/${name}` });

/** Headers that a caller may send with an operation. */
export function requestHeaders({ rpc, post, addressed, versioned }: OperationFacts): object[] {
  return [
    ...(rpc.access?.kind === 'public' && !post ? [] : [header('ActingAs')]),
    ...(post ? [header('IdempotencyKey')] : []),
    ...(post && addressed && versioned ? [header('IfMatch')] : []),
    header('AcceptLanguage'),
  ];
}

/** Headers that an answer has. */
export function answerHeaders({ post, creates, versioned }: OperationFacts): object {
  return {
    ...(versioned ? { ETag: answerHeader('ETag') } : {}),
    ...(creates ? { Location: answerHeader('Location') } : {}),
    ...(post ? { 'Idempotency-Replayed': answerHeader('IdempotencyReplayed') } : {}),
  };
}

/** Why an operation may be refused, by status. */
export function problemAnswers({ rpc, post, addressed }: OperationFacts): object {
  const open = rpc.access?.kind === 'public';
  const statuses = [
    '400',
    '401',
    ...(open && !post ? [] : ['403']),
    ...(addressed || rpc.access?.kind === 'action' ? ['404'] : []),
    ...(post ? ['409'] : []),
    ...(post && addressed ? ['412'] : []),
    '408',
    ...(post ? ['413', '415', '422'] : []),
    ...(addressed ? ['414'] : []),
    '429',
    '431',
    '500',
    '503',
    '504',
  ];
  return problems(statuses);
}

/** References to the problems of these statuses. */
export function problems(statuses: readonly string[]): object {
  return Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]));
}

const meanings = {
  '400':
    'Something is wrong with the request; `fields` say what. Or `capacity-needed`: `postings` lists those that permit it.',
  '401': 'A token is needed, or the one that came is not valid (`token-invalid`).',
  '403': 'The caller may not do this.',
  '404': 'There is no such thing, or the caller may not see it.',
  '408': 'The request did not arrive in time.',
  '409': 'Not allowed in its present state, or `busy`: too many changes at once.',
  '410': 'The events after this position are no longer kept; start anew.',
  '412': 'It changed since the version in `If-Match`.',
  '413': 'The body is larger than 256 kB, or the file larger than 10 MB (`file-too-large`).',
  '414': 'The path names something longer than anything that there is.',
  '415': 'The body is not application/json, or no form where a file is to come.',
  '422': 'A rule of the domain refuses it; or the key came with another request before (`key-reused`).',
  '429': 'Too many requests; `Retry-After` says when to come again.',
  '431': 'The address and the headers together are larger than 16 kB.',
  '500': 'A fault of this system. It is logged under `trace`.',
  '503': 'A part of the system is away or overloaded; `Retry-After` says when to come again.',
  '504': 'The answer took too long. A command with an `Idempotency-Key` can be sent again.',
} as const;

const withRetryAfter = ['429', '503'];

const problemResponses = Object.fromEntries(
  Object.entries(meanings).map(([status, description]) => [
    `Problem${status}`,
    {
      description,
      ...(withRetryAfter.includes(status) ? { headers: { 'Retry-After': answerHeader('RetryAfter') } } : {}),
      ...(status === '401' ? { headers: { 'WWW-Authenticate': answerHeader('WWWAuthenticate') } } : {}),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  ]),
);

const fieldProblem = {
  type: 'object',
  description: 'One field that a request got wrong.',
  properties: {
    field: {
      type: 'string',
      description:
        'JSON path of the field, for example `handler.unit` or `path[2]`; `idempotencyKey`, `actingAs`, `ifMatch` for headers; empty for the whole.',
    },
    rule: {
      type: 'string',
      description: 'The rule it broke, for example `required`, `maxLength`, `pattern`, `unknown`.',
    },
    message: { type: 'string', description: 'What is wrong, in words for a person.' },
  },
  required: ['field', 'rule', 'message'],
  additionalProperties: false,
};

const problem = {
  type: 'object',
  description: 'Why a request was refused or failed (RFC 9457).',
  properties: {
    type: {
      type: 'string',
      pattern: '^urn:bandeng:problem:[a-z0-9-]+$',
      description: 'Name of the refusal, for example `urn:bandeng:problem:not-in-this-state`.',
    },
    title: { type: 'string', description: 'One short sentence for a person.' },
    status: { type: 'integer', minimum: 400, maximum: 599, description: 'The HTTP status.' },
    detail: { type: 'string', description: 'What exactly, with the values at hand.' },
    fields: {
      type: 'array',
      items: { $ref: '#/components/schemas/FieldProblem' },
      description: 'The fields at fault, if it is a matter of fields; at most 50.',
    },
    postings: {
      type: 'array',
      items: { type: 'string' },
      description: 'With `capacity-needed`: ids of the postings of which one must be named in `Acting-As`.',
    },
    trace: { type: 'string', description: 'Under which the request stands in the logs.' },
  },
  required: ['type', 'title', 'status'],
  additionalProperties: false,
};

/** Everything that operations refer to and that no message describes. */
export const components = {
  schemas: { Problem: problem, FieldProblem: fieldProblem },
  responses: problemResponses,
  parameters: {
    IdempotencyKey: {
      name: 'Idempotency-Key',
      in: 'header',
      description:
        'Makes the command safe to send again: it takes effect once. At least 16 characters without a token.',
      schema: { type: 'string', pattern: '^[!-~]{1,200}$' },
    },
    IfMatch: {
      name: 'If-Match',
      in: 'header',
      description: 'ETag of the version that the caller knows; `*` for any, `"0"` for what is not there yet.',
      schema: { type: 'string', pattern: '^(?:\\*|"(?:0|[1-9][0-9]{0,8})")$', examples: ['"3"', '*'] },
    },
    ActingAs: {
      name: 'Acting-As',
      in: 'header',
      description: 'Id of the posting in which the caller acts. Needed only when several would permit it.',
      schema: { type: 'string', pattern: '^[0-9A-Za-z-]{1,64}$' },
    },
    AcceptLanguage: {
      name: 'Accept-Language',
      in: 'header',
      description: 'Language of notices and exports: `zh-CN` (left out) or `en`.',
      schema: { type: 'string', examples: ['zh-CN', 'en'] },
    },
    LastEventId: {
      name: 'Last-Event-ID',
      in: 'header',
      description: 'Position of the last event that was received; the stream goes on after it.',
      schema: { type: 'string', maxLength: 1000 },
    },
  },
  headers: {
    ETag: { description: 'The version, in quotes.', schema: { type: 'string', pattern: '^"[0-9]+"$' } },
    Location: { description: 'Where the new thing is found.', schema: { type: 'string' } },
    IdempotencyReplayed: {
      description: '`true` when the command had taken effect before.',
      schema: { type: 'string', const: 'true' },
    },
    RetryAfter: { description: 'Seconds to wait before a new try.', schema: { type: 'integer', minimum: 1 } },
    WWWAuthenticate: { description: 'How to sign in.', schema: { type: 'string' } },
  },
  securitySchemes: {
    oidc: {
      type: 'openIdConnect',
      openIdConnectUrl: '/oidc/.well-known/openid-configuration',
      description: 'Code flow with PKCE for people, client credentials for systems.',
    },
    bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'An access token of the issuer.' },
  },
} as const;
