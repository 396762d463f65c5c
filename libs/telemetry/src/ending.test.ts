import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = `
import { trace } from '@opentelemetry/api';
import { endTelemetry } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
trace.getTracer('bench').startSpan('the last thing done').end();
await endTelemetry();
process.exit(0);
`;

/** Runs a process that does one thing and ends at once, as a service does after SIGTERM. */
async function runEnding(collector: string): Promise<void> {
  const register = join(import.meta.dirname, 'register.ts');
  const environment = {
    ...{ PATH: process.env.PATH, OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_TRACES_SAMPLER: 'always_on' },
    OTEL_METRICS_EXPORTER: 'none',
  };
  const flags = ['--disable-warning=ExperimentalWarning', '--import', register, '--input-type=module', '-e', program];
  await promisify(execFile)(process.execPath, flags, { cwd: import.meta.dirname, env: environment });
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

it('sends what was measured last before the process ends', async () => {
  let sent = '';
  const collector = createServer((request, response) => {
    request.setEncoding('latin1').on('data', (text: string) => (sent += text));
    request.on('end', () => response.end());
  });
  await runEnding(await listening(collector));
  collector.close();
  expect(sent).toContain('the last thing done');
});

it('keeps no process from ending while the collector says nothing', async () => {
  const silent = createServer(() => undefined);
  const collector = await listening(silent);
  const since = performance.now();
  await runEnding(collector);
  expect(performance.now() - since).toBeLessThan(8_000);
  silent.closeAllConnections();
  silent.close();
});
