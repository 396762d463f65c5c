import { setTimeout as delay } from 'node:timers/promises';
import { type Rpc, rpcs, type ServiceName } from '@bandeng/contracts';
import { credentials, Client as GrpcClient, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { defaultBudget } from './answer.ts';
import { type Call, type Headers, headerNames, headersOfCall, replayedHeader } from './call.ts';
import type { DefinitionOf, RequestOf, ResponseOf } from './implementation.ts';
import { failures, RpcFailure, receivedFailure } from './problems.ts';
import { largestMessage } from './server.ts';

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

const channelOptions = {
  'grpc.max_receive_message_length': largestMessage,
  'grpc.max_send_message_length': largestMessage,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  // Retries are made here, where it is known whether one is safe.
  'grpc.enable_retries': 0,
};

/** Opens a client of one service; the connection is made at the first call and made again for ever. */
export function connect<S extends ServiceName>(
  service: S,
  options: { address: string; token: () => Promise<string> },
): Client<S> {
  const channel = new GrpcClient(options.address, credentials.createInsecure(), channelOptions);
  const methods = rpcs
    .filter((rpc) => rpc.service === service)
    .map((rpc) => [rpc.method, typedMethod(channel, rpc, options.token)] as const);
  const client: object = { ...Object.fromEntries(methods), close: () => channel.close() };
  return client as Client<S>; // every RPC of the service is there, under the name and types of its definition
}

/** Opens a client of all services, with one channel for each. */
export function rawClient(options: {
  address: (service: ServiceName) => string;
  token: () => Promise<string>;
}): RawClient {
  const channels = new Map<ServiceName, GrpcClient>();
  const channelOf = (service: ServiceName): GrpcClient => {
    let channel = channels.get(service);
    if (channel === undefined) {
      channel = new GrpcClient(options.address(service), credentials.createInsecure(), channelOptions);
      channels.set(service, channel);
    }
    return channel;
  };
  return {
    async call(rpc, request, { headers = {}, timeoutMs = defaultBudget, signal } = {}) {
      const bytes = request instanceof Uint8Array ? request : rpc.request.encode(request).finish();
      const sent = { ...headers, serviceAuthorization: `Bearer ${await options.token()}` };
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

function askHealth(channel: GrpcClient, deadline: number): Promise<ServiceHealth> {
  return new Promise((resolve) => {
    const path = '/grpc.health.v1.Health/Check';
    channel.makeUnaryRequest(path, toBuffer, same, new Uint8Array(), new Metadata(), { deadline }, (error, answer) => {
      if (error !== null || answer === undefined) resolve('away');
      else resolve(servingAnswer.equals(answer) ? 'serving' : 'not-serving');
    });
  });
}

type Method = (request: object, options?: CallOptions) => Promise<unknown>;

function typedMethod(channel: GrpcClient, rpc: Rpc, token: () => Promise<string>): Method {
  return async (request, options = {}) => {
    const { call } = options;
    const bytes = rpc.request.encode(rpc.request.fromPartial(request)).finish();
    const headers = passedOn(options, `Bearer ${await token()}`);
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
  const { authorization, acceptLanguage, ...rest } = (call === undefined ? undefined : headersOfCall(call)) ?? {};
  const capacity = actingAs ?? ('actingAs' in rest ? rest.actingAs : undefined);
  return {
    serviceAuthorization,
    authorization,
    acceptLanguage,
    actingAs: capacity,
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
async function send(channel: GrpcClient, rpc: Rpc, bytes: Uint8Array, sent: Sent, limits: Limits): Promise<RawAnswer> {
  const metadata = metadataOf(sent);
  const repeatable = changesNothing(rpc) || sent.idempotencyKey !== undefined;
  for (let tries = 1; ; tries++) {
    try {
      return await sendOnce(channel, rpc, bytes, metadata, limits);
    } catch (error) {
      const again =
        error instanceof RpcFailure &&
        error.code === status.UNAVAILABLE &&
        !error.answered &&
        repeatable &&
        tries < mostTries;
      const pause = Math.random() * firstPause * 2 ** (tries - 1);
      if (!again || Date.now() + pause >= limits.deadline || limits.signal?.aborted === true) throw error;
      await delay(pause);
    }
  }
}

function changesNothing({ http, name }: Rpc): boolean {
  return http === undefined ? /^(Get|List)/.test(name) : http.verb === 'GET';
}

function metadataOf(sent: Sent): Metadata {
  const metadata = new Metadata();
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined) metadata.set(name, value);
  };
  set(headerNames.authorization, sent.authorization);
  set(headerNames.serviceAuthorization, sent.serviceAuthorization);
  set(headerNames.actingAs, sent.actingAs);
  set(headerNames.idempotencyKey, sent.idempotencyKey);
  set(headerNames.ifMatch, sent.ifMatch);
  set(headerNames.acceptLanguage, sent.acceptLanguage);
  if (sent.ownAccount === true) metadata.set(headerNames.ownAccount, 'true');
  return metadata;
}

const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const same = (bytes: Buffer): Buffer => bytes;

/** grpc-js notes the stack of every call, in case it fails; ours is in the `RpcFailure`, and noting it twice costs a lot. */
function withoutStack<T>(start: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return start();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function sendOnce(
  channel: GrpcClient,
  rpc: Rpc,
  bytes: Uint8Array,
  metadata: Metadata,
  { deadline, signal }: Limits,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(new RpcFailure(failures.cancelled(), false));
      return;
    }
    let outcome: { error: ServiceError } | { bytes: Buffer } | undefined;
    const call = withoutStack(() =>
      channel.makeUnaryRequest(rpc.path, toBuffer, same, bytes, metadata, { deadline }, (error, answer) => {
        if (error !== null) outcome = { error };
        else if (answer !== undefined) outcome = { bytes: answer };
      }),
    );
    const cancel = () => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    let replayed = false;
    call.on('metadata', (headers) => {
      replayed = headers.get(replayedHeader)[0] === 'true';
    });
    // The status comes after the answer.
    call.on('status', () => {
      signal?.removeEventListener('abort', cancel);
      if (outcome === undefined) reject(new RpcFailure(failures.internal(), false));
      else if ('error' in outcome) reject(receivedFailure(outcome.error, signal?.aborted === true));
      else {
        try {
          resolve({ message: rpc.response.decode(outcome.bytes), replayed });
        } catch (error) {
          reject(error);
        }
      }
    });
  });
}
