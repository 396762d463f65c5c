/** A notifications service on a real socket, with an issuer of its own, for the tests of this package. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Notice, NoticePreferences } from '@bandeng/contracts/notifications';
import type { Logger } from '@bandeng/telemetry';
import { SignJWT } from 'jose';
import {
  type Client,
  connect,
  type Handlers,
  implement,
  type JsonWebKey,
  type RawClient,
  type RefusalTable,
  rawClient,
  type Server,
  type ServerOptions,
  type ServiceTokens,
  serviceTokens,
  startServer,
  type Verifier,
  verifier,
} from '../src/index.ts';

export const issuer = 'https://issuer.example';

export const notice: Notice = {
  id: 'n1',
  at: new Date('2026-11-24T08:00:00Z'),
  event: 'bandeng.tickets.ticket-dispatched.v1',
  title: '已派单',
  body: '',
  ticket: 't1',
  readAt: undefined,
};

const preferences: NoticePreferences = {
  version: 0,
  choices: [],
  language: '',
  quietHours: undefined,
  digestHour: 18,
  channels: ['INBOX'],
};

type Reason = 'not-visible' | 'not-in-this-state' | 'busy' | 'capacity-needed';

const refusals: RefusalTable<Reason> = {
  'not-visible': { kind: 'missing', title: 'There is no such notice' },
  'not-in-this-state': { kind: 'state', title: 'Not now' },
  busy: { kind: 'busy', title: 'Too many changes at once' },
  'capacity-needed': { kind: 'field', title: 'Name a posting' },
};

export type NoticeHandlers = Handlers<'notifications', Reason>;

/** An Ed25519 key pair as JSON Web Keys. */
export function keyPair(kid: string): { private: JsonWebKey; public: JsonWebKey } {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  if (x === undefined || d === undefined) throw new Error('no key was made');
  const open = { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig' };
  return { private: { ...open, d }, public: open };
}

const issuerKey = keyPair('issuer-1');
const serviceKeys = {
  gateway: keyPair('gateway'),
  tickets: keyPair('tickets'),
  notifications: keyPair('notifications'),
};

/** A token of a person, as the issuer signs it; anything in it can be made otherwise. */
export async function personToken(
  person: string,
  otherwise: {
    issuer?: string;
    audience?: string;
    expiresIn?: number;
    key?: JsonWebKey;
    claims?: Record<string, unknown>;
  } = {},
): Promise<string> {
  const key = otherwise.key ?? issuerKey.private;
  return new SignJWT({ client_id: 'web', ...otherwise.claims })
    .setProtectedHeader({ alg: 'EdDSA', kid: key.kid ?? '', typ: 'at+jwt' })
    .setIssuer(otherwise.issuer ?? issuer)
    .setSubject(person)
    .setAudience(otherwise.audience ?? 'bandeng')
    .setExpirationTime(Math.floor(Date.now() / 1000) + (otherwise.expiresIn ?? 600))
    .sign(createPrivateKey({ key: { ...key }, format: 'jwk' }));
}

/** The verifier of that issuer and these services. */
export function verifierOfTest(keySet = async () => ({ keys: [issuerKey.public] })): Verifier {
  return verifier({
    ...{ service: 'notifications', issuer, audience: 'bandeng' },
    keySet,
    serviceKeys: { keys: Object.values(serviceKeys).map((pair) => pair.public) },
  });
}

export function tokensOf(service: keyof typeof serviceKeys): ServiceTokens {
  return serviceTokens({ service, privateKey: serviceKeys[service].private });
}

export interface Line {
  readonly level: 'info' | 'warn' | 'error' | 'debug';
  readonly about: object;
  readonly message: string;
}

/** A log that keeps its lines. */
export function keptLog(): Logger & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: Line['level']) => (about: object, message: string) => {
    lines.push({ level, about, message });
  };
  return { lines, info: at('info'), warn: at('warn'), error: at('error'), debug: at('debug') };
}

export interface Notices extends AsyncDisposable {
  readonly server: Server;
  readonly lines: readonly Line[];
  /** As the tickets service. */
  readonly client: Client<'notifications'>;
  /** As the gateway. */
  readonly raw: RawClient;
}

/** Starts it with these handlers; the others answer with nothing of interest. */
export async function startNotices(
  handlers: Partial<NoticeHandlers> = {},
  options: Partial<ServerOptions> = {},
): Promise<Notices> {
  const folder = mkdtempSync(join(tmpdir(), 'bandeng-rpc-'));
  const log = keptLog();
  const address = `unix:${join(folder, 'notices.sock')}`;
  const all: NoticeHandlers = {
    listInbox: async () => ({ notices: [], nextPageToken: '' }),
    getNotice: async () => notice,
    readNotice: async () => notice,
    getNoticePreferences: async () => preferences,
    setNoticePreferences: async () => preferences,
    listMyDeliveries: async () => ({ deliveries: [], nextPageToken: '' }),
    listFailedDeliveries: async () => ({ deliveries: [], nextPageToken: '' }),
    listChannels: async () => ({ channels: [] }),
    ...handlers,
  };
  const server = await startServer({
    address,
    implementations: [implement('notifications', all, refusals)],
    verify: verifierOfTest(),
    log,
    leaveTime: 0,
    ...options,
  });
  const client = connect('notifications', { address: server.address, token: tokensOf('tickets') });
  const raw = rawClient({ address: () => server.address, token: tokensOf('gateway') });
  return {
    server,
    lines: log.lines,
    client,
    raw,
    async [Symbol.asyncDispose]() {
      client.close();
      raw.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
