import { createHash } from 'node:crypto';

/** An Idempotency-Key out of words: as they are when a header may hold them, else their hash. */
export function importKey(...words: readonly string[]): string {
  const plain = ['import', ...words].join(':');
  if (/^[\x21-\x7e]{1,200}$/.test(plain)) return plain;
  return `import:${createHash('sha256').update(JSON.stringify(words)).digest('hex')}`;
}
