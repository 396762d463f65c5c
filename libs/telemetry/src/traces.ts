import {
  type Attributes,
  context,
  INVALID_TRACEID,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { isForgotten, placeOf, traceparentOf } from './traceparent.ts';

const tracer = trace.getTracer('bandeng');

type Kind = 'producer' | 'consumer' | 'internal';
const kinds = { producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER, internal: SpanKind.INTERNAL };

/** The W3C traceparent of what is being done now, or undefined when nothing is traced. */
export function currentTraceparent(): string | undefined {
  return traceparentOf(trace.getSpanContext(context.active()));
}

/** The id of the trace of what is being done now: 32 hexadecimal digits; undefined when nothing is traced. */
export function currentTrace(): string | undefined {
  const id = trace.getSpanContext(context.active())?.traceId;
  return id === INVALID_TRACEID ? undefined : id;
}

/** Says in the span of the HTTP request being answered which route it found: `GET` and `/v1/tickets/:id`. */
export function nameRoute(method: string, route: string): void {
  const span = trace.getSpan(context.active());
  if (span?.isRecording() === true) span.updateName(`${method} ${route}`).setAttribute('http.route', route);
}

/**
 * Does work as a span of its own under the trace that an event or entry carries, so that one trace runs from the
 * HTTP call through the bus to the reaction. `replayed` work is linked to that trace instead: it happens later, for
 * another reason, and would distort it.
 */
export async function traced<Result>(
  name: string,
  options: { traceparent?: string | undefined; kind?: Kind; replayed?: boolean; attributes?: Attributes },
  work: () => Promise<Result>,
): Promise<Result> {
  const origin = placeOf(options.traceparent);
  const joined = options.replayed === true ? undefined : origin;
  const parent = joined === undefined ? context.active() : trace.setSpanContext(ROOT_CONTEXT, joined);
  if (isForgotten(joined?.traceFlags)) return context.with(parent, work);
  const kind = kinds[options.kind ?? 'internal'];
  const links = origin !== undefined && joined === undefined ? [{ context: origin }] : [];
  return tracer.startActiveSpan(name, { kind, links, attributes: options.attributes ?? {} }, parent, async (span) => {
    try {
      return await work();
    } catch (fault) {
      span.setStatus(statusOf(fault));
      throw fault;
    } finally {
      span.end();
    }
  });
}

/** Does work that belongs to several traces at once, as publishing a batch: one span in each that is sampled. */
export async function tracedInEach<Result>(
  name: string,
  options: { traceparents: readonly string[]; kind?: Kind; attributes?: Attributes },
  work: () => Promise<Result>,
): Promise<Result> {
  const { attributes = {} } = options;
  const kind = kinds[options.kind ?? 'internal'];
  const spans = options.traceparents.flatMap((traceparent) => {
    const origin = placeOf(traceparent);
    if (origin?.traceFlags !== TraceFlags.SAMPLED) return [];
    return [tracer.startSpan(name, { kind, attributes }, trace.setSpanContext(ROOT_CONTEXT, origin))];
  });
  try {
    return await work();
  } catch (fault) {
    for (const span of spans) span.setStatus(statusOf(fault));
    throw fault;
  } finally {
    for (const span of spans) span.end();
  }
}

function statusOf(fault: unknown) {
  return { code: SpanStatusCode.ERROR, message: fault instanceof Error ? fault.name : 'failed' };
}
