/** Headers of a call, checked, as they go on to the service. */
import type { IncomingHttpHeaders } from 'node:http';
import { languageOf, type RawOptions } from '@bandeng/rpc';
import { type FieldProblem, fault, invalid, type Problem, problem } from './problems.ts';

/** What a service gets to know about a call beside its message. */
export type CallHeaders = NonNullable<RawOptions['headers']>;

/** Reads them, or says which are not as they must be. gRPC takes printable ASCII only. */
export function readHeaders(headers: IncomingHttpHeaders): CallHeaders | { readonly problem: Problem } {
  const { authorization, 'acting-as': actingAs, 'idempotency-key': idempotencyKey, 'if-match': ifMatch } = headers;
  if (authorization !== undefined && !isBearer(authorization)) {
    return { problem: problem('token-invalid', { detail: 'not a bearer token' }) };
  }
  const faults: FieldProblem[] = [];
  if (actingAs !== undefined && !matches(/^[0-9A-Za-z-]{1,64}$/, actingAs)) {
    faults.push(fault('actingAs', 'pattern', 'must be the id of a posting'));
  }
  if (idempotencyKey !== undefined && !matches(/^[\x21-\x7e]{1,200}$/, idempotencyKey)) {
    faults.push(fault('idempotencyKey', 'pattern', 'must be 1 to 200 visible ASCII characters'));
  }
  // A weak ETag is refused: two representations of one version are the same, or they are not.
  if (ifMatch !== undefined && !isVersion(ifMatch)) {
    faults.push(fault('ifMatch', 'pattern', 'must be an ETag as it was sent, for example "3"'));
  }
  if (faults.length > 0) return { problem: invalid(faults) };
  return {
    acceptLanguage: languageOf(headers['accept-language']),
    ...(authorization === undefined ? {} : { authorization }),
    ...(typeof actingAs === 'string' ? { actingAs } : {}),
    ...(typeof idempotencyKey === 'string' ? { idempotencyKey } : {}),
    // `*` asks only that it is there, and every command that changes something asks that anyway.
    ...(ifMatch === undefined || ifMatch === '*' ? {} : { ifMatch }),
  };
}

/** Whether a header holds a signed token, in the one way to write it (RFC 7515); whose, is for the verifier to say. */
export function isBearer(header: string): boolean {
  return /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/i.test(header);
}

function matches(pattern: RegExp, header: string | string[]): boolean {
  return typeof header === 'string' && pattern.test(header);
}

function isVersion(header: string): boolean {
  return header === '*' || (/^"(?:0|[1-9][0-9]{0,9})"$/.test(header) && Number(header.slice(1, -1)) <= 0xffff_ffff);
}
