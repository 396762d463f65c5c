import { setTimeout as delay } from 'node:timers/promises';
import { bytesOf, type Rpc, rpcs, type ServiceName } from '@bandeng/contracts';
import { outgoing } from '@bandeng/telemetry';
import { status } from '@grpc/grpc-js';
import { type Call, type Headers, headerNames, headersOfCall, replayedHeader, traceHeader } from './call.ts';
import { type Channel, openChannel } from './channel.ts';
import type { DefinitionOf, RequestOf, ResponseOf } from './implementation.ts';
import { defaultBudget } from './limits.ts';
import { receivedFailure } from './problems.ts';
import { spanOf } from './spans.ts';
import type { ServiceTokens } from './tokens.ts';

/** How one call of a typed client is made. */
export interface CallOptions {
  /** The call that is being answered: its caller's token, capacity and language go with this one, and its deadline binds it. */
  call?: Call;
  /** Most milliseconds to wait, retries included. */
  timeoutMs?: number;
  idempotencyKey?: string;
  ifMatch?: number;
  /** Acts in this posting instead of the one that `call` names. */
  actingAs?: string;
  signal?: AbortSignal;
}

/** A client of a service: a function for each RPC. Fields left out are empty. Throws `RpcFailure`. */
export type Client<S extends ServiceName> = {
  readonly [M in keyof DefinitionOf<S>]: (
    request: Partial<RequestOf<DefinitionOf<S>[M]>>,
    options?: CallOptions,
  ) => Promise<ResponseOf<DefinitionOf<S>[M]>>;
} & {
  close(): void;
};

/** How a call is passed on without its types, as the gateway does. */
export interface RawOptions {
  /** As the caller sent them; the service's own token is added. */
  headers?: Partial<Omit<Headers, 'serviceAuthorization' | 'ownAccount'>>;
  /** Most milliseconds to wait, retries included. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** An answer with what its trailers say. */
export interface RawAnswer {
  readonly message: unknown;
  /** It is that of an earlier call with the same Idempotency-Key. */
  readonly replayed: boolean;
}

/** How a service is: it can do its work, it cannot, or it does not answer. */
export type ServiceHealth = 'serving' | 'not-serving' | 'away';

/** A client of all services. */
export interface RawClient {
  /**
   * @param request A message as the RPC's codec makes it, or its bytes.
   * @throws RpcFailure
   */
  call(rpc: Rpc, request: unknown, options?: RawOptions): Promise<RawAnswer>;
  /** What a service says of itself by the standard health RPC; `away` when it says nothing in time. */
  health(service: ServiceName, timeoutMs?: number): Promise<ServiceHealth>;
  close(): void;
}

/** Opens a client of one service; the connection is made at the first call and made again for ever. */
export function connect<S extends ServiceName>(
  service: S,
  options: { address: string; token: ServiceTokens },
): Client<S> {
  const channel = openChannel(options.address);
  const methods = rpcs
    .filter((rpc) => rpc.service === service)
    .map((rpc) => [rpc.method, typedMethod(channel, rpc, options.token)] as const);
  const client: object = { ...Object.fromEntries(methods), close: () => channel.close() };
  return client as Client<S>; // every RPC of the service is there, under the name and types of its definition
}

/** Opens a client of all services, with one channel for each. */
export function rawClient(options: { address: (service: ServiceName) => string; token: ServiceTokens }): RawClient {
  const channels = new Map<ServiceName, Channel>();
  const channelOf = (service: ServiceName): Channel => {
    let channel = channels.get(service);
    if (channel === undefined) {
      channel = openChannel(options.address(service));
      channels.set(service, channel);
    }
    return channel;
  };
  return {
    async call(rpc, request, { headers = {}, timeoutMs = defaultBudget, signal } = {}) {
      const bytes = request instanceof Uint8Array ? request : bytesOf(rpc.request, request);
      const sent = { ...headers, serviceAuthorization: `Bearer ${await options.token(rpc.service)}` };
      return send(channelOf(rpc.service), rpc, bytes, sent, { deadline: Date.now() + timeoutMs, signal });
    },
    health: (service, timeoutMs = 1_000) => askHealth(channelOf(service), Date.now() + timeoutMs),
    close() {
      for (const channel of channels.values()) channel.close();
    },
  };
}

/** `grpc.health.v1.HealthCheckResponse { status: SERVING }`, whole. */
const servingAnswer = Buffer.from([8, 1]);

async function askHealth(channel: Channel, deadline: number): Promise<ServiceHealth> {
  const path = '/grpc.health.v1.Health/Check';
  const { message } = await channel.ask({ path, headers: {}, message: new Uint8Array(), deadline, signal: undefined });
  if (message === undefined) return 'away';
  return servingAnswer.equals(message) ? 'serving' : 'not-serving';
}

type Method = (request: object, options?: CallOptions) => Promise<unknown>;

function typedMethod(channel: Channel, rpc: Rpc, token: ServiceTokens): Method {
  return async (request, options = {}) => {
    const { call } = options;
    const bytes = bytesOf(rpc.request, rpc.request.fromPartial(request));
    const headers = passedOn(options, `Bearer ${await token(rpc.service)}`);
    const budget = Date.now() + (options.timeoutMs ?? defaultBudget);
    const deadline = call === undefined ? budget : Math.min(budget, call.deadline.getTime());
    const signals = [options.signal, call?.signal].filter((signal) => signal !== undefined);
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    const { message } = await send(channel, rpc, bytes, headers, { deadline, signal });
    return message;
  };
}

/** The person's headers from the call that is being answered, the service's own token, and this call's own. */
function passedOn({ call, actingAs, idempotencyKey, ifMatch }: CallOptions, serviceAuthorization: string): Sent {
  const theirs = call === undefined ? undefined : headersOfCall(call);
  return {
    serviceAuthorization,
    authorization: theirs?.authorization,
    acceptLanguage: theirs?.acceptLanguage,
    actingAs: actingAs ?? theirs?.actingAs,
    idempotencyKey,
    ifMatch: ifMatch === undefined ? undefined : `"${ifMatch}"`,
    ownAccount: call === undefined || call.caller.kind === 'service',
  };
}

type Sent = { readonly [H in keyof Headers]?: Headers[H] | undefined };

interface Limits {
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

const mostTries = 4;
/** Longest pause before the second try, in milliseconds; it doubles. */
const firstPause = 50;

/** Makes a call, again while nobody was reached and a second try cannot do harm. */
async function send(channel: Channel, rpc: Rpc, message: Uint8Array, sent: Sent, limits: Limits): Promise<RawAnswer> {
  const span = spanOf(rpc);
  const repeatable = changesNothing(rpc) || sent.idempotencyKey !== undefined;
  for (let tries = 1; ; tries++) {
    const { traceparent, end } = outgoing(span.name, () => span.about);
    const headers = headersOf(sent, traceparent);
    const ending = await channel.ask({ path: rpc.path, headers, message, ...limits });
    if (ending.message !== undefined) {
      end({ 'rpc.grpc.status_code': status.OK });
      return { message: rpc.response.decode(ending.message), replayed: ending.headers?.[replayedHeader] === 'true' };
    }
    const failure = receivedFailure(ending, limits.signal?.aborted === true);
    end({ 'rpc.grpc.status_code': failure.code }, failure.problem.reason);
    const again = failure.code === status.UNAVAILABLE && !failure.answered && repeatable && tries < mostTries;
    const pause = Math.random() * firstPause * 2 ** (tries - 1);
    if (!again || Date.now() + pause >= limits.deadline || limits.signal?.aborted === true) throw failure;
    await delay(pause);
  }
}

function changesNothing({ http, name }: Rpc): boolean {
  return http === undefined ? /^(Get|List)/.test(name) : http.verb === 'GET';
}

function headersOf(sent: Sent, traceparent: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined) headers[name] = value;
  };
  set(headerNames.authorization, sent.authorization);
  set(headerNames.serviceAuthorization, sent.serviceAuthorization);
  set(headerNames.actingAs, sent.actingAs);
  set(headerNames.idempotencyKey, sent.idempotencyKey);
  set(headerNames.ifMatch, sent.ifMatch);
  set(headerNames.acceptLanguage, sent.acceptLanguage);
  if (sent.ownAccount === true) headers[headerNames.ownAccount] = 'true';
  set(traceHeader, traceparent);
  return headers;
}
