import { type Attributes, type Meter, metrics } from '@opentelemetry/api';

/** What a measurement is about: few values each, never an id. */
export type About = Attributes;

/** Something that only grows. */
export interface Counter {
  add(count: number, about?: About): void;
}

/** Values whose spread matters, in seconds. */
export interface Durations {
  record(seconds: number, about?: About): void;
}

/** A value that goes up and down; the last one counts. */
export interface Gauge {
  record(value: number, about?: About): void;
}

const meter = (): Meter => metrics.getMeter('bandeng');

/** From a millisecond, which is a check of access, to the patience of a caller and beyond. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** A counter by name (`bandeng.events.published`). Without the SDK nothing is counted. */
export function counter(name: string, description: string): Counter {
  const instrument = onFirstUse(() => meter().createCounter(name, { description }));
  return { add: (count, about) => instrument().add(count, about) };
}

/** A histogram of durations by name. */
export function durations(name: string, description: string): Durations {
  const advice = { explicitBucketBoundaries: bounds };
  const instrument = onFirstUse(() => meter().createHistogram(name, { description, unit: 's', advice }));
  return { record: (seconds, about) => instrument().record(seconds, about) };
}

/** A gauge by name. */
export function gauge(name: string, description: string, unit?: string): Gauge {
  const instrument = onFirstUse(() =>
    meter().createGauge(name, { description, ...(unit === undefined ? {} : { unit }) }),
  );
  return { record: (value, about) => instrument().record(value, about) };
}

/** Instruments are bound when they are used first, for what is made before the SDK has started would stay without effect. */
function onFirstUse<Thing>(make: () => Thing): () => Thing {
  let made: Thing | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
