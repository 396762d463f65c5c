import type { JsonWebKeySet } from '@bandeng/rpc';

/** For how long a key set is taken as it was read; a key that was withdrawn counts no longer than that. */
const freshFor = 60_000;
const patience = 2_000;

/**
 * Reads the public keys of a city's own issuer (OpenID Connect Discovery). While it is away the last known keys count: those
 * who are signed in stay so.
 */
export function keysOfForeignIssuer(issuer: string, now: () => Date): () => Promise<JsonWebKeySet> {
  let known: { readonly keys: JsonWebKeySet; readonly at: number } | undefined;
  return async () => {
    if (known !== undefined && now().getTime() - known.at < freshFor) return known.keys;
    try {
      known = { keys: await discovered(issuer), at: now().getTime() };
    } catch (error) {
      if (known === undefined) throw error;
    }
    return known.keys;
  };
}

async function discovered(issuer: string): Promise<JsonWebKeySet> {
  const discovery = await read(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
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
