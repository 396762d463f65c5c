/** gRPC between the services: one server and one client, so that every call is checked, bounded and explained alike. */
export type { Call, Caller, Headers, Language } from './call.ts';
export { callerId, keyHash, languageOf, requestHash } from './call.ts';
export {
  type CallOptions,
  type Client,
  connect,
  type RawAnswer,
  type RawClient,
  type RawOptions,
  rawClient,
  type ServiceHealth,
} from './client.ts';
export { type Handlers, type Implementation, implement } from './implementation.ts';
export { largestFile } from './limits.ts';
export { type PageRefusal, type PageTokens, pageTokens } from './page-tokens.ts';
export {
  accessRefusals,
  failures,
  pageRefusals,
  type RefusalKind,
  type RefusalTable,
  RpcFailure,
  recordsRefusals,
} from './problems.ts';
export { type Validator, validator } from './rules.ts';
export { type Server, type ServerOptions, startServer } from './server.ts';
export {
  type JsonWebKey,
  type JsonWebKeySet,
  type ServiceTokens,
  serviceIssuer,
  serviceTokens,
  type Verifier,
  verifier,
} from './tokens.ts';
