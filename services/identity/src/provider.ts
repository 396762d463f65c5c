import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { House } from '@bandeng/service';
import type { JWK } from 'jose';
import {
  type Account,
  type ClientMetadata,
  type Configuration,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider';
import { contextOf, handleInteraction, interactionPath, languageChosen, targetsOf } from './interactions.ts';
import { clientOfSystem, ownMetadata, rightsOf, type Systems, secretMatches } from './oidc-clients.ts';
import type { OidcStore } from './oidc-store.ts';
import { failurePage, handOverPage, type Page, pageHeaders, signedOutPage, signOutPage } from './pages.ts';
import { revokeAccessTokens } from './revocation.ts';
import type { People, Person, SignIn } from './sign-in.ts';
import { publicKeys, type SigningKeys } from './signing-keys.ts';

/** The one audience of access tokens; every service checks it. */
const audience = 'bandeng';

/** The resource that clients get a token for without asking (RFC 8707 wants an absolute URI). */
const resource = 'urn:bandeng:api';

/** What is asked in an address is kept until the sign-in is over; nobody needs more for it. */
const longestAddress = 4_096;

export interface ProviderOptions {
  /** Public address, with its path: `http://localhost:8080/oidc`. */
  readonly issuer: string;
  /** Unix socket, or a port. */
  readonly listen: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  readonly store: OidcStore;
  readonly keys: { readonly signing: SigningKeys /** Signs cookies. */; readonly cookies: Buffer };
  readonly accounts: { readonly people: People; readonly signIn: SignIn; readonly systems: Systems };
  /** Our own clients of people. */
  readonly clients: readonly ClientMetadata[];
  readonly accessTokenSeconds: number;
  readonly log: House['log'];
}

export interface RunningProvider {
  /** Public keys, for those who verify tokens. */
  readonly keySet: { readonly keys: readonly JWK[] };
  /** Where it listens: a path, or `http://<host>:<port>`. */
  readonly address: string;
  /** Waits for answers under way, then closes. */
  close(): Promise<void>;
}

/** Starts the OpenID Connect provider. Behind the gateway it believes X-Forwarded-*, for nobody else reaches its socket. */
export async function openProvider(options: ProviderOptions): Promise<RunningProvider> {
  const { issuer, log, listen } = options;
  const { pathname: prefix, host, protocol } = new URL(issuer);
  const provider = new Provider(issuer, configuration(options, prefix));
  const keySet = publicKeys(options.keys.signing);
  provider.proxy = true;
  provider.Client.prototype.compareClientSecret = function compare(secret) {
    return secretMatches(secret, this.clientSecret ?? '');
  };
  provider.use(async (context, next) => {
    context.set(pageHeaders());
    context.remove('content-type');
    await next();
    const { req, oidc } = context;
    // No route of the provider.
    if (oidc === undefined) return render(context, failurePage(contextOf(req, undefined), 404, 'not_found'));
    const form = handedOver(context.body);
    // The provider's headers stay: they let its script run, and no other.
    if (form !== undefined) context.body = handOverPage(pageContext({ req, oidc }), form).html;
    const { entities, params } = oidc;
    const ends = [entities.Interaction?.params.redirect_uri, params?.post_logout_redirect_uri];
    context.set('content-security-policy', endingAt(context.response.get('content-security-policy'), ends));
  });
  revokeAccessTokens(provider, { keySet, audience, endGrant: options.store.endGrant });
  provider.on('server_error', (context, error) => log.error({ error, path: context.path }, 'the provider failed'));
  provider.on('grant.revoked', (_context, grant) => log.info({ grant }, 'a family of tokens was revoked'));
  const answerProvider = provider.callback();
  const interactions = { provider, people: options.accounts.people, signIn: options.accounts.signIn };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = request.url ?? '/';
    if (!asked.startsWith(`${prefix}/`) || asked.length > longestAddress) {
      response.writeHead(asked.length > longestAddress ? 414 : 404).end();
      return;
    }
    // The public address is the issuer's, whatever a request says.
    Object.assign(request.headers, { 'x-forwarded-host': host, 'x-forwarded-proto': protocol.slice(0, -1) });
    // The provider's routes do not know the path; what it links to is made from the original address.
    Object.assign(request, { originalUrl: asked });
    request.url = asked.slice(prefix.length);
    if (request.url.startsWith(interactionPath)) {
      await handleInteraction(interactions, new URL(asked, issuer), request, response);
    } else {
      await answerProvider(request, response);
    }
  };
  const server = createServer({ requestTimeout: 10_000, maxHeaderSize: 16 * 1024 }, (request, response) => {
    handle(request, response).catch((error: unknown) => {
      log.error({ error }, 'a sign-in page failed');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });

  if ('socketPath' in listen) await rm(listen.socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen('socketPath' in listen ? { path: listen.socketPath } : listen, resolve);
  });
  const bound = server.address();
  return {
    keySet,
    address: typeof bound === 'object' && bound !== null ? `http://${bound.address}:${bound.port}` : String(bound),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 2_000).unref();
      }),
  };
}

function configuration(options: ProviderOptions, prefix: string): Configuration {
  const { keys, accounts, accessTokenSeconds, store } = options;
  const systems = {
    ...store.adapter('Client'),
    find: async (id: string) => {
      const system = await accounts.systems.byId(id);
      return system === undefined ? undefined : clientOfSystem(system);
    },
  };
  return {
    adapter: (model) => (model === 'Client' ? systems : store.adapter(model)),
    jwks: { keys: keys.signing.keys.map((key) => ({ ...key })) },
    clients: [...options.clients],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    extraClientMetadata: { properties: ownMetadata },
    scopes: ['openid', 'offline_access'],
    claims: { profile: ['name', 'locale'] },
    responseTypes: ['code'],
    clientBasedCORS: (_context, origin, client) =>
      (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
    pkce: { required: () => true },
    cookies: {
      keys: [keys.cookies.toString('base64url')],
      names: { session: 'bandeng_session', interaction: 'bandeng_interaction', resume: 'bandeng_resume' },
    },
    features: {
      devInteractions: { enabled: false },
      // It keeps what anybody sends, 50 kB at a time, and our clients do not use it.
      pushedAuthorizationRequests: { enabled: false },
      dPoP: { enabled: false }, // no service would look whether a token is bound
      userinfo: { enabled: false }, // GET /v1/me says more, and ID tokens carry the claims
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => render(context, signOutPage(pageContext(context), form)),
        postLogoutSuccessSource: (context) => render(context, signedOutPage(pageContext(context))),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: (context, asked, client) => {
          if (asked !== resource) throw new errors.InvalidTarget();
          const scopes = rightsOf(client).scopes.join(' ');
          // A system that does not ask for less gets all that it may have (RFC 6749 section 3.3).
          if (context.oidc.params?.grant_type === 'client_credentials') askFor(context, scopes);
          return {
            scope: scopes,
            audience,
            accessTokenTTL: accessTokenSeconds,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'EdDSA' } },
          };
        },
      },
    },
    extraTokenClaims: (_context, token) => {
      if (token.kind === 'AccessToken') return { grant: token.grantId };
      return token.client === undefined ? undefined : { territory: rightsOf(token.client).territory };
    },
    findAccount: async (_context, id) => {
      const person = await accounts.people.byId(id);
      return person === undefined ? undefined : asAccount(person);
    },
    interactions: {
      policy: interactionPolicy.base(),
      url: (_context, interaction) => `${prefix}${interactionPath}${interaction.uid}`,
    },
    loadExistingGrant: grantWithoutAsking,
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    renderError: (context, out) => {
      render(context, failurePage(pageContext(context), context.status, reasonOf(out)));
    },
    ttl: {
      AccessToken: accessTokenSeconds,
      ClientCredentials: accessTokenSeconds,
      AuthorizationCode: 60,
      IdToken: 60 * 60,
      Interaction: 30 * 60,
      // A working day; the cookie goes with the browser.
      Session: 12 * 60 * 60,
      RefreshToken: 14 * 24 * 60 * 60,
      // As long as a refresh token may be handed on, however often it is rotated.
      Grant: 90 * 24 * 60 * 60,
    },
  };
}

/** Our own clients act for the person who signed in; there is nothing to consent to beyond that. */
async function grantWithoutAsking({ oidc }: KoaContextWithOIDC) {
  const { session, client, provider } = oidc;
  if (session?.accountId === undefined || client === undefined) return undefined;
  const known = session.grantIdFor(client.clientId);
  const existing = known === undefined ? undefined : await provider.Grant.find(known);
  if (existing !== undefined && existing.accountId === session.accountId) return existing;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope('openid profile offline_access');
  await grant.save();
  return grant;
}

/** A policy under which the forms of a page may also end, by redirects, at these addresses. */
function endingAt(policy: string, addresses: readonly unknown[]): string {
  return policy.replace("form-action 'self'", ["form-action 'self'", ...addresses.flatMap(targetsOf)].join(' '));
}

function asAccount({ id, name, language }: Person): Account {
  return { accountId: id, claims: async () => ({ sub: id, name, locale: language }) };
}

function askFor({ oidc }: KoaContextWithOIDC, scopes: string): void {
  if (oidc.params === undefined) return;
  oidc.params.scope ??= scopes;
  const asked = String(oidc.params.scope).split(' ');
  const foreign = asked.filter((scope) => !scopes.split(' ').includes(scope));
  if (foreign.length > 0) throw new errors.InvalidScope('this client may not ask for that', foreign.join(' '));
}

/** The language is that of the sign-in that goes on here, if one does. */
function pageContext({ req, oidc: { entities, params } }: Pick<KoaContextWithOIDC, 'req' | 'oidc'>) {
  const { Interaction: signIn } = entities;
  return contextOf(req, params?.ui_locales ?? signIn?.params.ui_locales, languageChosen(signIn));
}

/**
 * What the provider hands over by a form that submits itself: it ends the session of somebody else so before a sign-in goes on,
 * or when nobody was signed in. It has no hook for this page, so its form is taken out of the answer.
 */
function handedOver(page: unknown): { form: string; script: string } | undefined {
  if (typeof page !== 'string') return undefined;
  const [script] = /<script>[^<]*<\/script>/.exec(page) ?? [];
  const [form] = /<form method="post"[^>]*>\s*(<input type="hidden"[^>]*>\s*)*/.exec(page) ?? [];
  return script === undefined || form === undefined ? undefined : { form, script };
}

function render(context: Pick<KoaContextWithOIDC, 'status' | 'set' | 'body'>, page: Page): void {
  context.status = page.status;
  context.set({ ...page.headers });
  context.body = page.html;
}

function reasonOf(out: { error: string; error_description?: string | undefined }): string {
  return out.error_description === undefined ? out.error : `${out.error} (${out.error_description})`;
}
