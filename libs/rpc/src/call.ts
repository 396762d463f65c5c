import { hash, randomBytes, randomUUID } from 'node:crypto';
import type { Action, Rpc } from '@bandeng/contracts';
import type { FieldProblem } from '@bandeng/contracts/problems';
import { currentTraceparent } from '@bandeng/telemetry';
import type { Metadata } from '@grpc/grpc-js';

/** Who calls. */
export type Caller =
  | { readonly kind: 'person'; readonly id: string }
  | { readonly kind: 'client'; readonly id: string; readonly scopes: readonly string[]; readonly territory: string }
  | { readonly kind: 'service'; readonly name: string }
  | { readonly kind: 'guest' };

/** Languages in which people are answered. */
export type Language = 'zh-CN' | 'en';

/** What a handler knows of a call besides the request. */
export interface Call {
  readonly caller: Caller;
  /** `tickets.OrderTicket` */
  readonly rpc: string;
  /** The action that the contract names for the RPC. */
  readonly action?: Action;
  /** Id of the posting in which the caller says to act. */
  readonly actingAs?: string;
  readonly idempotencyKey?: string;
  /** Version that the caller knows and does not want to overwrite another one than. */
  readonly ifMatch?: number;
  readonly language: Language;
  /** The caller waits until then. */
  readonly deadline: Date;
  /** Aborted when the caller went away or the deadline has passed. */
  readonly signal: AbortSignal;
  /** W3C traceparent. */
  readonly trace: string;
  /** SHA-256 of the canonical bytes of the request. */
  readonly requestHash: string;
  /** `http:<person, client or guest>:<rpc>:<key>`; with a key drawn for this call when none was sent. */
  readonly commandId: string;
  /** Tells the caller that the answer is that of an earlier call with the same key. */
  replayed(): void;
}

/** Headers of a call, read once. */
export interface Headers {
  /** Token of the person or system, as sent. */
  readonly authorization?: string;
  /** Token of the calling service, as sent. */
  readonly serviceAuthorization?: string;
  /** The calling service acts for itself, not for a guest who sent no token. */
  readonly ownAccount: boolean;
  readonly actingAs?: string;
  readonly idempotencyKey?: string;
  readonly ifMatch?: string;
  readonly acceptLanguage?: string;
}

/** Names of the headers in gRPC metadata. */
export const headerNames = {
  authorization: 'authorization',
  serviceAuthorization: 'service-authorization',
  ownAccount: 'own-account',
  actingAs: 'acting-as',
  idempotencyKey: 'idempotency-key',
  ifMatch: 'if-match',
  acceptLanguage: 'accept-language',
} as const satisfies Record<keyof Headers, string>;

/** Trailer by which a server says that an answer is a repeated one. */
export const replayedTrailer = 'idempotency-replayed';

/** Reads the headers that count from metadata. */
export function readHeaders(metadata: Metadata): Headers {
  const text = (name: string): string | undefined => {
    const value = metadata.get(name)[0];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const authorization = text(headerNames.authorization);
  const serviceAuthorization = text(headerNames.serviceAuthorization);
  const actingAs = text(headerNames.actingAs);
  const idempotencyKey = text(headerNames.idempotencyKey);
  const ifMatch = text(headerNames.ifMatch);
  const acceptLanguage = text(headerNames.acceptLanguage);
  return {
    ...(authorization === undefined ? {} : { authorization }),
    ...(serviceAuthorization === undefined ? {} : { serviceAuthorization }),
    ownAccount: text(headerNames.ownAccount) === 'true',
    ...(actingAs === undefined ? {} : { actingAs }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(acceptLanguage === undefined ? {} : { acceptLanguage }),
  };
}

const longestKey = 200;
const longestPosting = 64;

/** What is wrong with the headers; undefined when all is well. */
export function headerProblems({ actingAs, idempotencyKey, ifMatch }: Headers): FieldProblem[] | undefined {
  const problems: FieldProblem[] = [];
  if (idempotencyKey !== undefined && idempotencyKey.length > longestKey) {
    problems.push(tooLong('idempotencyKey', longestKey));
  }
  if (actingAs !== undefined && actingAs.length > longestPosting) problems.push(tooLong('actingAs', longestPosting));
  if (ifMatch !== undefined && ifMatch !== '*' && versionOf(ifMatch) === undefined) {
    problems.push({ field: 'ifMatch', rule: 'pattern', message: 'must be an ETag as it was sent, for example "3"' });
  }
  return problems.length === 0 ? undefined : problems;
}

function tooLong(field: string, limit: number): FieldProblem {
  return { field, rule: 'maxLength', message: `must have at most ${limit} characters` };
}

/** The version in an ETag: `"3"`, or 3 as gRPC callers may write it. */
function versionOf(etag: string): number | undefined {
  const digits = /^(?:"(\d{1,10})"|(\d{1,10}))$/.exec(etag);
  return digits === null ? undefined : Number(digits[1] ?? digits[2]);
}

/** The language that fits an Accept-Language header best; Chinese when nothing is said. */
export function languageOf(acceptLanguage: string | undefined): Language {
  if (acceptLanguage === undefined || acceptLanguage === 'zh-CN') return 'zh-CN';
  let best: { language: Language; weight: number } = { language: 'zh-CN', weight: 0 };
  for (const range of acceptLanguage.split(',', 20)) {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';');
    const language = /^en\b/.test(tag) ? 'en' : /^zh\b/.test(tag) ? 'zh-CN' : undefined;
    const given = parameters.map((parameter) => /^\s*q=([\d.]+)\s*$/.exec(parameter)?.[1]).find((q) => q !== undefined);
    const weight = given === undefined ? 1 : Number(given);
    if (language !== undefined && weight > best.weight) best = { language, weight };
  }
  return best.language;
}

/** What the transport knows of a call. */
export interface Transport {
  readonly deadline: Date;
  /** Calls back once, when the caller went away or the deadline has passed; at once if that is so already. */
  onEnd(listener: () => void): void;
}

const headersOf = new WeakMap<Call, Headers>();

/** The headers a call came with, so that clients can pass them on; undefined for a call that no server made. */
export function headersOfCall(call: Call): Headers | undefined {
  return headersOf.get(call);
}

/** A call as its handler sees it. What costs and is seldom asked for is made when it is asked for. */
export function makeCall(
  rpc: Rpc,
  fullName: string,
  headers: Headers,
  caller: Caller,
  request: unknown,
  transport: Transport,
  replayed: () => void,
): Call {
  const { actingAs, idempotencyKey, acceptLanguage } = headers;
  const ifMatch = headers.ifMatch === undefined ? undefined : versionOf(headers.ifMatch);
  let controller: AbortController | undefined;
  let trace: string | undefined;
  let requestHash: string | undefined;
  let commandId: string | undefined;
  const call: Call = {
    caller,
    rpc: fullName,
    ...(rpc.access.kind === 'action' ? { action: rpc.access.action } : {}),
    ...(actingAs === undefined ? {} : { actingAs }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    language: languageOf(acceptLanguage),
    deadline: transport.deadline,
    get signal() {
      if (controller === undefined) {
        const made = new AbortController();
        controller = made;
        transport.onEnd(() => made.abort());
      }
      return controller.signal;
    },
    get trace() {
      trace ??= currentTraceparent() ?? untraced();
      return trace;
    },
    get requestHash() {
      requestHash ??= hash('sha256', rpc.request.encode(request).finish(), 'base64url');
      return requestHash;
    },
    get commandId() {
      commandId ??= `http:${callerId(caller)}:${fullName}:${idempotencyKey ?? randomUUID()}`;
      return commandId;
    },
    replayed,
  };
  headersOf.set(call, headers);
  return call;
}

/** Id by which the commands of a caller are told from those of others. */
function callerId(caller: Caller): string {
  switch (caller.kind) {
    case 'person':
    case 'client':
      return caller.id;
    case 'service':
      return `service:${caller.name}`;
    case 'guest':
      return 'guest';
  }
}

/** A traceparent for a call that nobody traces, so that its problems can be found in the log all the same. */
function untraced(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
}
