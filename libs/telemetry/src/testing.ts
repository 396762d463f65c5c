/** For tests: everything traced and measured is kept in memory. Nothing here is loaded by a service. */
import type { startNodeSdk } from '@opentelemetry/sdk-node';
import { startTracing } from './start.ts';

type SdkOptions = NonNullable<Parameters<typeof startNodeSdk>[0]>;
type SpanProcessor = NonNullable<Extract<SdkOptions, { spanProcessors?: unknown }>['spanProcessors']>[number];
type MetricReader = NonNullable<Extract<SdkOptions, { metricReaders?: unknown }>['metricReaders']>[number];
type MetricProducer = Parameters<MetricReader['setMetricProducer']>[0];

/** A span that has ended. */
export interface EndedSpan {
  readonly trace: string;
  readonly id: string;
  /** Absent at the root of a trace. */
  readonly parent: string | undefined;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** The instrumentation it comes from. */
  readonly by: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The traces that it is linked to. */
  readonly links: readonly string[];
}

/** One value of an instrument. */
export interface Measured {
  readonly name: string;
  readonly about: Readonly<Record<string, unknown>>;
  /** Of a histogram how many values there were. */
  readonly value: number;
}

/** What was traced and measured so far. */
export interface Recording {
  spans(): readonly EndedSpan[];
  measured(): Promise<readonly Measured[]>;
  stop(): Promise<void>;
}

const kinds = ['internal', 'server', 'client', 'producer', 'consumer'] as const;

/** Records from now on, every trace. Call it before anything that is traced is loaded, so load that by `await import()`. */
export function recordTelemetry(): Recording {
  const ended: EndedSpan[] = [];
  const processor: SpanProcessor = {
    onStart() {},
    onEnd(span) {
      const { traceId, spanId } = span.spanContext();
      ended.push({
        trace: traceId,
        id: spanId,
        parent: span.parentSpanContext?.spanId,
        name: span.name,
        kind: kinds[span.kind] ?? 'internal',
        by: span.instrumentationScope.name,
        attributes: span.attributes,
        links: span.links.map(({ context }) => context.traceId),
      });
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const reader = readerInMemory();
  process.env.OTEL_TRACES_SAMPLER = 'always_on';
  const sdk = startTracing({ spanProcessors: [processor], metricReaders: [reader] });
  return {
    spans: () => ended,
    async measured() {
      const { resourceMetrics } = await reader.collect();
      return resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
        metrics.flatMap(({ descriptor, dataPoints }) =>
          dataPoints.map(({ attributes, value }) => ({
            name: descriptor.name,
            about: attributes,
            value: typeof value === 'number' ? value : value.count,
          })),
        ),
      );
    },
    stop: () => sdk.shutdown(),
  };
}

/** Reads when it is asked, and keeps everything since the start. */
function readerInMemory(): MetricReader {
  let from: MetricProducer | undefined;
  return {
    setMetricProducer(producer) {
      from = producer;
    },
    selectAggregation: () => ({ type: 0 }), // the one that suits the instrument
    selectAggregationTemporality: () => 1, // cumulative
    selectCardinalityLimit: () => 2_000,
    async collect() {
      if (from === undefined) throw new Error('nothing is measured: the SDK has not started');
      return from.collect();
    },
    shutdown: async () => {},
    forceFlush: async () => {},
  };
}
