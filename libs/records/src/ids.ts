import { hash } from 'node:crypto';

/**
 * An id that follows from where it comes from (actor or source, rpc or reaction, command id): the first 128 bits of SHA-256
 * as UUID v8, so that a repeated create meets its own document.
 */
export function derivedId(...parts: readonly string[]): string {
  // JSON keeps ('a', 'bc') and ('ab', 'c') apart.
  const hex = hash('sha256', JSON.stringify(parts), 'hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0b0011) | 0b1000).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
