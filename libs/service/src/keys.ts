import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationFault, type Environment, secretJson, textSetting } from './environment.ts';

/** Secrets of this installation, generated once into a folder, or given by configuration. */
export interface Keys {
  /** 32 bytes for one purpose: BANDENG_KEY_<NAME> in base64, else `<name>.key` in the folder of keys. */
  secret(name: string): Buffer;
  /** The key pair by which a service says who it is: BANDENG_SERVICE_KEY_<NAME> as JSON Web Key, else a file. */
  pair(service: string): ServiceKey;
  /** The public key of a service, this or another; from configuration its private half need not be there. */
  publicKey(service: string): JsonWebKeyLike;
}

/** A private JSON Web Key (Ed25519) with its key id. */
export interface ServiceKey {
  readonly kid: string;
  readonly private: JsonWebKeyLike;
  readonly public: JsonWebKeyLike;
}

/** A JSON Web Key as node:crypto and jose read it. */
export interface JsonWebKeyLike {
  readonly kty: string;
  readonly kid: string;
  readonly alg: string;
  readonly use: string;
  readonly crv?: string;
  readonly x?: string;
  readonly d?: string;
}

const variable = (prefix: string, name: string): string => `${prefix}_${name.toUpperCase().replaceAll('-', '_')}`;

/** The keys in a folder, which is made with mode 700; files with mode 600. */
export function openKeys(folder: string, environment: Environment): Keys {
  mkdirSync(folder, { recursive: true, mode: 0o700 });

  /** What the file holds; made once, also when several processes start at the same instant. */
  const once = (name: string, make: () => string): string => {
    const path = join(folder, name);
    const read = (): string | undefined => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    };
    const there = read();
    if (there !== undefined) return there;
    const draft = join(folder, `.${name}.${randomUUID()}`);
    writeFileSync(draft, make(), { mode: 0o600, flush: true });
    try {
      linkSync(draft, path);
    } catch {
      // Another process was faster; its key counts.
    } finally {
      rmSync(draft, { force: true });
    }
    const made = read();
    if (made === undefined) throw new ConfigurationFault(`the key ${path} can be neither read nor made`);
    return made;
  };

  /** What a setting gives, else a file that is made when it is missing; with the name by which a fault of it is told. */
  const givenOr = (
    setting: string,
    file: string,
    make: () => string,
  ): { readonly name: string; readonly text: string } => {
    const given = textSetting(environment, setting, '');
    return given === '' ? { name: join(folder, file), text: once(file, make) } : { name: setting, text: given };
  };

  const keyOf = (service: string): { readonly name: string; readonly key: JsonWebKeyLike } => {
    const setting = variable('BANDENG_SERVICE_KEY', service);
    const { name, text } = givenOr(setting, `service-${service}.jwk`, () => JSON.stringify(freshPair(service)));
    const key = secretJson(name, text);
    if (isKey(key) && key.kid === service) return { name, key };
    throw new ConfigurationFault(`${name} is no Ed25519 JSON Web Key with the kid '${service}'`);
  };
  const openHalf = ({ d: _private, ...open }: JsonWebKeyLike): JsonWebKeyLike => open;

  return {
    secret(purpose) {
      const made = () => randomBytes(32).toString('base64');
      const { name, text } = givenOr(variable('BANDENG_KEY', purpose), `${purpose}.key`, made);
      const bytes = Buffer.from(text, 'base64');
      if (bytes.length === 32) return bytes;
      throw new ConfigurationFault(`${name} has ${bytes.length} bytes: 32 in base64 are needed`);
    },
    pair(service) {
      const { name, key } = keyOf(service);
      if (typeof key.d === 'string') return { kid: key.kid, private: key, public: openHalf(key) };
      throw new ConfigurationFault(`${name} has no private half`);
    },
    publicKey: (service) => openHalf(keyOf(service).key),
  };
}

function freshPair(service: string): JsonWebKeyLike {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  if (x === undefined || d === undefined) throw new Error('no Ed25519 key could be made');
  return { kty: 'OKP', crv: 'Ed25519', x, d, kid: service, alg: 'EdDSA', use: 'sig' };
}

function isKey(key: unknown): key is JsonWebKeyLike {
  return (
    typeof key === 'object' &&
    key !== null &&
    'kty' in key &&
    key.kty === 'OKP' &&
    'kid' in key &&
    typeof key.kid === 'string' &&
    'x' in key &&
    typeof key.x === 'string' &&
    (!('d' in key) || typeof key.d === 'string')
  );
}
