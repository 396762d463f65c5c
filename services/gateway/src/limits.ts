/** How much one caller may ask for. Counted in this process; a caller who is spread over replicas gets that many times more. */
import { networkOf } from '@bandeng/service';
import type { FastifyRequest } from 'fastify';
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
  /**
   * Sign-ins begun and passwords from one address: what is begun is kept for a while, and to compare a password takes some 15 ms
   * of two cores, for which all others wait.
   */
  readonly signIns: number;
}

/** Which limits a route has beside the common ones. */
export type Strictness = 'guest-order' | 'follow-code' | 'sign-in' | undefined;

declare module 'fastify' {
  interface FastifyContextConfig {
    strictness?: Strictness;
  }
}

/** Says whether the request is one too many. */
export type Limiter = (request: FastifyRequest, strictness: Strictness) => Problem | undefined;

/** Makes the limiter. */
export function openLimiter(limits: Limits): Limiter {
  const address = counter(limits.address);
  const token = counter(limits.token);
  const guestOrders = counter(limits.guestOrders);
  const followCodes = counter(limits.followCodes);
  const signIns = counter(limits.signIns);
  return (request, strictness) => {
    const { authorization } = request.headers;
    const network = networkOf(request.ip);
    // The signature is what nobody can make up; a made-up token is stopped by the limit of its address. Its last character says
    // more than is signed: it could be written in several ways.
    let wait = address(network);
    if (authorization !== undefined) wait ||= token(authorization.slice(-43, -1));
    if (strictness === 'follow-code') wait ||= followCodes(network);
    if (strictness === 'sign-in') wait ||= signIns(network);
    if (strictness === 'guest-order' && authorization === undefined) wait ||= guestOrders(network);
    return wait === 0 ? undefined : problem('too-many-requests', { retryAfterSeconds: wait });
  };
}

const minute = 60_000;
/** Callers that a counter remembers; who comes when it is full takes the place of the one that has been there longest. */
const mostCallers = 20_000;

/** Counts one more of a caller in the minute that began with their first; answers 0, or in how many seconds they may come again. */
export function counter(most: number, now: () => number = () => performance.now()): (caller: string) => number {
  const minutes = new Map<string, { count: number; until: number }>();
  return (caller) => {
    const time = now();
    const running = minutes.get(caller);
    if (running !== undefined && running.until > time) {
      running.count += 1;
      return running.count > most ? Math.ceil((running.until - time) / 1_000) : 0;
    }
    // Taken out and put in again, so that the map stays in the order of beginning.
    if (running !== undefined) minutes.delete(caller);
    else if (minutes.size >= mostCallers) {
      for (const longest of minutes.keys()) {
        minutes.delete(longest);
        break;
      }
    }
    minutes.set(caller, { count: 1, until: time + minute });
    return most < 1 ? minute / 1_000 : 0;
  };
}
