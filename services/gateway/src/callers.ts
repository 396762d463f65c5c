/** Who is calling, for the few routes that no service answers. Everything else is judged by the services alone. */

import type { IncomingHttpHeaders } from 'node:http';
import type { Caller, Verifier } from '@bandeng/rpc';
import { isBearer } from './headers.ts';
import { type Problem, problem } from './problems.ts';

/** A signed-in caller and until when the token says so. */
export interface SignedIn {
  readonly caller: Caller;
  readonly until: Date;
  /** Whether the token still counts: its holder may have been erased or ended since. */
  counts(): Promise<boolean>;
}

/** The caller by a bearer token. */
export async function signedIn(
  headers: IncomingHttpHeaders,
  verify: Verifier,
): Promise<SignedIn | { problem: Problem }> {
  const { authorization } = headers;
  if (authorization === undefined) return { problem: problem('sign-in-needed') };
  if (!isBearer(authorization)) return { problem: problem('token-invalid', { detail: 'not a bearer token' }) };
  const token = authorization.slice('Bearer '.length);
  let caller: Awaited<ReturnType<Verifier>>;
  try {
    caller = await verify(token);
  } catch {
    // The keys of the issuer cannot be read now: nobody's fault, and nobody's right.
    return { problem: problem('unavailable', { retryAfterSeconds: 2 }) };
  }
  if ('invalid' in caller) return { problem: problem('token-invalid', { detail: caller.invalid }) };
  return { caller, until: expiryOf(token), counts: async () => !('invalid' in (await verify(token))) };
}

/** When a token that was verified expires. */
function expiryOf(token: string): Date {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  return new Date(Number(Reflect.get(Object(claims), 'exp')) * 1000);
}
