import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
      log.info({ ticket: 'T1', token: 'secret-1', call: { authorization: 'secret-2', deep: { of: { phone: 'secret-3' } } } }, 'dispatched');
      log.error({ err: Object.assign(new Error('away'), { options: { auth: { password: 'secret-4' } } }) }, 'failed');
    });
  `);
  const [entry, fault]: unknown[] = line
    .trim()
    .split('\n')
    .map((one) => JSON.parse(one));
  expect(fault).toMatchObject({
    level: 'error',
    err: { type: 'Error', message: 'away', stack: expect.stringContaining('Error: away') },
  });
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

test('a call that goes out is of the trace of what is being done, and answering it goes on there, kept or not', () => {
  const seen = run(`
    import { currentTraceparent, incoming, outgoing, traced } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    const about = () => ({});
    const answers = async (traceparent) => {
      const wire = await incoming(traceparent, 'answer', about, async () => outgoing('ask', about));
      return incoming(wire.traceparent, 'answer', about, async () => currentTraceparent());
    };
    const kept = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    console.log(JSON.stringify({
      kept: await answers(kept),
      forgotten: await answers(kept.replace(/1$/, '0')),
      later: await answers('cc' + kept.slice(2) + '-more'),
      none: await answers(undefined),
      invalid: await answers('ff' + kept.slice(2)),
    }));
    process.exit(0);
  `);
  const origin = '0af7651916cd43dd8448eb211c80319c';
  const told: Record<string, string> = JSON.parse(seen.trim().split('\n').at(-1) ?? '');
  expect(told.kept).toMatch(new RegExp(`^00-${origin}-[0-9a-f]{16}-01$`));
  expect(told.kept).not.toContain('b7ad6b7169203331');
  expect(told.forgotten).toBe(`00-${origin}-b7ad6b7169203331-00`);
  expect(told.later).toMatch(new RegExp(`^00-${origin}-[0-9a-f]{16}-01$`));
  for (const own of [told.none, told.invalid]) {
    expect(own).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    expect(own).not.toContain(origin);
  }
});

test.each([
  ['services/tickets/src/main.ts', 'tickets'],
  ['deploy/src/all-in-one.ts', 'bandeng'],
])('%s reports as %s', (program, name) => {
  const file = join(mkdtempSync(join(tmpdir(), 'named-')), program);
  mkdirSync(dirname(file), { recursive: true });
  const api = JSON.stringify(import.meta.resolve('@opentelemetry/api'));
  writeFileSync(
    file,
    `import { trace } from ${api};
     process.stdout.write(trace.getTracer('t').startSpan('s').resource.attributes['service.name']);`,
  );
  const env = { OTEL_TRACES_SAMPLER: 'always_on', OTEL_LOG_LEVEL: 'none' };
  expect(execFileSync(process.execPath, ['--import', register, file], { env, encoding: 'utf8' })).toBe(name);
});
