/** How servers of NATS are reached, in the words of its client. */
export interface Servers {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
}

/**
 * What NATS_URL says: `nats://user:password@host:port`, several by comma. User and password stand in the first address and
 * count for all; the client takes none from an address. Throws for anything else.
 */
export function serversOf(url: string): Servers {
  const addresses = url.split(',').map((address) => new URL(address.trim()));
  if (!addresses.every(({ protocol, host }) => /^(nats|tls):$/.test(protocol) && host !== '')) {
    throw new TypeError('these are no addresses of NATS');
  }
  const { username = '', password = '' } = addresses[0] ?? {};
  return {
    servers: addresses.map(({ protocol, host }) => `${protocol}//${host}`),
    ...(username === '' ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
  };
}
