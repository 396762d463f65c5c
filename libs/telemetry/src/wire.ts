/**
 * Traces across wires. What comes in goes on under its caller's trace, what goes out carries the trace that it belongs to. Nine
 * of ten traces are not kept: those cost a look at their flag and nothing else, which is why this is done here and not by the
 * instrumentations of HTTP and gRPC, which make a span for each end of every call.
 */
import {
  type Attributes,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { isForgotten, placeOf, traceparentOf } from './traceparent.ts';

const tracer = trace.getTracer('bandeng');

/** One end of a call. */
export interface Wire {
  /** What the other end is told: W3C traceparent; undefined when nothing is traced. */
  readonly traceparent: string | undefined;
  /** Ends the span, with what is known only now; `fault` when it went wrong. */
  end(about?: Attributes, fault?: string): void;
}

/** Names a call that goes out, in the trace of what is being done. `about` is asked only of a trace that is kept. */
export function outgoing(name: string, about: () => Attributes): Wire {
  const active = context.active();
  const current = trace.getSpanContext(active);
  const traceparent = traceparentOf(current);
  if (traceparent !== undefined && isForgotten(current?.traceFlags)) return { traceparent, end: () => {} };
  const span = tracer.startSpan(name, { kind: SpanKind.CLIENT }, active);
  if (span.isRecording()) span.setAttributes(about());
  return { traceparent: traceparentOf(span.spanContext()), end: ender(span) };
}

/**
 * Names a call whose other end knows nothing of traces, as a database: a span only in a trace that is kept, for a call of nobody's
 * is of no trace. Answers how it ends; undefined when there is none.
 */
export function step(describe: () => { readonly name: string; readonly about: Attributes }): Wire['end'] | undefined {
  const active = context.active();
  const current = trace.getSpanContext(active);
  if (current === undefined || (current.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
  const { name, about } = describe();
  return ender(tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes: about }, active));
}

/** Answers what came in, under the trace that it came with, else under one of its own. */
export function incoming<Result>(
  traceparent: string | undefined,
  name: string,
  about: () => Attributes,
  answer: (end: Wire['end'] | undefined) => Result,
): Result {
  const place = placeOf(traceparent);
  const from = place === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, place);
  if (isForgotten(place?.traceFlags)) return context.with(from, () => answer(undefined));
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, from);
  if (!span.isRecording()) return context.with(trace.setSpan(ROOT_CONTEXT, span), () => answer(undefined));
  span.setAttributes(about());
  return context.with(trace.setSpan(ROOT_CONTEXT, span), () => answer(ender(span)));
}

function ender(span: Span): Wire['end'] {
  return (about, fault) => {
    if (about !== undefined) span.setAttributes(about);
    if (fault !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: fault });
    span.end();
  };
}
