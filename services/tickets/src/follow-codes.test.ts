import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { followCode, followHash } from './follow-codes.ts';

const keyOf = (byte: number) => createSecretKey(Buffer.alloc(32, byte));
const key = keyOf(7);

it('a code has twelve characters that nobody confuses, and is always the same for a ticket', () => {
  fc.assert(
    fc.property(fc.uuid(), (ticket) => {
      const code = followCode(key, ticket);
      expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{12}$/);
      expect(followCode(key, ticket)).toBe(code);
    }),
  );
});

it('another key makes other codes', () => {
  expect(followCode(keyOf(8), 't')).not.toBe(followCode(key, 't'));
});

it('a code is read as people type it', () => {
  expect(followHash('0o1i-lAbc-dEfg')).toBe(followHash('00111ABCDEFG'));
  expect(followHash(' 0011 1abc defg ')).toBe(followHash('00111ABCDEFG'));
});
