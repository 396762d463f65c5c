import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { MongoDBInstrumentation } from '@opentelemetry/instrumentation-mongodb';
import { startNodeSdk } from '@opentelemetry/sdk-node';
import { register } from 'import-in-the-middle/register-hooks.mjs';

type SdkOptions = NonNullable<Parameters<typeof startNodeSdk>[0]>;

const withoutFollowCode = (path: string): string => path.replace(/(\/follow\/)[^/:]+/i, '$1-');

/** Starts the SDK; what is traced must not have been loaded before. Answers how it ends. */
export function startTracing(options: SdkOptions): { shutdown(): Promise<void> } {
  // Without this hook the ES modules of grpc-js and mongodb are loaded untouched, and their spans vanish silently. In this
  // thread and for these alone: one that looks at every module from a thread of its own costs 80 MB and doubles the start.
  register({ include: ['http', 'https', '@grpc/grpc-js', 'mongodb'] });
  process.env.OTEL_LOGS_EXPORTER ??= 'none'; // logs go to standard output
  process.env.OTEL_LOG_LEVEL ??= 'warn';
  return startNodeSdk({
    ...options,
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
}
