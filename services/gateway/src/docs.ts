/** The API's own description: `/openapi.json` and a viewer at `/docs/` that works without any other host. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { discoveryOf } from '@bandeng/service/discovery';
import scalar from '@scalar/fastify-api-reference';
import type { FastifyInstance } from 'fastify';
import type { Configuration } from './config.ts';

/** Reads the OpenAPI document and names this gateway as its server, and the city's own issuer if people sign in there. */
export function openapiDocument({ openapiFile, publicUrl, signIn }: Configuration): string {
  const document: object = JSON.parse(readFileSync(openapiFile, 'utf8'), (name, value) =>
    name === 'openIdConnectUrl' && 'issuer' in signIn ? discoveryOf(signIn.issuer) : value,
  );
  return JSON.stringify({ ...document, servers: [{ url: publicUrl }] });
}

export async function describe(app: FastifyInstance, document: string): Promise<void> {
  const tag = `"${createHash('sha256').update(document).digest('base64url').slice(0, 22)}"`;
  app.get('/openapi.json', (request, reply) => {
    reply.header('etag', tag).header('cache-control', 'public, max-age=60').header('access-control-allow-origin', '*');
    if (request.headers['if-none-match'] === tag) return reply.code(304).send();
    return reply.type('application/json; charset=utf-8').send(document);
  });
  await app.register(async (scope) => {
    scope.addHook('onSend', async (_request, reply, payload) => {
      if (typeof payload === 'string' && String(reply.getHeader('content-type')).startsWith('text/html')) {
        reply.header('content-security-policy', policyFor(payload));
      }
      return payload;
    });
    await scope.register(scalar, {
      routePrefix: '/docs',
      configuration: {
        url: '/openapi.json',
        pageTitle: 'Bandeng API',
        // Each of these would call a host of the viewer's makers.
        withDefaultFonts: false,
        proxyUrl: '',
        telemetry: false,
        showDeveloperTools: 'never',
        hideClientButton: true,
        agent: { disabled: true },
        mcp: { disabled: true },
      },
    });
  });
}

/** Only what stands in this page may run, and it may talk to this host alone. The viewer makes its styles as it runs. */
function policyFor(html: string): string {
  const inline = [...html.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)]
    .map(([, code = '']) => code)
    .filter((code) => code !== '');
  const hashes = inline.map((code) => `'sha256-${createHash('sha256').update(code).digest('base64')}'`);
  return [
    "default-src 'none'",
    `script-src 'self' ${hashes.join(' ')}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
