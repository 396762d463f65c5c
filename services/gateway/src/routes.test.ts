import { type Rpc, rpcs } from '@bandeng/contracts';
import fc from 'fast-check';
import Fastify from 'fastify';
import { describe, expect, test } from 'vitest';
import { placesOf, type Route, routesOf } from './routes.ts';

const routes = routesOf(rpcs);

/** A router that says which RPC it found, or 404, or 405. */
function router() {
  const app = Fastify({ routerOptions: { maxParamLength: 2000 } });
  for (const { verb, url, rpc } of routes) {
    app.route({
      method: verb,
      url,
      exposeHeadRoute: false,
      handler: async ({ params }) => ({ rpc: rpc.name, params }),
    });
  }
  for (const { url, allow } of placesOf(routes)) {
    const method = ['GET', 'POST', 'PUT', 'DELETE'].filter((each) => !allow.includes(each));
    app.route({ method, url, exposeHeadRoute: false, handler: async (_, reply) => reply.code(405).send({ allow }) });
  }
  return app;
}

function pathOf({ template }: Route, values: string): string {
  return template.replaceAll(/\{[^}]*\}/g, encodeURIComponent(values));
}

describe('the routes of the contracts', () => {
  const app = router();
  const find = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string) => {
    const answer = await app.inject({ method, url });
    return { status: answer.statusCode, ...answer.json<{ rpc?: string; params?: object; allow?: string[] }>() };
  };

  test('every RPC that is open to HTTP is one route, and no internal one is', () => {
    const open = rpcs.filter(({ access }) => access.kind !== 'internal');
    expect(routes.map(({ rpc }) => rpc.path)).toEqual(open.map(({ path }) => path));
    expect(new Set(routes.map(({ verb, url }) => `${verb} ${url}`)).size).toBe(routes.length);
  });

  test('each route is found by its path whatever the values of its variables, and no other one is', async () => {
    const value = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((text) => !text.includes(':') && !/^\.+$/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), value, async (route, text) => {
        const found = await find(route.verb, pathOf(route, text));
        expect(found.rpc).toBe(route.rpc.name);
        expect(found.params).toEqual(Object.fromEntries(route.variables.map((name) => [name, text])));
      }),
    );
  });

  test('category ids in Chinese are decoded', async () => {
    const id = '城乡建设.城市建设和市政管理.园林绿化环卫';
    const found = await find('GET', `/v1/categories/${encodeURIComponent(id)}`);
    expect(found).toMatchObject({ rpc: 'GetCategory', params: { id } });
  });

  test('verbs do not shadow each other or the thing itself', async () => {
    expect(await find('POST', '/v1/tickets/x:dispatch')).toMatchObject({ rpc: 'DispatchTicket', params: { id: 'x' } });
    expect(await find('POST', '/v1/tickets/x:resume')).toMatchObject({ rpc: 'ResumeTicket', params: { id: 'x' } });
    expect(await find('POST', '/v1/tickets:import')).toMatchObject({ rpc: 'ImportTicket' });
    expect(await find('POST', '/v1/tickets')).toMatchObject({ rpc: 'OrderTicket' });
    expect(await find('GET', '/v1/tickets/x/timeline')).toMatchObject({
      rpc: 'GetTicketTimeline',
      params: { id: 'x' },
    });
  });

  test('an unknown verb is nowhere', async () => {
    for (const path of [
      '/v1/tickets/x:unknown',
      '/v1/tickets/x:dispatched',
      '/v1/tickets/x:y:dispatch',
      '/v1/tickets:x',
    ]) {
      expect((await find('POST', path)).status, path).toBe(404);
    }
  });

  test('a method that a place does not know is 405 and says which it knows', async () => {
    expect(await find('POST', '/v1/tickets/x')).toMatchObject({ status: 405, allow: ['GET', 'HEAD'] });
    expect(await find('GET', '/v1/tickets/x:dispatch')).toMatchObject({ status: 405, allow: ['POST'] });
    expect(await find('DELETE', '/v1/units')).toMatchObject({ status: 405, allow: ['GET', 'HEAD', 'POST'] });
  });

  test('only a POST to a plain collection makes something new', () => {
    const creating = routes.filter(({ creates }) => creates).map(({ rpc }) => rpc.name);
    expect(creating.sort()).toEqual(
      [
        'OrderTicket',
        'RegisterAccount',
        'RegisterCategory',
        'RegisterClient',
        'RegisterTerritory',
        'RegisterUnit',
        'StartPosting',
      ].sort(),
    );
  });

  test('a binding outside the subset fails the start', () => {
    const some = rpcs.find(({ name }) => name === 'GetTicket');
    const bound = (path: string): Rpc[] => (some === undefined ? [] : [{ ...some, http: { verb: 'GET', path } }]);
    for (const path of ['/v1/{id=tickets/*}', '/v1/{nothing}', '/v1/tickets/*', '/v1/tickets/', 'v1/tickets/{id}']) {
      expect(() => routesOf(bound(path)), path).toThrow();
    }
  });
});
