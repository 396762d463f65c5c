import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const register = new URL('./register.ts', import.meta.url).pathname;

function run(script: string, sdk = true): string {
  const flags = sdk ? ['--import', register] : [];
  return execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
}

test('a log line carries the trace it belongs to, and neither tokens nor contacts nor text', () => {
  const line = run(`
    import { openLogger, traced } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    const log = openLogger('tickets');
    await traced('work', {}, async () => {
      log.info({ ticket: 'T1', token: 'secret-1', call: { authorization: 'secret-2', deep: { phone: 'secret-3' } } }, 'dispatched');
    });
  `);
  const entry: unknown = JSON.parse(line.trim().split('\n').at(-1) ?? '');
  expect(entry).toMatchObject({
    service: 'tickets',
    ticket: 'T1',
    level: 'info',
    msg: 'dispatched',
    trace: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  expect(line).not.toContain('secret');
});

test('work under a traceparent joins its trace, and replayed work does not', () => {
  const origin = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const seen = run(`
    import { currentTraceparent, traced } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    const origin = ${JSON.stringify(origin)};
    const joined = await traced('work', { traceparent: origin }, async () => currentTraceparent());
    const replayed = await traced('work', { traceparent: origin, replayed: true }, async () => currentTraceparent());
    process.stdout.write(joined.slice(3, 35) + ' ' + replayed.slice(3, 35));
  `);
  const [joined, replayed] = seen.trim().split('\n').at(-1)?.split(' ') ?? [];
  expect(joined).toBe('0af7651916cd43dd8448eb211c80319c');
  expect(replayed).toMatch(/^[0-9a-f]{32}$/);
  expect(replayed).not.toBe(joined);
});

test('without the SDK nothing is traced and nothing fails', () => {
  const seen = run(
    `import { currentTraceparent, traced } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
     process.stdout.write(String(await traced('work', {}, async () => currentTraceparent())));`,
    false,
  );
  expect(seen).toBe('undefined');
});

test('the span of a request says its route and never a follow code', () => {
  const seen = run(`
    import { createServer } from 'node:http';
    import { trace } from '@opentelemetry/api';
    import { nameRoute } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    const server = createServer((request, response) => {
      nameRoute('GET', '/v1/follow/:code');
      const { name, attributes } = trace.getActiveSpan();
      response.end(JSON.stringify({ name, attributes }));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sampled = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
    const address = 'http://127.0.0.1:' + server.address().port;
    console.log(await (await fetch(address + '/v1/follow/ABCDEFGHJKMN:rate?x=1', { headers: sampled })).text());
    process.exit(0);
  `);
  expect(seen).not.toContain('ABCDEFGHJKMN');
  expect(JSON.parse(seen.trim().split('\n').at(-1) ?? '')).toMatchObject({
    name: 'GET /v1/follow/:code',
    attributes: { 'url.path': '/v1/follow/-:rate', 'http.route': '/v1/follow/:code' },
  });
});

test('a gRPC call and its handler are of one trace', () => {
  const seen = run(`
    import { Client, credentials, Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
    import { currentTraceparent, traced } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    const same = (bytes) => bytes;
    const echo = { path: '/a.B/Echo', requestStream: false, responseStream: false, requestSerialize: same,
      requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
    const server = new Server();
    server.addService({ echo }, { echo: (_call, answer) => answer(null, Buffer.from(currentTraceparent() ?? 'none')) });
    const port = await new Promise((resolve) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) => resolve(bound)));
    const client = new Client('127.0.0.1:' + port, credentials.createInsecure());
    const [caller, handler] = await traced('work', {}, async () => [
      currentTraceparent(),
      await new Promise((resolve) =>
        client.makeUnaryRequest('/a.B/Echo', same, same, Buffer.from(''), new Metadata(), (_error, told) => resolve(told))),
    ]);
    console.log(JSON.stringify({ caller: caller.slice(3, 35), handler: handler.toString().slice(3, 35) }));
    process.exit(0);
  `);
  const { caller, handler }: { caller?: string; handler?: string } = JSON.parse(seen.trim().split('\n').at(-1) ?? '');
  expect(caller).toMatch(/^[0-9a-f]{32}$/);
  expect(handler).toBe(caller);
});
