import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { connect } from 'node:net';
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
    identity = createServer((request, response) => {
      const { method, url, headers } = request;
      const one = { method, url, headers, body: '' };
      seen.push(one);
      request.setEncoding('utf8').on('data', (text: string) => {
        one.body += text;
      });
      request.once('end', () => {
        response.setHeader('set-cookie', ['a=1; Path=/oidc; HttpOnly', 'b=2; Path=/oidc']);
        response.setHeader('content-security-policy', "default-src 'self'");
        response.setHeader('keep-alive', 'timeout=5');
        if (url?.startsWith('/oidc/auth')) response.writeHead(303, { location: '/oidc/interaction/1' });
        response.end(JSON.stringify({ method, url }));
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
    });
    for (const said of ['x-forwarded-host', 'x-forwarded-proto', 'forwarded'])
      expect(got?.headers).not.toHaveProperty(said);
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

  /** What a client sends, byte by byte, answered once its connection is closed. */
  async function raw(head: string[], body: string): Promise<string> {
    const { port, hostname } = new URL(base);
    const socket = connect(Number(port), hostname);
    let answered = '';
    socket.setEncoding('latin1').on('data', (text: string) => (answered += text));
    socket.write(`${[...head, 'host: x', 'connection: close'].join('\r\n')}\r\n\r\n${body}`);
    await once(socket, 'close');
    return answered;
  }

  const hidden = 'POST /oidc/hidden HTTP/1.1\r\nhost: x\r\ncontent-length: 4000\r\n\r\n';
  const chunked = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;

  test.each(
    ['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE', 'PUT'].flatMap((method) => [
      [method, 'of a length', `content-length: ${hidden.length}`, hidden],
      [method, 'in chunks', 'transfer-encoding: chunked', chunked],
      [
        method,
        'whose length is not to be passed on',
        `content-length: ${hidden.length}\r\nconnection: content-length`,
        hidden,
      ],
    ]),
  )(
    'take no body of a %s %s for a request, and the next one to come is answered for itself',
    async (method, _how, header, body) => {
      seen.length = 0;
      const answer = await raw([`${method} /oidc/jwks HTTP/1.1`, 'content-type: text/plain', header], body);
      expect(answer.startsWith(`HTTP/1.1 ${['DELETE', 'PUT'].includes(method) ? 405 : 200} `), answer).toBe(true);
      const [path, form] = ['/oidc/token', 'grant_type=authorization_code&code=of-somebody-else'];
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const next = await fetch(base + path, { method: 'POST', body: form, headers });
      expect(await next.json()).toMatchObject({ method: 'POST', url: path });
      expect(seen.map(({ url }) => url)).not.toContain('/oidc/hidden');
      expect(seen.at(-1)).toMatchObject({ method: 'POST', url: path, body: form });
      if (method === 'POST') expect(seen.at(0)).toMatchObject({ url: '/oidc/jwks', body: hidden });
    },
  );

  test('are 503 while identity is away', async () => {
    await using alone = await openStand();
    const answer = await alone.gateway.app.inject('/oidc/auth');
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['content-type']).toContain('problem+json');
  });
});
