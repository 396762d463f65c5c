/**
 * Loaded by `node --import` before anything else, so that HTTP, gRPC and MongoDB are traced.
 * Without a collector (OTEL_EXPORTER_OTLP_ENDPOINT) nothing is exported, but every call still has a trace id.
 */
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { MongoDBInstrumentation } from '@opentelemetry/instrumentation-mongodb';
import { startNodeSdk } from '@opentelemetry/sdk-node';
import { register } from 'import-in-the-middle/register-hooks.mjs';

const withoutFollowCode = (path: string): string => path.replace(/(\/follow\/)[^/:]+/i, '$1-');

const forgetful = {
  onStart() {},
  onEnd() {},
  forceFlush: async () => {},
  shutdown: async () => {},
};

if (process.env.OTEL_SDK_DISABLED !== 'true') {
  // Without this hook the ES modules of grpc-js and mongodb are loaded untouched, and their spans vanish silently. In this
  // thread and for these alone: one that looks at every module from a thread of its own costs 80 MB and doubles the start.
  register({ include: ['http', 'https', '@grpc/grpc-js', 'mongodb'] });
  const collector = process.env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined;
  process.env.OTEL_LOGS_EXPORTER ??= 'none'; // logs go to standard output
  process.env.OTEL_METRICS_EXPORTER ??= collector ? 'otlp' : 'none';
  process.env.OTEL_LOG_LEVEL ??= 'warn';
  process.env.OTEL_TRACES_SAMPLER ??= 'parentbased_traceidratio';
  process.env.OTEL_TRACES_SAMPLER_ARG ??= '0.1';
  const sdk = startNodeSdk({
    ...(collector ? {} : { spanProcessors: [forgetful] }),
    instrumentations: [
      new HttpInstrumentation({
        redactedQueryParams: ['code', 'state', 'access_token', 'id_token_hint'],
        // A follow code opens a ticket and stands in the path: no span may carry that path as it came.
        startIncomingSpanHook: ({ url = '' }) => ({ 'url.path': withoutFollowCode(url.split('?', 1)[0] ?? '') }),
      }),
      new GrpcInstrumentation(),
      new MongoDBInstrumentation({ enhancedDatabaseReporting: false }),
    ],
  });
  process.once('beforeExit', () => void sdk.shutdown().catch(() => {}));
}
