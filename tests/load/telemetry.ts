/** To order tickets with telemetry as it is in production, one of ten traces kept and exported, against the same without any. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { orderFor } from './create.ts';
import { detail, tell } from './detail.ts';
import { type Ground, onGround, sceneOf } from './ground.ts';
import { interleave, type Result, ratioLine } from './pairs.ts';
import { stopwatch, tally } from './processor-time.ts';

const half = 2_000;
/** Many, for what is measured is small and the machine is not steady. */
const pairs = 21;
/** Services run for weeks: what is measured is compiled code. */
const warmUp = 6_000;

/** Takes what is exported and forgets it. */
async function startCollector() {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port }: AddressInfo = Object(server.address());
  return {
    address: `http://127.0.0.1:${port}`,
    received: () => bytes,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Orders for some time on one of the two grounds; answers orders a second. */
async function loader(ground: Ground) {
  const { order } = sceneOf(ground.plan);
  const token = await ground.token('resident');
  const spent = tally();
  return {
    async run(milliseconds: number): Promise<number> {
      const watch = stopwatch(ground.processes);
      const rate = await orderFor(ground, milliseconds, order, token);
      spent.add(watch(), (rate * milliseconds) / 1_000);
      return rate;
    },
    line: () => spent.line(),
  };
}

export async function telemetry(): Promise<Result> {
  const collector = await startCollector();
  const on = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.address, OTEL_TRACES_SAMPLER_ARG: '0.1' };
  const off = { OTEL_SDK_DISABLED: 'true' };
  try {
    return await onGround(
      (traced) => onGround((bare) => compare(traced, bare, collector.received), { environment: off }),
      { environment: on },
    );
  } finally {
    collector.stop();
  }
}

async function compare(traced: Ground, bare: Ground, received: () => number): Promise<Result> {
  const [ours, baseline] = [await loader(traced), await loader(bare)];
  for (const one of [ours, baseline]) await one.run(warmUp);
  const measured = await interleave(pairs, {
    ours: () => ours.run(half),
    baseline: () => baseline.run(half),
    async before() {
      await traced.settle();
      await bare.settle();
    },
  });
  if (received() === 0) throw new Error('nothing was exported');
  detail('telemetry', measured, 'orders a second');
  tell(`telemetry: processor ms an order: with ${ours.line()}`);
  tell(`telemetry: processor ms an order: without ${baseline.line()}; ${received()} bytes exported`);
  return ratioLine('telemetry', measured, { must: 0.92, aim: 0.96 });
}
