/** Address at which an issuer describes itself (OpenID Connect Discovery 1.0, section 4). */
export function discoveryOf(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}
