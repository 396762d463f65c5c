/** How much one caller may ask for. Counted in this process; a caller who is spread over replicas gets that many times more. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Problem, problem } from './problems.ts';

/** Requests a minute. */
export interface Limits {
  /** With one token. */
  readonly token: number;
  /** From one address, whatever the tokens; an office sits behind one address. */
  readonly address: number;
  /** Orders without an account from one address. */
  readonly guestOrders: number;
  /** Tries of follow codes from one address: 20 a minute against 32^12 codes find one of a million tickets in 100,000 years. */
  readonly followCodes: number;
}

/** Which limits a route has beside the common ones. */
export type Strictness = 'guest-order' | 'follow-code' | undefined;

declare module 'fastify' {
  interface FastifyContextConfig {
    strictness?: Strictness;
  }
}

/** Says whether the request is one too many. */
export type Limiter = (request: FastifyRequest) => Promise<Problem | undefined>;

const minute = 60_000;

/** Makes the limiter; its counters are those of @fastify/rate-limit, bounded in number. */
export async function openLimiter(app: FastifyInstance, limits: Limits): Promise<Limiter> {
  await app.register(rateLimit, { global: false, cache: 20_000 });
  const counter = (max: number, keyGenerator?: (request: FastifyRequest) => string) =>
    app.createRateLimit({ max, timeWindow: minute, ...(keyGenerator === undefined ? {} : { keyGenerator }) });
  const address = counter(limits.address);
  // The signature is what nobody can make up; a made-up token is stopped by the limit of its address.
  const token = counter(limits.token, ({ headers }) => headers.authorization?.slice(-43) ?? '');
  const guestOrders = counter(limits.guestOrders);
  const followCodes = counter(limits.followCodes);
  return async (request) => {
    const signedIn = request.headers.authorization !== undefined;
    const strictness = request.routeOptions.config.strictness;
    const counters = [address];
    if (signedIn) counters.push(token);
    if (strictness === 'follow-code') counters.push(followCodes);
    if (strictness === 'guest-order' && !signedIn) counters.push(guestOrders);
    for (const count of counters) {
      const counted = await count(request);
      if (!counted.isAllowed && counted.isExceeded) {
        return problem('too-many-requests', { retryAfterSeconds: Math.max(1, counted.ttlInSeconds) });
      }
    }
    return undefined;
  };
}
