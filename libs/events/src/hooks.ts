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
  /** Milliseconds from an event to the end of the reaction to it, the first time. */
  lag?(reaction: string, milliseconds: number): void;
  deadLetter?(reaction: string, reason: DeadLetterReason): void;
  /**
   * Runs one reaction: the place for a span under `event.traceparent`, or with a link to it when the event is handled once
   * more (a replay, a dead letter that was requeued).
   */
  around?(event: CloudEvent, reaction: string, run: () => Promise<void>, about: { replayed: boolean }): Promise<void>;
  /** Publishes a batch: the place for a span in each of these traces. */
  publishing?<T>(traceparents: readonly string[], run: () => Promise<T>): Promise<T>;
}
