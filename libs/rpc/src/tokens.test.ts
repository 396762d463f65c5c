import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { type JsonWebKey, serviceTokens, verifier } from './tokens.ts';

function pair(kid: string): { private: JsonWebKey; public: JsonWebKey } {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const open = { kty: 'OKP', crv: 'Ed25519', x: x ?? '', kid, alg: 'EdDSA' };
  return { private: { ...open, d: d ?? '' }, public: open };
}

const start = Date.parse('2026-11-24T08:00:00Z');

/** An issuer whose keys and clock are at hand. */
function world() {
  let now = start;
  const keys = [pair('k1')];
  let reads = 0;
  let away = false;
  const tickets = pair('tickets');
  const verify = verifier({
    service: 'identity',
    issuer: 'https://issuer.example',
    audience: 'bandeng',
    keySet: async () => {
      reads++;
      if (away) throw new Error('the issuer is away');
      return { keys: keys.map((key) => key.public) };
    },
    serviceKeys: { keys: [tickets.public] },
    now: () => now,
  });
  const signed = (key: JsonWebKey, seconds: number, claims: JWTPayload) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', kid: key.kid ?? '' })
      .setExpirationTime(now / 1000 + seconds)
      .sign(createPrivateKey({ key: { ...key }, format: 'jwk' }));
  const sign = (key: JsonWebKey, seconds = 600, claims: JWTPayload = {}) =>
    signed(key, seconds, { ...claims, iss: 'https://issuer.example', aud: 'bandeng', sub: 'p1' });
  const signAsTickets = (aud: string, sub: string) =>
    signed(tickets.private, 60, { iss: 'urn:bandeng:services', aud, sub });
  const pass = (seconds: number) => {
    now += seconds * 1000;
  };
  const leave = (gone: boolean) => {
    away = gone;
  };
  return { verify, sign, signAsTickets, keys, tickets, pass, leave, reads: () => reads, now: () => now };
}

test('a token is remembered as long as it is valid, and no longer', async () => {
  const { verify, sign, keys, pass } = world();
  const token = await sign(keys[0]?.private ?? {});
  expect(await verify(token)).toEqual({ kind: 'person', id: 'p1' });
  keys.length = 0;
  pass(599);
  expect(await verify(token)).toEqual({ kind: 'person', id: 'p1' });
  pass(10);
  expect(await verify(token)).toHaveProperty('invalid');
});

test('the keys of an issuer that is away for a while count on, and it is asked again', async () => {
  const { verify, sign, keys, pass, leave, reads } = world();
  const tokens = await Promise.all(
    Array.from({ length: 5 }, (_, index) => sign(keys[0]?.private ?? {}, 3_600 + index)),
  );
  const next = () => verify(tokens.pop() ?? '');
  expect(await next()).toMatchObject({ kind: 'person' });
  leave(true);
  pass(6 * 60);
  expect(await next()).toMatchObject({ kind: 'person' });
  expect(await next()).toMatchObject({ kind: 'person' });
  expect(reads()).toBe(2);
  leave(false);
  pass(60);
  expect(await next()).toMatchObject({ kind: 'person' });
  expect(reads()).toBe(3);
  // Set back by an hour, the clock says nothing of how old they are.
  pass(-3_600);
  keys.push(pair('k2'));
  expect(await verify(await sign(keys[1]?.private ?? {}))).toMatchObject({ kind: 'person' });
});

test('a token of a person says of which grant it is, if its issuer says so', async () => {
  const { verify, sign, keys } = world();
  const of = (grant: unknown) => sign(keys[0]?.private ?? {}, 600, { grant });
  expect(await verify(await of('g1'))).toEqual({ kind: 'person', id: 'p1', grant: 'g1' });
  expect(await verify(await of(['g1']))).toEqual({ kind: 'person', id: 'p1' });
});

test('a new key of the issuer is found at once, and made-up keys do not make us ask all the time', async () => {
  const { verify, sign, keys, pass, reads } = world();
  await verify(await sign(keys[0]?.private ?? {}));
  pass(60);
  const next = pair('k2');
  keys.push(next);
  expect(await verify(await sign(next.private))).toEqual({ kind: 'person', id: 'p1' });
  expect(reads()).toBe(2);
  for (let n = 0; n < 20; n++)
    expect(await verify(await sign(pair(`fake-${n}`).private))).toEqual({ invalid: 'unknown key' });
  expect(reads()).toBe(2);
});

test('a key that the issuer withdrew is forgotten within minutes', async () => {
  const { verify, sign, keys, pass } = world();
  const [old] = keys;
  await verify(await sign(old?.private ?? {}));
  keys.splice(0, 1, pair('k2'));
  pass(301);
  expect(await verify(await sign(old?.private ?? {}))).toEqual({ invalid: 'unknown key' });
});

test('a service signs for itself alone', async () => {
  const { verify, signAsTickets, tickets, now } = world();
  const own = serviceTokens({ service: 'tickets', privateKey: tickets.private, now });
  expect(await verify(await own('identity'))).toEqual({ kind: 'service', name: 'tickets' });
  const other = await signAsTickets('bandeng:identity', 'service:identity');
  expect(await verify(other)).toEqual({ invalid: 'wrong sub' });
});

test('a token of a service counts at the one service it was made for', async () => {
  const { verify, sign, signAsTickets, keys, tickets, now } = world();
  const tokens = serviceTokens({ service: 'tickets', privateKey: tickets.private, now });
  expect(await verify(await tokens('orggraph'))).toEqual({ invalid: 'wrong aud' });
  const forAll = await signAsTickets('bandeng', 'service:tickets');
  expect(await verify(forAll)).toEqual({ invalid: 'wrong aud' });
  // What people show counts everywhere: it is passed on from service to service.
  expect(await verify(await sign(keys[0]?.private ?? {}))).toMatchObject({ kind: 'person' });
});

test('a service token is remembered for each service that is called, and signed anew before it expires', async () => {
  const { tickets, pass, now } = world();
  const tokens = serviceTokens({ service: 'tickets', privateKey: tickets.private, now });
  const first = await tokens('identity');
  pass(200);
  const other = await tokens('orggraph');
  expect(other).not.toBe(first);
  expect(tokens('identity')).toBe(tokens('identity'));
  expect(await tokens('identity')).toBe(first);
  pass(50);
  expect(await tokens('identity')).not.toBe(first);
  expect(await tokens('orggraph')).toBe(other);
});
