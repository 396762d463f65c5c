/**
 * Follow codes: they open a ticket without an account. A code follows from the ticket's id and a key of the installation, so
 * that a repeated order gets the same one; only its hash is stored, and it is never logged.
 */
import { createHmac, hash, type KeyObject } from 'node:crypto';

/** Crockford's base 32: no I, L, O, U. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const length = 12;

/** The code of a ticket: 12 characters, 60 bits. */
export function followCode(key: KeyObject, ticket: string): string {
  const digest = createHmac('sha256', key).update(ticket).digest();
  let code = '';
  // Five bits of each byte: all are equally good.
  for (const byte of digest.subarray(0, length)) code += alphabet.charAt(byte & 31);
  return code;
}

/** What is stored of a code, as it was made or as a person typed it. */
export function followHash(code: string): string {
  return hash('sha256', normalized(code), 'base64url');
}

/** Case, hyphens and spaces do not matter; O is read as 0, I and L as 1. */
function normalized(code: string): string {
  return code.toUpperCase().replace(/[-\s]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
}
