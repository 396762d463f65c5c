/** A server of the bench of the gateway: `no-op.ts ours|bare`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rawClient } from '@bandeng/rpc';
import { openLogger } from '@bandeng/telemetry';
import { silentBus } from '@bandeng/testing/silent-bus';
import Fastify, { type FastifyInstance } from 'fastify';
import { configure } from '../../services/gateway/src/config.ts';
import { buildGateway } from '../../services/gateway/src/gateway.ts';
import { beEnd } from './ends.ts';

/** The gateway stands without NATS and without any service. */
async function ours(): Promise<FastifyInstance> {
  const run = mkdtempSync(join(tmpdir(), 'bandeng-bench-'));
  process.once('exit', () => rmSync(run, { recursive: true, force: true }));
  // Counted as in production, but one address asks more here than any address may.
  const limits = { BANDENG_RATE_TOKEN: '100000000', BANDENG_RATE_ADDRESS: '100000000' };
  const { app } = await buildGateway(
    {
      services: rawClient({ address: (service) => `unix:${join(run, `${service}.sock`)}`, token: async () => '' }),
      verify: async () => ({ invalid: 'not asked here' }),
      bus: silentBus,
      log: openLogger('gateway'),
    },
    configure({ BANDENG_RUN: run, ...limits }),
  );
  return app;
}

const [kind] = process.argv.slice(2);
const app = kind === 'ours' ? await ours() : Fastify();
app.get('/v1/no-op', async () => ({ done: true }));
const address = await app.listen({ host: '127.0.0.1', port: 0 });
beEnd(Number(new URL(address).port), async () => 0);
