import { createHash, randomBytes } from 'node:crypto';

/** Where the command line is sent back to. Nothing listens there: the code is read from the redirect itself. */
const callback = 'http://127.0.0.1/callback';

/** A sign-in that did not end in a token, and why. */
export class SignInFault extends Error {
  override readonly name = 'SignInFault';
}

/**
 * Signs a person in as a browser would: authorization code with PKCE, through the provider's own form.
 * @returns an access token for the API
 */
export async function signIn(issuer: string, login: string, password: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const cookies = new Map<string, string>();
  const asked = new URLSearchParams({
    client_id: 'bandeng-cli',
    response_type: 'code',
    redirect_uri: callback,
    scope: 'openid',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const form = await follow(cookies, `${issuer}/auth?${asked}`);
  if ('code' in form)
    return exchange(issuer, {
      grant_type: 'authorization_code',
      code: form.code,
      redirect_uri: callback,
      client_id: 'bandeng-cli',
      code_verifier: verifier,
    });
  const action = /<form[^>]* action="([^"]*)"/.exec(form.page)?.[1]?.replaceAll('&amp;', '&');
  if (action === undefined) throw new SignInFault(`the provider at ${issuer} shows no sign-in form`);
  const hidden = [...form.page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(
    ([, name = '', value = '']) => [name, value],
  );
  const fields = new URLSearchParams({ ...Object.fromEntries(hidden), login, password });
  const answered = await follow(cookies, new URL(action, form.address).href, fields);
  if (!('code' in answered))
    throw new SignInFault(`'${login}' could not be signed in: wrong login or password, or locked after too many tries`);
  return exchange(issuer, {
    grant_type: 'authorization_code',
    code: answered.code,
    redirect_uri: callback,
    client_id: 'bandeng-cli',
    code_verifier: verifier,
  });
}

/** Signs another system in by its id and secret (client credentials). */
export async function signInSystem(issuer: string, id: string, secret: string): Promise<string> {
  return exchange(
    issuer,
    { grant_type: 'client_credentials' },
    `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`,
  );
}

async function exchange(issuer: string, grant: Record<string, string>, basic?: string): Promise<string> {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: basic === undefined ? {} : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
    body: new URLSearchParams(grant),
  });
  const said: unknown = await answer.json().catch(() => undefined);
  if (typeof said === 'object' && said !== null && 'access_token' in said && typeof said.access_token === 'string')
    return said.access_token;
  throw new SignInFault(`the provider at ${issuer} gives no token: ${answer.status} ${JSON.stringify(said)}`);
}

/** Follows redirects by hand, with cookies, until a page is shown or the way leads back to us with a code. */
async function follow(
  cookies: Map<string, string>,
  address: string,
  fields?: URLSearchParams,
): Promise<{ code: string } | { page: string; address: string }> {
  let next = address;
  let body = fields;
  for (let steps = 0; steps < 10; steps++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(next, {
      redirect: 'manual',
      headers: { cookie, accept: 'text/html' },
      ...(body ? { method: 'POST', body } : {}),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s);
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    if (location === null) return { page: await answer.text(), address: next };
    next = new URL(location, next).href;
    body = undefined;
    if (!next.startsWith(callback)) continue;
    const back = new URL(next).searchParams;
    const code = back.get('code');
    if (code === null)
      throw new SignInFault(`the provider refuses: ${back.get('error')} ${back.get('error_description') ?? ''}`);
    return { code };
  }
  throw new SignInFault('the provider redirects without end');
}
