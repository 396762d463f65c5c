import { createHash, randomBytes } from 'node:crypto';
import { discoveryOf } from '@bandeng/service/discovery';
import { Mendable, messageOf } from './embedded/fault.ts';

/** The public client of the command line; any port of the loopback address is taken, and nobody needs to listen. */
const CLIENT = 'bandeng-cli';
const REDIRECT = 'http://127.0.0.1/callback';
/** Pages and redirects of one sign-in; more mean that we go round in circles. */
const MOST_STEPS = 12;

/** What an application gets when a person has signed in. */
export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  readonly id: string;
}

/**
 * Signs a person in as a browser would: authorization code with PKCE, through the provider's own pages. Answers the
 * access token. Throws `Mendable` with what the page says when the provider does not let them in.
 * @param chosen replaces a password that works once
 */
export async function signIn(issuer: string, login: string, password: string, chosen?: string): Promise<string> {
  return (await signInWhole(issuer, login, password, chosen === undefined ? {} : { chosen })).access;
}

/** The same; answers all tokens, and leaves the session in the cookies, as in a browser. */
export async function signInWhole(
  issuer: string,
  login: string,
  password: string,
  { chosen, cookies = cookieJar() }: { readonly chosen?: string; readonly cookies?: CookieJar } = {},
): Promise<Tokens> {
  const { authorization_endpoint, token_endpoint } = await discover(issuer);
  const secret = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const address = new URL(authorization_endpoint);
  address.search = new URLSearchParams({
    client_id: CLIENT,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: REDIRECT,
    code_challenge: createHash('sha256').update(secret).digest('base64url'),
    code_challenge_method: 'S256',
    state,
    ui_locales: 'en',
  }).toString();
  const back = await walkThrough(address, cookies, {
    ...{ login, password },
    ...(chosen === undefined ? {} : { chosen, chosenAgain: chosen }),
  });
  const code = back.searchParams.get('code');
  if (!code || back.searchParams.get('state') !== state) {
    const reason = back.searchParams.get('error_description') ?? back.searchParams.get('error') ?? 'no code came back';
    throw new Mendable(`${login} was not signed in: ${reason}`);
  }
  return fetchTokens(token_endpoint, {}, [
    ['grant_type', 'authorization_code'],
    ['code', code],
    ['redirect_uri', REDIRECT],
    ['code_verifier', secret],
    ['client_id', CLIENT],
  ]);
}

/** Signs another system in by its secret (client credentials) and answers the access token. Throws `Mendable`. */
export async function signInSystem(issuer: string, id: string, secret: string): Promise<string> {
  const { token_endpoint } = await discover(issuer);
  // RFC 6749 section 2.3.1: both are form-encoded before they are joined.
  const basic = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64');
  const form: [string, string][] = [['grant_type', 'client_credentials']];
  return (await fetchTokens(token_endpoint, { authorization: `Basic ${basic}` }, form)).access;
}

async function discover(issuer: string): Promise<{ authorization_endpoint: string; token_endpoint: string }> {
  const answer = await request(new URL(discoveryOf(issuer)), {});
  if (!answer.ok) throw new Mendable(`${issuer} says nothing about signing in (${answer.status})`);
  return JSON.parse(await answer.text());
}

async function fetchTokens(
  endpoint: string,
  headers: Record<string, string>,
  form: [string, string][],
): Promise<Tokens> {
  const answer = await request(new URL(endpoint), { method: 'POST', headers, body: new URLSearchParams(form) });
  const text = await answer.text();
  const given = answer.headers.get('content-type')?.includes('json')
    ? JSON.parse(text)
    : { error_description: `${answer.status}` };
  if (!answer.ok || typeof given.access_token !== 'string')
    throw new Mendable(`no token was given: ${given.error_description ?? text.slice(0, 200)}`);
  const { access_token: access, refresh_token: refresh = '', id_token: id = '' } = given;
  return { access, refresh, id };
}

/** Goes from page to page until the provider sends us back; answers the address it sends us to. */
async function walkThrough(
  start: URL,
  cookies: CookieJar,
  answers: Record<string, string> & { login: string },
): Promise<URL> {
  let address = start;
  let form: URLSearchParams | undefined;
  let submitted = false;
  for (let step = 0; step < MOST_STEPS; step++) {
    const answer = await request(address, {
      redirect: 'manual',
      headers: { 'accept-language': 'en', cookie: cookies.header(address) },
      ...(form ? { method: 'POST', body: form } : {}),
    });
    cookies.take(answer.headers.getSetCookie());
    form = undefined;
    const location = answer.headers.get('location');
    const page = await answer.text();
    if (location) {
      address = new URL(location, address);
      if (address.href.startsWith(`${REDIRECT}?`)) return address;
      continue;
    }
    const fault = /role="alert"[^>]*>([^<]*)</.exec(page)?.[1];
    const action = /<form [^>]*action="([^"]+)"/.exec(page)?.[1];
    const asksToSignIn = page.includes('name="password"');
    if (fault || !action || (asksToSignIn && submitted)) {
      const said = unescapeHtml(fault ?? /<h1>([^<]*)</.exec(page)?.[1] ?? `an answer of status ${answer.status}`);
      throw new Mendable(`${answers.login} was not signed in: ${said}`);
    }
    address = new URL(unescapeHtml(action), address);
    form = new URLSearchParams({ ...hiddenFields(page), ...(asksToSignIn ? answers : { continue: 'yes' }) });
    submitted ||= asksToSignIn;
  }
  throw new Mendable(`${answers.login} was not signed in: the provider's pages lead nowhere`);
}

/** What a form sends along without showing it. */
function hiddenFields(page: string): Record<string, string> {
  const hidden = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
  return Object.fromEntries([...hidden].map(([, name = '', value = '']) => [name, unescapeHtml(value)]));
}

/** The cookies of a browser at one provider. */
export interface CookieJar {
  header(address: URL): string;
  take(lines: readonly string[]): void;
}

/** As much of a cookie jar as one sign-in at one provider needs: names, values and paths. */
export function cookieJar(): CookieJar {
  const cookies = new Map<string, { name: string; value: string; path: string }>();
  return {
    header: ({ pathname }) =>
      [...cookies.values()]
        .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
        .map(({ name, value }) => `${name}=${value}`)
        .join('; '),
    take(lines) {
      for (const line of lines) {
        const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
        const name = pair.slice(0, pair.indexOf('='));
        const value = pair.slice(pair.indexOf('=') + 1);
        const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice('path='.length) || '/';
        const expires = attributes.find((attribute) => /^expires=/i.test(attribute))?.slice('expires='.length);
        if (value === '' || (expires && Date.parse(expires) <= Date.now())) cookies.delete(`${name} ${path}`);
        else cookies.set(`${name} ${path}`, { name, value, path });
      }
    },
  };
}

const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

const unescapeHtml = (text: string): string =>
  text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? '');

async function request(address: URL, options: RequestInit): Promise<Response> {
  return fetch(address, { signal: AbortSignal.timeout(15_000), ...options }).catch((thrown: unknown) => {
    const reason = thrown instanceof Error && thrown.cause ? messageOf(thrown.cause) : messageOf(thrown);
    throw new Mendable(`${address.origin} does not answer (${reason}): is it running? './bandeng up'`);
  });
}
