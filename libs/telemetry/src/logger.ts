import { pino } from 'pino';
import { withoutSecrets } from './redaction.ts';
import { currentTraceparent } from './traces.ts';

/** The part of a log that libs need: an object for machines, a sentence for people. */
export interface Logger {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
  debug(about: object, message: string): void;
}

/**
 * A JSON log of a service: one line a message, with the trace it belongs to. Tokens, contacts, names of people and what they
 * wrote are removed even where somebody passes them by mistake, by the keys under which they stand at any depth
 * (`redaction.ts`). What a message itself says is not looked at.
 */
export function openLogger(service: string, level = 'info'): Logger {
  return pino({
    base: { service },
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: withoutSecrets },
    // Faults are plain objects by then; pino's own serializer would take them for another kind of fault.
    serializers: { err: (fault: unknown) => fault },
    mixin: () => {
      const traceparent = currentTraceparent();
      return traceparent === undefined ? {} : { trace: traceparent.slice(3, 35) };
    },
  });
}
