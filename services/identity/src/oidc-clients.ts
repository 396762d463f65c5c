import { createHash, timingSafeEqual } from 'node:crypto';
import type { ClientMetadata } from 'oidc-provider';
import type { Scope } from './domain/client.ts';

/** A client of another system, as the provider asks for it. */
export interface KnownSystem {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly territory: string;
  readonly secretHash: string;
}

/** Which systems there are. */
export interface Systems {
  byId(id: string): Promise<KnownSystem | undefined>;
}

/** Where the console may be sent back to after signing in and out. */
export interface WebClient {
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
}

const forPeople = {
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
} as const;

/** Our own clients of people. They are public (they keep no secret), so each proves itself by PKCE. */
export function clientsOfPeople(web: WebClient): ClientMetadata[] {
  return [
    {
      ...forPeople,
      client_id: 'bandeng-cli',
      client_name: 'Bandeng CLI',
      // Native: any port of the loopback address is taken (RFC 8252 section 7.3).
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
      post_logout_redirect_uris: ['http://127.0.0.1/', 'http://localhost/'],
    },
    {
      ...forPeople,
      client_id: 'bandeng-web',
      client_name: '板凳 Bandeng',
      application_type: 'web',
      redirect_uris: [...web.redirectUris],
      post_logout_redirect_uris: [...web.postLogoutRedirectUris],
    },
  ];
}

/** A system as the provider's client. Its `client_secret` is the hash, which `secretMatches` compares. */
export function clientOfSystem(system: KnownSystem): ClientMetadata {
  return {
    client_id: system.id,
    client_name: system.name,
    client_secret: system.secretHash,
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    id_token_signed_response_alg: 'ES256',
    bandeng_territory: system.territory,
    bandeng_scopes: [...system.scopes],
  };
}

/** What our own metadata of a client says; nothing for a client of people. */
export function rightsOf(client: { readonly [key: string]: unknown }): {
  scopes: readonly string[];
  territory: string;
} {
  const { bandeng_scopes: scopes, bandeng_territory: territory } = client;
  return {
    scopes: Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === 'string') : [],
    territory: typeof territory === 'string' ? territory : '',
  };
}

/** Names of our own metadata, which the provider would refuse otherwise. */
export const ownMetadata = ['bandeng_territory', 'bandeng_scopes'];

/** A secret that nobody chose needs no slow hash: there is nothing to guess in 256 random bits. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** Whether a secret belongs to a hash, in constant time. */
export function secretMatches(secret: string, hash: string): boolean {
  const found = Buffer.from(hashSecret(secret));
  const expected = Buffer.from(hash);
  return found.length === expected.length && timingSafeEqual(found, expected);
}
