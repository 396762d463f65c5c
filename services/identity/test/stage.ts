import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { connectMongo, type Db } from '@bandeng/records';
import { type Parts, parts } from '@bandeng/testing';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { openAttempts } from '../src/attempts.ts';
import { type EndedGrants, openEndedGrants } from '../src/ended-grants.ts';
import { clientsOfPeople, hashSecret } from '../src/oidc-clients.ts';
import { openOidcStore } from '../src/oidc-store.ts';
import { hashPassword } from '../src/passwords.ts';
import { openProvider, type RunningProvider } from '../src/provider.ts';
import { type Person, signInOf } from '../src/sign-in.ts';
import { signingKeys } from '../src/signing-keys.ts';
import { openVault } from '../src/vault.ts';
import { type Browser, browser, type Seen } from './browser.ts';

/** What the tests of the provider play with: two people, one other system, two applications. */
export const issuer = 'http://localhost:8080/oidc';
export const lina: Person = { id: '11111111-1111-8111-8111-111111111111', name: '李娜', language: 'zh-CN' };
export const smith: Person = { id: '22222222-2222-8222-8222-222222222222', name: 'J. Smith', language: 'en' };
export const password = 'a bench to sit on';
export const secret = 'a secret that was drawn at random';
export const callback = 'http://127.0.0.1:41234/callback';
export const web = 'https://console.example.com/signed-in';

const people = new Map([
  ['li.na', lina],
  ['smith', smith],
]);
const verifier = randomBytes(32).toString('base64url');
const challenge = createHash('sha256').update(verifier).digest('base64url');

/** A provider on real parts with an empty database. */
export interface Stage {
  readonly database: Db;
  readonly issuer: string;
  readonly environment: Parts['environment'];
  provider(): RunningProvider;
  visitor(): Browser;
  /** Closes the provider and opens it again over the same database. */
  restart(): Promise<void>;
  /** Empties the database and opens it again. */
  clear(): Promise<void>;
  /** Who has chosen another password since the last time. */
  changes(): string[];
  readonly endedGrants: EndedGrants;
  /** How often it was hinted at ended grants since the last time. */
  hints(): number;
  /** Errors that the provider logged since the last time. */
  faults(): unknown[];
  close(): Promise<void>;
}

/** Opens it behind a socket, as behind the gateway, or on a port of its own, as another house's provider. */
export async function openStage(options: { onPort?: boolean } = {}): Promise<Stage> {
  const given = await parts();
  const mongo = await connectMongo(given.mongodbUri);
  const database = mongo.db(`${given.databasePrefix}_identity`);
  const socketPath = join(given.directory, 'oidc.sock');
  const lines: object[] = [];
  const note = (about: object) => {
    lines.push(about);
  };
  const hash = await hashPassword(password);
  const changes: string[] = [];
  const port = Number(given.environment.BANDENG_PORT);
  const at = options.onPort ? `http://127.0.0.1:${port}/oidc` : issuer;

  const open = async (): Promise<RunningProvider> => {
    const vault = await openVault(database, Buffer.alloc(32, 1));
    for (const { id } of people.values()) await vault.put({ owner: id, secretHash: hash });
    const known = {
      byLogin: async (login: string) => people.get(login),
      byId: async (id: string) => [...people.values()].find((person) => person.id === id),
    };
    const hotline = { id: 'hotline', name: '12345', scopes: ['events', 'tickets.read'], territory: '4599' } as const;
    return openProvider({
      issuer: at,
      listen: options.onPort ? { host: '127.0.0.1', port } : { socketPath },
      store: await openOidcStore(database, endedGrants),
      keys: {
        signing: await signingKeys({ file: join(given.directory, 'signing.json') }),
        cookies: Buffer.alloc(32, 2),
      },
      accounts: {
        people: known,
        signIn: signInOf({
          people: known,
          vault,
          attempts: await openAttempts(database, Buffer.alloc(32, 3)),
          changed: async (person) => changes.push(person),
        }),
        systems: {
          byId: async (id) => (id === hotline.id ? { ...hotline, secretHash: hashSecret(secret) } : undefined),
        },
      },
      clients: clientsOfPeople({ redirectUris: [web], postLogoutRedirectUris: ['https://console.example.com/'] }),
      accessTokenSeconds: 600,
      log: { info: note, warn: note, error: note, debug: note },
    });
  };

  const hints: true[] = [];
  const endedGrants = await openEndedGrants({
    ...{ database, accessTokenSeconds: 600, now: () => new Date() },
    hint: () => void hints.push(true),
  });
  let running = await open();
  const restart = async () => {
    await running.close();
    running = await open();
  };
  return {
    database,
    issuer: at,
    environment: given.environment,
    provider: () => running,
    visitor: () => browser(issuer, socketPath),
    restart,
    clear: async () => {
      await running.close();
      await database.dropDatabase();
      running = await open();
    },
    endedGrants,
    hints: () => hints.splice(0).length,
    changes: () => changes.splice(0),
    faults: () => lines.splice(0).filter((line) => 'error' in line),
    close: async () => {
      await running.close();
      await mongo.close();
      await given.dispose();
    },
  };
}

/** Address at which an application begins a sign-in. */
export function authorize(more: Record<string, string> = {}, at = issuer): string {
  const asked = {
    client_id: 'bandeng-cli',
    response_type: 'code',
    redirect_uri: callback,
    scope: 'openid profile',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'here',
  };
  return `${at}/auth?${new URLSearchParams({ ...asked, ...more })}`;
}

/** The page that the application gets back after signing in by the form. */
export async function signedIn(visitor: Browser, login = 'li.na'): Promise<Seen> {
  return visitor.submit(await visitor.get(authorize()), { login, password });
}

export function codeFrom(seen: Seen): string {
  return new URL(seen.address).searchParams.get('code') ?? '';
}

export async function token(
  visitor: Browser,
  form: Record<string, string>,
  headers: Record<string, string> = {},
  at = issuer,
) {
  const { status, body } = await visitor.post(`${at}/token`, form, headers);
  return { status, ...JSON.parse(body) };
}

export function exchange(visitor: Browser, code: string, more: Record<string, string> = {}, at = issuer) {
  const form = { client_id: 'bandeng-cli', redirect_uri: callback, code, code_verifier: verifier };
  return token(visitor, { grant_type: 'authorization_code', ...form, ...more }, {}, at);
}

export function refresh(visitor: Browser, refreshToken: string) {
  return token(visitor, { grant_type: 'refresh_token', client_id: 'bandeng-cli', refresh_token: refreshToken });
}

export function basic(id: string, word: string): { authorization: string } {
  const pair = `${encodeURIComponent(id)}:${encodeURIComponent(word)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Verifies an access token as any service does. */
export function verify({ keySet }: Pick<RunningProvider, 'keySet'>, jwt: string) {
  return jwtVerify(jwt, createLocalJWKSet({ keys: [...keySet.keys] }), { issuer, audience: 'bandeng', typ: 'at+jwt' });
}
