import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { pageTokens } from './page-tokens.ts';

const key = randomBytes(32);
const last = { orderedAt: '2026-11-24T08:00:00.000Z', id: 't9' };
const refused = { refused: 'page-token-invalid', field: 'pageToken' };

test('a page token opens for the same person and query, with the same key in another replica', () => {
  const token = pageTokens(key).seal('territory=4599', 'p1', last);
  expect(pageTokens(key).open('territory=4599', 'p1', token)).toEqual(last);
});

test("another person's, another query's, a changed, a foreign and a made-up page token are refused", () => {
  const pages = pageTokens(key);
  const token = pages.seal('territory=4599', 'p1', last);
  expect(pages.open('territory=4599', 'p2', token)).toEqual(refused);
  expect(pages.open('territory=459902', 'p1', token)).toEqual(refused);
  expect(pages.open('territory=4599', 'p1', `${token.slice(0, -2)}AA`)).toEqual(refused);
  expect(pageTokens(randomBytes(32)).open('territory=4599', 'p1', token)).toEqual(refused);
  expect(pages.open('territory=4599', 'p1', 'not a token')).toEqual(refused);
});

test('a list begins with the empty token, and behind its last page there is none', () => {
  const pages = pageTokens(key);
  expect(pages.open('territory=4599', 'p1', '')).toBeUndefined();
  expect(pages.seal('territory=4599', 'p1', undefined)).toBe('');
});

test('where one part ends and the next begins cannot be shifted', () => {
  const pages = pageTokens(key);
  expect(pages.open('a', 'bc', pages.seal('ab', 'c', 1))).toEqual(refused);
});

test('a page token is valid a day', () => {
  let now = Date.parse('2026-11-24T08:00:00Z');
  const pages = pageTokens(key, () => now);
  const token = pages.seal('q', 'p1', last);
  now += 24 * 3600_000 - 1;
  expect(pages.open('q', 'p1', token)).toEqual(last);
  now += 1;
  expect(pages.open('q', 'p1', token)).toEqual(refused);
});
