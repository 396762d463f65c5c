import { hash, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http2';
import { type Action, bytesOf, type Codec, type Rpc } from '@bandeng/contracts';
import type { FieldProblem } from '@bandeng/contracts/problems';
import { currentTraceparent } from '@bandeng/telemetry';

/** Who calls. */
export type Caller =
  | {
      readonly kind: 'person';
      readonly id: string;
      /** What came of one sign-in at one application, and may end before the token expires; left out by issuers that do not say. */
      readonly grant?: string;
    }
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
  readonly action?: Action | undefined;
  /** Id of the posting in which the caller says to act. */
  readonly actingAs?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Version that the caller knows and does not want to overwrite another one than. */
  readonly ifMatch?: number | undefined;
  readonly language: Language;
  /** The caller waits until then. */
  readonly deadline: Date;
  /** Aborted when the caller went away or the deadline has passed. */
  readonly signal: AbortSignal;
  /** W3C traceparent. */
  readonly trace: string;
  /** `requestHash` of the request. */
  readonly requestHash: string;
  /** `http:<person, client or guest>:<rpc>:<hash of the key>`; with a UUID drawn for this call when none was sent. */
  readonly commandId: string;
  /** Tells the caller that the answer is that of an earlier call with the same key. */
  replayed(): void;
}

/** Headers of a call, read once. */
export interface Headers {
  /** Token of the person or system, as sent. */
  readonly authorization?: string | undefined;
  /** Token of the calling service, as sent. */
  readonly serviceAuthorization?: string | undefined;
  /** The calling service acts for itself, not for a guest who sent no token. */
  readonly ownAccount: boolean;
  readonly actingAs?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly ifMatch?: string | undefined;
  readonly acceptLanguage?: string | undefined;
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

/** Header, before the answer, by which a server says that it is a repeated one. */
export const replayedHeader = 'idempotency-replayed';

/** The W3C traceparent, under the name that everybody reads. */
export const traceHeader = 'traceparent';

/** Reads the headers that count from those that came in. */
export function readHeaders(incoming: IncomingHttpHeaders): Headers {
  return {
    authorization: headerOf(incoming, headerNames.authorization),
    serviceAuthorization: headerOf(incoming, headerNames.serviceAuthorization),
    ownAccount: headerOf(incoming, headerNames.ownAccount) === 'true',
    actingAs: headerOf(incoming, headerNames.actingAs),
    idempotencyKey: headerOf(incoming, headerNames.idempotencyKey),
    ifMatch: headerOf(incoming, headerNames.ifMatch),
    acceptLanguage: headerOf(incoming, headerNames.acceptLanguage),
  };
}

/** The text of a header; undefined when it is not there or empty. */
export function headerOf(incoming: IncomingHttpHeaders, name: string): string | undefined {
  const value = incoming[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
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

/** The headers a call came with, so that clients can pass them on; undefined for a call that no server made. */
export function headersOfCall(call: Call): Headers | undefined {
  return call instanceof IncomingCall ? call.headers : undefined;
}

/** A call that came in. What costs and is seldom asked for is made when it is asked for. */
export class IncomingCall implements Call {
  readonly headers: Headers;
  readonly caller: Caller;
  readonly rpc: string;
  readonly action: Action | undefined;
  readonly ifMatch: number | undefined;
  readonly language: Language;
  /** Whether the handler said that its answer is that of an earlier call. */
  isReplayed = false;
  readonly #codec: Codec;
  readonly #request: unknown;
  readonly #transport: Transport;
  #signal: AbortSignal | undefined;
  #trace: string | undefined;
  #requestHash: string | undefined;
  #commandId: string | undefined;

  constructor(
    about: { rpc: Rpc; fullName: string },
    headers: Headers,
    caller: Caller,
    request: unknown,
    transport: Transport,
  ) {
    this.headers = headers;
    this.caller = caller;
    this.rpc = about.fullName;
    this.action = about.rpc.access.kind === 'action' ? about.rpc.access.action : undefined;
    this.ifMatch = headers.ifMatch === undefined ? undefined : versionOf(headers.ifMatch);
    this.language = languageOf(headers.acceptLanguage);
    this.#codec = about.rpc.request;
    this.#request = request;
    this.#transport = transport;
  }

  get actingAs(): string | undefined {
    return this.headers.actingAs;
  }

  get idempotencyKey(): string | undefined {
    return this.headers.idempotencyKey;
  }

  get deadline(): Date {
    return this.#transport.deadline;
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      this.#signal = controller.signal;
      this.#transport.onEnd(() => controller.abort());
    }
    return this.#signal;
  }

  get trace(): string {
    this.#trace ??= currentTraceparent() ?? untraced();
    return this.#trace;
  }

  get requestHash(): string {
    this.#requestHash ??= requestHash(this.#codec, this.#request);
    return this.#requestHash;
  }

  get commandId(): string {
    const key = this.idempotencyKey;
    this.#commandId ??= `http:${callerId(this.caller)}:${this.rpc}:${key === undefined ? randomUUID() : keyHash(key)}`;
    return this.#commandId;
  }

  replayed(): void {
    this.isReplayed = true;
  }
}

/** By what a request is told from others: SHA-256 of its canonical bytes, in base64url. */
export function requestHash<Request>(codec: Codec<Request>, request: Request): string {
  return hash('sha256', bytesOf(codec, request), 'base64url');
}

/**
 * What stands for an idempotency key in the id of its command: the first 128 bits of its SHA-256. The key is free text of
 * whoever calls, and histories, which hold the ids of commands, outlive the person.
 */
export function keyHash(key: string): string {
  return hash('sha256', key, 'buffer').subarray(0, 16).toString('base64url');
}

/** Id by which the commands and page tokens of a caller are told from those of others; guests share one. */
export function callerId(caller: Caller): string {
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
