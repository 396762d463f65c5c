import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openKeys } from './keys.ts';

const folder = (): string => join(mkdtempSync(join(tmpdir(), 'keys-')), 'keys');

test('a key is made once, kept, and readable by its owner alone', () => {
  const place = folder();
  const first = openKeys(place, {}).secret('follow-code');
  expect(first).toHaveLength(32);
  expect(openKeys(place, {}).secret('follow-code')).toEqual(first);
  expect(openKeys(place, {}).secret('contacts')).not.toEqual(first);
  for (const name of readdirSync(place)) expect(statSync(join(place, name)).mode & 0o777).toBe(0o600);
  expect(statSync(place).mode & 0o777).toBe(0o700);
});

test('a service has one key pair, whose public half gives nothing away', () => {
  const place = folder();
  const pair = openKeys(place, {}).pair('tickets');
  expect(openKeys(place, {}).pair('tickets')).toEqual(pair);
  expect(pair.kid).toBe('tickets');
  expect(pair.public.d).toBe(undefined);
});

test('a key from configuration counts, and one of the wrong length names itself', () => {
  const given = Buffer.alloc(32, 7);
  expect(openKeys(folder(), { BANDENG_KEY_FOLLOW_CODE: given.toString('base64') }).secret('follow-code')).toEqual(
    given,
  );
  expect(() => openKeys(folder(), { BANDENG_KEY_FOLLOW_CODE: 'c2hvcnQ=' }).secret('follow-code')).toThrow(
    'BANDENG_KEY_FOLLOW_CODE has 5 bytes',
  );
});

test('of another service the public half will do, of its own it will not', () => {
  const { public: open } = openKeys(folder(), {}).pair('tickets');
  const keys = openKeys(folder(), { BANDENG_SERVICE_KEY_TICKETS: JSON.stringify(open) });
  expect(keys.publicKey('tickets')).toEqual(open);
  expect(() => keys.pair('tickets')).toThrow('BANDENG_SERVICE_KEY_TICKETS has no private half');
});

test.each([
  ['what is no JSON', '{"kty":"OKP","d":nRTv-secret', 'is no JSON'],
  ['what is no key', '{"kty":"RSA"}', "is no Ed25519 JSON Web Key with the kid 'tickets'"],
  ['the key of another service', '{"kty":"OKP","x":"x","kid":"identity"}', "with the kid 'tickets'"],
])('%s is told by the name of its setting, and nothing of it is shown', (_what, text, fault) => {
  const keys = openKeys(folder(), { BANDENG_SERVICE_KEY_TICKETS: text });
  const said = ((): string => {
    try {
      return String(keys.pair('tickets'));
    } catch (error) {
      return String(error);
    }
  })();
  expect(said).toMatch(/^ConfigurationFault: BANDENG_SERVICE_KEY_TICKETS is no /);
  expect(said).toContain(fault);
  expect(said).not.toContain('nRTv');
});

test('an empty setting is none', () => {
  expect(openKeys(folder(), { BANDENG_KEY_PAGES: '' }).secret('pages')).toHaveLength(32);
});
