import { hash } from 'node:crypto';

/**
 * An id that follows from where it comes from (actor or source, rpc or reaction, command id): the first 128 bits of SHA-256
 * as UUID v8, so that a repeated create meets its own document.
 */
export function derivedId(...parts: readonly string[]): string {
  // JSON keeps ('a', 'bc') and ('ab', 'c') apart.
  const bytes = hash('sha256', JSON.stringify(parts), 'buffer').subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The hash of a canonical request: 128 bits of SHA-256 in base64url, enough to tell two requests of one caller apart. */
export function requestHash(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'buffer').subarray(0, 16).toString('base64url');
}
