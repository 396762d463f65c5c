import { isDatabaseAway } from '@bandeng/records';

/** Thrown by a reaction to say: not now, but later it will do. */
export class NotNow extends Error {}

/** UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, CANCELLED. */
const GRPC = new Set<unknown>([
  1,
  4,
  8,
  10,
  14,
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'ABORTED',
  'UNAVAILABLE',
]);
/** Of sockets only, for the code of a missing file is ENOENT too. */
const SYSCALLS = new Set<unknown>(['connect', 'read', 'write']);
const NATS = new Set([
  'ConnectionError',
  'ClosedConnectionError',
  'DrainingConnectionError',
  'NoRespondersError',
  'RequestError',
  'TimeoutError',
  'JetStreamNotEnabled',
]);

/** Whether something else is away for a while (MongoDB, a service, NATS), so that the handler is not to blame. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof NotNow || isDatabaseAway(error) || NATS.has(error.name)) return true;
  const code: unknown = Reflect.get(error, 'code');
  // A gRPC code counts only on an error that says it is one: 8 and 14 are codes of others too.
  if (typeof code === 'number') return GRPC.has(code) && /^(RpcFailure|Error)$/.test(error.name);
  if (GRPC.has(code) || SYSCALLS.has(Reflect.get(error, 'syscall'))) return true;
  return error.cause !== undefined && isTransient(error.cause);
}
