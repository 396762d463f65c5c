export { endTelemetry } from './ending.ts';
export { type Logger, openLogger } from './logger.ts';
export { type About, type Counter, counter, type Durations, durations, type Gauge, gauge } from './metrics.ts';
export { traceIn } from './traceparent.ts';
export { currentTrace, currentTraceparent, nameRoute, traced, tracedInEach } from './traces.ts';
export { incoming, outgoing, step, type Wire } from './wire.ts';
