import { freePort } from '@bandeng/deploy';
import { exportJWK, generateKeyPair } from 'jose';
import { type Account, type ClientMetadata, type Configuration, Provider } from 'oidc-provider';

/** A city's own OpenID Connect provider, as another team would set it up: it has people and systems, and knows no Bandeng. */
export interface CityIssuer {
  readonly address: string;
  /** Who may sign in, by login: the account in Bandeng that goes with it. Any password does. */
  readonly people: Map<string, string>;
  /** Opens it again after `close`: with another key, and nobody is signed in. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** A system of the city, and what it may do. */
export const hotline = { id: 'hotline-12345', secret: 'the hotline knows it', scopes: 'tickets.read tickets.import' };
const resource = 'https://bandeng.example.org/';

/** Opens one whose tokens are made for `audience`; `territory` is the one in which its systems may. */
export async function openCityIssuer({ audience = 'bandeng', territory = '4599' } = {}): Promise<CityIssuer> {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const people = new Map<string, string>();
  let server: ReturnType<Provider['listen']> | undefined;
  const close = async (): Promise<void> => {
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  };
  const open = async (): Promise<void> => {
    const configuration = await configurationOf(people, audience, territory);
    server = await new Promise((resolve) => {
      const listening = new Provider(address, configuration).listen(port, '127.0.0.1', () => resolve(listening));
    });
  };
  await open();
  return { address, people, open, close };
}

async function configurationOf(
  people: ReadonlyMap<string, string>,
  audience: string,
  territory: string,
): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const client: ClientMetadata = {
    client_id: 'bandeng-cli',
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/callback'],
  };
  const system: ClientMetadata = {
    client_id: hotline.id,
    client_secret: hotline.secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  };
  return {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
    clients: [client, system],
    cookies: { keys: ['of a test'] },
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: ({ oidc }) => {
          // The scopes of a system are those it has by default, as in most providers.
          if (oidc.client?.clientId === hotline.id && oidc.params !== undefined) oidc.params.scope ??= hotline.scopes;
          return {
            ...{ scope: hotline.scopes, audience, accessTokenTTL: 300, accessTokenFormat: 'jwt' },
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
    extraTokenClaims: (_context, token) => (token.kind === 'ClientCredentials' ? { territory } : undefined),
    findAccount: (_context, login): Account | undefined =>
      people.has(login) ? { accountId: login, claims: () => ({ sub: login }) } : undefined,
    // The mapper of which the how-to speaks: Bandeng knows people by the id of their account there.
    formats: {
      customizers: {
        jwt: (_context, token, parts): void => {
          const account = token.kind === 'AccessToken' ? people.get(token.accountId) : undefined;
          if (account !== undefined) parts.payload.sub = account;
        },
      },
    },
  };
}
