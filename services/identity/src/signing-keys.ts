import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigurationFault, secretJson } from '@bandeng/service';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';

/** Private keys as JSON Web Keys, each with `kid`, `alg` and `use`. The first of an algorithm signs, all are published. */
export interface SigningKeys {
  readonly keys: readonly JWK[];
}

/** The algorithms that must be there: access tokens are signed by EdDSA, ID tokens by ES256, which every library knows. */
const signingAlgorithms = ['EdDSA', 'ES256'] as const;

/** The key set of a configuration (`BANDENG_SIGNING_KEYS`, JSON of a private JWK set), or that of a file, made when missing. */
export async function signingKeys(source: { readonly json?: string; readonly file: string }): Promise<SigningKeys> {
  if (source.json !== undefined) return asKeys('BANDENG_SIGNING_KEYS', source.json);
  return asKeys(source.file, await readOrMake(source.file));
}

/** The public halves, as they are published. */
export function publicKeys({ keys }: SigningKeys): { keys: JWK[] } {
  // By naming what may go out: a new private member of some key type must not slip through.
  return {
    keys: keys.map(({ kty, crv, x, y, n, e, kid, alg, use }) =>
      Object.fromEntries(
        Object.entries({ kty, crv, x, y, n, e, kid, alg, use }).filter(([, value]) => value !== undefined),
      ),
    ),
  };
}

async function readOrMake(file: string): Promise<string> {
  const found = await readFile(file, 'utf8').catch(whenMissing);
  if (found !== undefined) return found;
  const made = JSON.stringify({ keys: await Promise.all(signingAlgorithms.map(makeKey)) });
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  // Written whole beside it, then linked: of two processes that start at once one wins, and both read the winner's.
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, made, { mode: 0o600, flag: 'wx' });
  await chmod(draft, 0o600);
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await unlink(draft);
  return readFile(file, 'utf8');
}

function whenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function makeKey(alg: (typeof signingAlgorithms)[number]): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' };
}

function asKeys(name: string, json: string): SigningKeys {
  const { keys }: { keys?: unknown } = Object(secretJson(name, json));
  if (!Array.isArray(keys)) throw new ConfigurationFault(`${name} is not a JSON Web Key Set`);
  const known: JWK[] = keys;
  for (const alg of signingAlgorithms) {
    if (!known.some((key) => key.alg === alg && key.kid !== undefined && key.d !== undefined)) {
      throw new ConfigurationFault(`${name} holds no private ${alg} key with a kid`);
    }
  }
  return { keys: known };
}
