/**
 * Loaded by `node --import` before anything else, so that what calls over HTTP is traced; the rest traces itself.
 * Without a collector (OTEL_EXPORTER_OTLP_ENDPOINT) nothing is exported, but every call still has a trace id.
 */
import { endsBy, endTelemetry } from './ending.ts';
import { startTracing } from './start.ts';

const forgetful = {
  onStart() {},
  onEnd() {},
  forceFlush: async () => {},
  shutdown: async () => {},
};

if (process.env.OTEL_SDK_DISABLED !== 'true') {
  const collector = process.env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined;
  process.env.OTEL_SERVICE_NAME ??= /services\/([a-z]+)\/src\/main\.ts$/.exec(process.argv[1] ?? '')?.[1] ?? 'bandeng';
  process.env.OTEL_METRICS_EXPORTER ??= collector ? 'otlp' : 'none';
  process.env.OTEL_TRACES_SAMPLER ??= 'parentbased_traceidratio';
  process.env.OTEL_TRACES_SAMPLER_ARG ??= '0.1';
  const sdk = startTracing(collector ? {} : { spanProcessors: [forgetful] });
  endsBy(() => sdk.shutdown());
  process.once('beforeExit', () => void endTelemetry());
}
