import type { CloudEvent } from './cloudevents.ts';
import type { DeadLetterReason } from './deadletters.ts';

/** What the lib logs to; a pino logger fits. */
export interface Log {
  debug(about: object, message: string): void;
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

/** What is measured, told as it happens. All are optional. */
export interface EventHooks {
  /** So many messages more are durable on the bus. */
  published?(count: number): void;
  /** What waits to be published, every 5 s. */
  backlog?(documents: number, oldestSeconds: number): void;
  /** Milliseconds from an event to the end of the reaction to it. */
  lag?(reaction: string, milliseconds: number): void;
  deadLetter?(reaction: string, reason: DeadLetterReason): void;
  /** Runs one reaction: the place for a span with a link to `event.traceparent`. */
  around?(event: CloudEvent, reaction: string, run: () => Promise<void>): Promise<void>;
}
