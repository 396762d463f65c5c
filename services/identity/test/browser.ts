import { request } from 'node:http';

/** An answer as a browser gets it. */
export interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** Address it came from, after redirects. */
  readonly address: string;
}

/** A browser with cookies and without scripts, in front of a unix socket, as through the gateway. */
export interface Browser {
  get(address: string, headers?: Record<string, string>): Promise<Seen>;
  /** Submits the one form of a page with what was typed, and follows. */
  submit(page: Seen, typed: Record<string, string>, headers?: Record<string, string>): Promise<Seen>;
  /** Follows no redirect and sends no cookie, as an application does. */
  post(address: string, form: Record<string, string>, headers?: Record<string, string>): Promise<Seen>;
  readonly cookies: Map<string, { readonly value: string; readonly path: string }>;
}

export function browser(issuer: string, socketPath: string): Browser {
  const cookies: Browser['cookies'] = new Map();
  const { origin } = new URL(issuer);

  const send = (method: string, address: string, headers: Record<string, string>, form?: string): Promise<Seen> =>
    new Promise((resolve, reject) => {
      const { pathname, search } = new URL(address);
      const body = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
      const options = { socketPath, method, path: pathname + search, headers: { ...body, ...headers } };
      const sent = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, address });
        });
      });
      sent.on('error', reject);
      sent.end(form);
    });

  const keep = (seen: Seen): void => {
    for (const line of [seen.headers['set-cookie'] ?? []].flat()) {
      const [pair = '', ...attributes] = line.split(/;\s*/);
      const [name = '', value = ''] = pair.split('=');
      const path = attributes.find((attribute) => attribute.startsWith('path='))?.slice(5) ?? '/';
      const gone = value === '' || attributes.some((attribute) => attribute.startsWith('expires=Thu, 01 Jan 1970'));
      if (gone) cookies.delete(`${name} ${path}`);
      else cookies.set(`${name} ${path}`, { value, path });
    }
  };

  const visit = async (method: string, address: string, headers: Record<string, string>, form?: string) => {
    const { pathname } = new URL(address);
    const sent = [...cookies].filter(([, { path }]) => pathname.startsWith(path));
    const cookie = sent.map(([name, { value }]) => `${name.split(' ')[0]}=${value}`).join('; ');
    const seen = await send(method, address, { ...headers, cookie, accept: 'text/html' }, form);
    keep(seen);
    const { location } = seen.headers;
    if (seen.status < 300 || seen.status > 399 || typeof location !== 'string') return seen;
    const next = new URL(location, address);
    if (next.origin !== origin) return { ...seen, address: next.href };
    return visit('GET', next.href, headers);
  };

  return {
    cookies,
    get: (address, headers = {}) => visit('GET', address, headers),
    submit: (page, typed, headers = {}) => {
      const action = /<form[^>]* action="([^"]*)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&') ?? '';
      const hidden = [...page.body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
      const fields = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]));
      const form = new URLSearchParams({ ...fields, ...typed }).toString();
      return visit('POST', new URL(action, page.address).href, headers, form);
    },
    post: (address, form, headers = {}) => send('POST', address, headers, new URLSearchParams(form).toString()),
  };
}
