import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { startNodeSdk } from '@opentelemetry/sdk-node';
import { register } from 'import-in-the-middle/register-hooks.mjs';
import { traceRequests } from './requests.ts';

type SdkOptions = NonNullable<Parameters<typeof startNodeSdk>[0]>;

/** Starts the SDK; what is traced must not have been loaded before. Answers how it ends. */
export function startTracing(options: SdkOptions): { shutdown(): Promise<void> } {
  // Without this hook the ES modules of http are loaded untouched, and their spans vanish silently. In this
  // thread and for these alone: one that looks at every module from a thread of its own costs 80 MB and doubles the start.
  register({ include: ['http', 'https'] });
  process.env.OTEL_LOGS_EXPORTER ??= 'none'; // logs go to standard output
  process.env.OTEL_LOG_LEVEL ??= 'warn';
  traceRequests();
  return startNodeSdk({
    ...options,
    instrumentations: [
      // Requests that come in are traced by us, calls of gRPC by the rpc lib, and statements of MongoDB by records.
      new HttpInstrumentation({ disableIncomingRequestInstrumentation: true }),
    ],
  });
}
