import type { JsonWebKeySet } from '@bandeng/rpc';
import { discoveryOf } from '@bandeng/service/discovery';

/** It is asked again after this at the earliest; whoever meets an unknown key waits no longer. */
const pause = 5_000;
const patience = 2_000;

/**
 * Reads the public keys of a city's own issuer (OpenID Connect Discovery). While it is away the last known keys count: those
 * who are signed in stay so.
 */
export function keysOfForeignIssuer(issuer: string, now = () => performance.now()): () => Promise<JsonWebKeySet> {
  let known: JsonWebKeySet | undefined;
  let askedAt = 0;
  return async () => {
    if (known !== undefined && now() - askedAt < pause) return known;
    askedAt = now();
    try {
      known = await discovered(issuer);
    } catch (error) {
      if (known === undefined) throw error;
    }
    return known;
  };
}

async function discovered(issuer: string): Promise<JsonWebKeySet> {
  const discovery = await read(discoveryOf(issuer));
  if (discovery.issuer !== issuer)
    throw new Error(`the issuer calls itself ${String(discovery.issuer)}, not ${issuer}`);
  const { keys } = await read(String(discovery.jwks_uri));
  if (!Array.isArray(keys)) throw new Error(`${issuer} publishes no key set`);
  return { keys };
}

async function read(address: string): Promise<{ readonly [name: string]: unknown }> {
  const response = await fetch(address, { signal: AbortSignal.timeout(patience), redirect: 'error' });
  if (!response.ok) throw new Error(`${address} answers ${response.status}`);
  const body: unknown = await response.json();
  if (typeof body !== 'object' || body === null) throw new Error(`${address} is no JSON object`);
  return { ...body };
}
