import { pino } from 'pino';
import { currentTraceparent } from './traces.ts';

/** The part of a log that libs need: an object for machines, a sentence for people. */
export interface Logger {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
  debug(about: object, message: string): void;
}

/** Keys whose values never reach a log, wherever they stand within three levels. */
const secrets = ['authorization', 'serviceAuthorization', 'password', 'token', 'code', 'followCode', 'phone', 'text'];

/**
 * A JSON log of a service: one line a message, with the trace it belongs to. Tokens, contacts and residents' text are
 * removed even where somebody passes them by mistake.
 */
export function openLogger(service: string, level = 'info'): Logger {
  return pino({
    base: { service },
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secrets.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), remove: true },
    mixin: () => {
      const traceparent = currentTraceparent();
      return traceparent === undefined ? {} : { trace: traceparent.slice(3, 35) };
    },
  });
}
