import { type Rpc, rpcs, type ServiceName, type services } from '@bandeng/contracts';
import type { Refused } from '@bandeng/decider';
import type { Call } from './call.ts';
import type { RefusalTable } from './problems.ts';

/** The grpc-js definition of a service, as the contracts type it. */
export type DefinitionOf<S extends ServiceName> = (typeof services)[S]['definition'];

/** The request of a method of a grpc-js definition. */
export type RequestOf<Method> = Method extends { requestDeserialize: (value: Buffer) => infer Message }
  ? Message
  : never;

/** The answer of a method of a grpc-js definition. */
export type ResponseOf<Method> = Method extends { responseDeserialize: (value: Buffer) => infer Message }
  ? Message
  : never;

/** What a service does on each of its RPCs: a forgotten one does not compile. */
export type Handlers<S extends ServiceName, Reason extends string> = {
  readonly [M in keyof DefinitionOf<S>]: (
    request: RequestOf<DefinitionOf<S>[M]>,
    call: Call,
  ) => Promise<ResponseOf<DefinitionOf<S>[M]> | Refused<Reason>>;
};

/** A service with all its handlers, ready for a server. There is no other way onto a server, so none past its checks. */
export interface Implementation {
  readonly service: ServiceName;
}

/** A handler without its types. */
export type AnyHandler = (request: unknown, call: Call) => Promise<unknown>;

/** An RPC with what answers it. */
export interface Implemented {
  readonly rpc: Rpc;
  readonly handler: AnyHandler;
  readonly refusals: RefusalTable<string>;
}

const implemented = new WeakMap<Implementation, readonly Implemented[]>();

/**
 * Binds a service's handlers to its contract.
 *
 * @param refusals How each refusal that a handler can give is answered.
 */
export function implement<S extends ServiceName, Reason extends string>(
  service: S,
  handlers: Handlers<S, Reason>,
  refusals: RefusalTable<Reason>,
): Implementation {
  const implementation: Implementation = { service };
  const bound = new Map<string, unknown>(Object.entries(handlers));
  implemented.set(
    implementation,
    rpcs
      .filter((rpc) => rpc.service === service)
      .map((rpc) => {
        const handler = bound.get(rpc.method);
        if (!isHandler(handler)) throw new TypeError(`${service}.${rpc.name} has no handler`);
        return { rpc, handler, refusals };
      }),
  );
  return implementation;
}

/** The RPCs of an implementation with what answers them. */
export function implementedRpcs(implementation: Implementation): readonly Implemented[] {
  const found = implemented.get(implementation);
  if (found === undefined) throw new TypeError('an implementation is made by implement()');
  return found;
}

function isHandler(value: unknown): value is AnyHandler {
  return typeof value === 'function';
}
