import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStand, type Stand } from './stand.ts';

describe('the sign-in pages behind the gateway', () => {
  const folder = mkdtempSync(join(tmpdir(), 'oidc-'));
  const seen: { method?: string | undefined; url?: string | undefined; headers: IncomingHttpHeaders; body: string }[] =
    [];
  let identity: Server;
  let stand: Stand;
  let base: string;

  beforeAll(async () => {
    identity = createServer(({ method, url, headers }, response) => {
      response.setHeader('set-cookie', ['a=1; Path=/oidc; HttpOnly', 'b=2; Path=/oidc']);
      response.setHeader('content-security-policy', "default-src 'self'");
      response.setHeader('keep-alive', 'timeout=5');
      if (url?.startsWith('/oidc/auth')) response.writeHead(303, { location: '/oidc/interaction/1' });
      response.end(JSON.stringify(seen.at(-1)));
      seen.push({ method, url, headers, body: '' });
    });
    identity.prependListener('request', (request) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        const last = seen.at(-1);
        if (last !== undefined) last.body = body;
      });
    });
    await new Promise<void>((resolve) => identity.listen(join(folder, 'web.sock'), resolve));
    stand = await openStand({ configuration: { signIn: { pagesAt: `unix:${join(folder, 'web.sock')}` } } });
    base = await stand.gateway.app.listen({ port: 0, host: '127.0.0.1' });
  });
  afterAll(async () => {
    await stand?.[Symbol.asyncDispose]();
    identity?.closeAllConnections();
    identity?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('get paths, queries and cookies as they came, and who called by which address', async () => {
    const answer = await fetch(`${base}/oidc/.well-known/openid-configuration?x=%FF&y=1`, {
      headers: { cookie: 'a=1', 'x-forwarded-for': '9.9.9.9', 'x-forwarded-host': 'evil.example', te: 'trailers' },
    });
    expect(answer.status).toBe(200);
    const got = seen.at(-1);
    expect(got?.url).toBe('/oidc/.well-known/openid-configuration?x=%FF&y=1');
    expect(got?.headers).toMatchObject({
      cookie: 'a=1',
      host: new URL(base).host,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': new URL(base).host,
      'x-forwarded-proto': 'http',
    });
    expect(got?.headers).not.toHaveProperty('te');
    expect(answer.headers.getSetCookie()).toEqual(['a=1; Path=/oidc; HttpOnly', 'b=2; Path=/oidc']);
    expect(answer.headers.get('content-security-policy')).toBe("default-src 'self'");
  });

  test('redirect the browser and not the gateway', async () => {
    const answer = await fetch(`${base}/oidc/auth?client_id=web`, { redirect: 'manual' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/oidc/interaction/1');
  });

  test('get forms whole', async () => {
    const body = `login=a&password=${'x'.repeat(100_000)}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await fetch(`${base}/oidc/interaction/1/login`, { method: 'POST', body, headers });
    expect(answer.status).toBe(200);
    expect(seen.at(-1)).toMatchObject({ method: 'POST', headers: { 'content-type': headers['content-type'] }, body });
    expect(stand.lines.join('\n')).not.toContain('password');
  });

  test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])(
    'get no body with %s, and the next one to come gets all of theirs',
    async (method) => {
      const [path, body] = ['/oidc/token', 'grant_type=authorization_code&code=of-somebody-else'];
      // As long as the head of the next request on the same connection, which would be taken for it.
      const hidden = 'x'.repeat(30);
      await new Promise<void>((resolve, reject) => {
        const headers = { 'content-length': hidden.length, 'content-type': 'text/plain' };
        const sent = request(`${base}/oidc/jwks`, { method, headers }, (answer) =>
          answer.resume().once('end', resolve),
        );
        sent.once('error', reject).end(hidden);
      });
      expect(seen.at(-1)).toMatchObject({ method, url: '/oidc/jwks' });
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await fetch(base + path, { method: 'POST', body, headers });
      expect(answer.status).toBe(200);
      expect(seen.at(-1)).toMatchObject({ method: 'POST', url: path, body });
    },
  );

  test('are 503 while identity is away', async () => {
    await using alone = await openStand();
    const answer = await alone.gateway.app.inject('/oidc/auth');
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['content-type']).toContain('problem+json');
  });
});
