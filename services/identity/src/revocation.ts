/** Revoking access tokens (RFC 7009): the provider keeps none of them, so by itself it could not. */
import { createLocalJWKSet, type JWK, errors as jose, jwtVerify } from 'jose';
import { errors, type Provider } from 'oidc-provider';
import type { OidcStore } from './oidc-store.ts';

/**
 * Lets an application revoke an access token of a person by ending its grant, with the refresh token that came along (RFC 7009
 * section 2.1 leaves that to us). Tokens of systems have no grant: they stay unsupported, and end with their client.
 */
export function revokeAccessTokens(
  provider: Provider,
  options: Pick<OidcStore, 'endGrant'> & {
    readonly keySet: { readonly keys: readonly JWK[] };
    readonly audience: string;
  },
): void {
  const { keySet, audience, endGrant } = options;
  const keys = createLocalJWKSet({ keys: [...keySet.keys] });
  const expected = { issuer: provider.issuer, audience, typ: 'at+jwt' };
  const unsupported = new WeakSet<object>();

  /** What a token says; undefined when it is none of ours or has expired. */
  const read = async (token: unknown) => {
    try {
      return (await jwtVerify(String(token), keys, expected)).payload;
    } catch (error) {
      if (error instanceof jose.JOSEError) return undefined;
      throw error;
    }
  };

  // The provider says so after it knows the application.
  provider.on('revocation.error', (context, error) => {
    if (error instanceof errors.UnsupportedTokenType) unsupported.add(context);
  });
  provider.use(async (context, next) => {
    await next();
    if (!unsupported.has(context)) return;
    const { params, client } = context.oidc;
    const { client_id: owner, grant } = (await read(params?.token)) ?? {};
    if (owner !== undefined && grant === undefined) return;
    if (typeof grant === 'string' && owner === client?.clientId) await endGrant(grant);
    // Whoever has no use of a token any more, or never had one, has what they ask for.
    context.status = 200;
    context.body = '';
  });
}
