import { createPrivateKey } from 'node:crypto';
import {
  createLocalJWKSet,
  decodeJwt,
  errors,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose';
import type { Caller } from './call.ts';

/** Public keys, as RFC 7517 has them. */
export type JsonWebKeySet = JSONWebKeySet;

/** One of them, or a private one. */
export type JsonWebKey = JWK;

/** Says whose token it is, or why it is none. Throws when that cannot be found out now. */
export type Verifier = (token: string) => Promise<Caller | { readonly invalid: string }>;

/** Issuer of the tokens by which services of this system know each other. */
export const serviceIssuer = 'urn:bandeng:services';

/** A token shown to one service says nothing to another: whoever it was shown to could pass for its owner there. */
const audienceOf = (called: string): string => `bandeng:${called}`;

/** Most tokens that are remembered as verified. */
const mostRemembered = 10_000;
/** Key sets are read again after this, and at an unknown key, but then not more often than that. */
const keySetAge = 5 * 60_000;
const keySetPause = 5_000;

/** Verifies tokens of people and systems (by the issuer's keys) and of services, and remembers each until it expires. */
export function verifier(options: {
  /** Name of the service that verifies: tokens of services count when they were made for it. */
  service: string;
  issuer: string;
  /** Of the tokens of people and systems. */
  audience: string;
  /** Reads the issuer's key set; asked again when it is old or a key is unknown. */
  keySet: () => Promise<JsonWebKeySet>;
  /** Public keys of the services; the `kid` of each is the name of its service. */
  serviceKeys: JsonWebKeySet;
  /** Milliseconds since 1970. */
  now?: () => number;
}): Verifier {
  const { issuer, now = Date.now } = options;
  const remembered = new Map<string, { caller: Caller; until: number }>();
  const issuerKeys = refreshed(options.keySet, now);
  const serviceKeys = createLocalJWKSet(options.serviceKeys);
  const check = { clockTolerance: 5, requiredClaims: ['exp', 'sub'] };
  const ofService = { ...check, issuer: serviceIssuer, audience: audienceOf(options.service), algorithms: ['EdDSA'] };
  const algorithms = ['EdDSA', 'Ed25519', 'ES256', 'RS256', 'PS256'];
  const ofIssuer = { ...check, issuer, audience: options.audience, algorithms };

  async function verify(token: string): Promise<{ caller: Caller; until: number } | { invalid: string }> {
    try {
      const currentDate = new Date(now());
      if (claimedIssuer(token) === serviceIssuer) {
        const { payload, protectedHeader } = await jwtVerify(token, serviceKeys, { ...ofService, currentDate });
        const name = protectedHeader.kid ?? '';
        // A service speaks for itself alone, whatever its key could sign.
        if (payload.sub !== `service:${name}`) return { invalid: 'wrong sub' };
        return { caller: { kind: 'service', name }, until: expiry(payload) };
      }
      const { payload } = await issuerKeys((keys) => jwtVerify(token, keys, { ...ofIssuer, currentDate }));
      return { caller: callerOf(payload), until: expiry(payload) };
    } catch (error) {
      if (error instanceof errors.JOSEError) return { invalid: reasonOf(error) };
      throw error;
    }
  }

  return async (token) => {
    const known = remembered.get(token);
    if (known !== undefined && known.until > now()) return known.caller;
    if (known !== undefined) remembered.delete(token);
    const verified = await verify(token);
    if ('invalid' in verified) return verified;
    if (remembered.size >= mostRemembered) {
      // A map keeps the order of insertion: the first is the oldest.
      for (const oldest of remembered.keys()) {
        remembered.delete(oldest);
        break;
      }
    }
    remembered.set(token, verified);
    return verified.caller;
  };
}

type LocalKeys = ReturnType<typeof createLocalJWKSet>;

/** Keys that are read when needed; a key that is not among them makes them be read once more. */
function refreshed(read: () => Promise<JsonWebKeySet>, now: () => number) {
  let current: LocalKeys | undefined;
  let loading: Promise<LocalKeys> | undefined;
  let readAt = 0;
  const load = (): Promise<LocalKeys> => {
    readAt = now();
    loading ??= read()
      .then((keys) => {
        current = createLocalJWKSet(keys);
        return current;
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  };
  const age = (): number => {
    const since = now() - readAt;
    // A clock that was set back says nothing.
    return since < 0 ? Number.POSITIVE_INFINITY : since;
  };
  /** Old ones are read again; while their issuer is away they count on, and it is asked again after a pause. */
  const known = async (): Promise<LocalKeys> => {
    const before = current;
    if (before !== undefined && age() <= keySetAge) return before;
    return load().catch((error: unknown) => {
      if (before === undefined) throw error;
      readAt = now() - keySetAge + keySetPause;
      return before;
    });
  };
  return async <T>(use: (keys: LocalKeys) => Promise<T>): Promise<T> => {
    const keys = await known();
    try {
      return await use(keys);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || age() < keySetPause) throw error;
      return use(await load());
    }
  };
}

function claimedIssuer(token: string): string | undefined {
  return decodeJwt(token).iss;
}

function expiry({ exp = 0 }: JWTPayload): number {
  return exp * 1000;
}

/** A token whose subject is its client is a system's own. */
function callerOf(payload: JWTPayload): Caller {
  const { sub = '', client_id: client, scope, territory, grant } = payload;
  if (client !== sub) return { kind: 'person', id: sub, ...(typeof grant === 'string' ? { grant } : {}) };
  return {
    kind: 'client',
    id: sub,
    scopes: typeof scope === 'string' ? scope.split(' ').filter((name) => name !== '') : [],
    territory: typeof territory === 'string' ? territory : '',
  };
}

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `wrong ${error.claim}`;
  if (error instanceof errors.JWKSNoMatchingKey) return 'unknown key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'wrong signature';
  return 'not a token of this system';
}

const serviceTokenAge = 5 * 60;

/** Gives the token by which a service says who it is to the service it calls. */
export type ServiceTokens = (called: string) => Promise<string>;

/** Tokens of a service, one for each service it calls, valid five minutes, signed anew a minute before they expire. */
export function serviceTokens(options: {
  service: string;
  /** Ed25519 key whose `kid` is the name of the service. */
  privateKey: JsonWebKey;
  /** Milliseconds since 1970. */
  now?: () => number;
}): ServiceTokens {
  const { service, now = Date.now } = options;
  const privateKey = createPrivateKey({ key: { ...options.privateKey }, format: 'jwk' });
  const signed = new Map<string, { token: Promise<string>; until: number }>();
  return (called) => {
    const seconds = Math.floor(now() / 1000);
    const current = signed.get(called);
    if (current !== undefined && seconds < current.until) return current.token;
    const token = new SignJWT({})
      .setProtectedHeader({ alg: 'EdDSA', kid: service, typ: 'at+jwt' })
      .setIssuer(serviceIssuer)
      .setSubject(`service:${service}`)
      .setAudience(audienceOf(called))
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + serviceTokenAge)
      .sign(privateKey);
    signed.set(called, { token, until: seconds + serviceTokenAge - 60 });
    return token;
  };
}
