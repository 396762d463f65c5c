import { isSpanContextValid, type SpanContext, TraceFlags } from '@opentelemetry/api';

/** The place in a trace that a W3C traceparent names: of version 00, or of a later one as far as it is the same. */
export function placeOf(traceparent: string | undefined): SpanContext | undefined {
  const parts = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/.exec(
    traceparent ?? '',
  );
  if (parts?.[1] === undefined || parts[2] === undefined) return undefined;
  return {
    traceId: parts[1],
    spanId: parts[2],
    traceFlags: Number.parseInt(parts[3] ?? '', 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
}

/** The traceparent of a place in a trace; undefined when nothing is traced there. */
export function traceparentOf(place: SpanContext | undefined): string | undefined {
  if (place === undefined || !isSpanContextValid(place)) return undefined;
  return `00-${place.traceId}-${place.spanId}-0${place.traceFlags & TraceFlags.SAMPLED}`;
}

/** The id of the trace that a traceparent names. */
export function traceIn(traceparent: string): string | undefined {
  return placeOf(traceparent)?.traceId;
}

let parentDecides: boolean | undefined;

/** Whether what belongs to such a trace is not kept, so that no sampler need be asked. */
export function isForgotten(flags: number | undefined): boolean {
  parentDecides ??= (process.env.OTEL_TRACES_SAMPLER ?? 'parentbased').startsWith('parentbased');
  return parentDecides && flags !== undefined && (flags & TraceFlags.SAMPLED) === 0;
}
