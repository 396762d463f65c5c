import type { CloudEvent, DeadLetters, EventHooks } from '@bandeng/events';
import { counter, durations, gauge, traced, tracedInEach } from '@bandeng/telemetry';

const requests = durations(
  'bandeng.rpc.duration',
  'Calls answered, by rpc and outcome: OK or the reason of the problem',
);
const published = counter('bandeng.events.published', 'Messages that have become durable on the bus');
const waiting = gauge('bandeng.relay.backlog', 'Aggregates with entries that wait to be published');
const oldest = gauge('bandeng.relay.oldest', 'How long the oldest of them waits', 's');
const lag = durations('bandeng.events.lag', 'From an event to the end of the reaction to it');
const deadLetters = counter('bandeng.dead_letters', 'Messages given up, by reaction and reason');
const openLetters = gauge('bandeng.dead_letters.open', 'Dead letters that nobody has seen to');
const due = counter('bandeng.sweeps.due', 'Aggregates found due, again at each look');
const handled = counter('bandeng.sweeps.handled', 'Commands of sweeps that took effect');
const failed = counter('bandeng.sweeps.failed', 'Sweeps that broke off');

/** Milliseconds after which a reaction is no part of what caused it: it would draw out the trace. */
const LATE = 10 * 60_000;

/** The measurements of one service. */
export interface Measuring {
  /** Of each call. */
  observe(rpc: string, outcome: string, seconds: number): void;
  /** Of the relay and the reactions. */
  hooks(letters: DeadLetters, now: () => Date): EventHooks;
  /** Of each round of a sweep; undefined when it broke off. */
  swept(sweep: string, round: { readonly due: number; readonly handled: number } | undefined): void;
}

/** What is measured of a service, under names that all services share. */
export function measuring(service: string): Measuring {
  return {
    observe: (rpc, outcome, seconds) => requests.record(seconds, { rpc, outcome }),
    hooks: (letters, now) => ({
      published: (count) => published.add(count, { service }),
      backlog(documents, oldestSeconds) {
        waiting.record(documents, { service });
        oldest.record(oldestSeconds, { service });
        letters.open().then(
          (open) => openLetters.record(open, { service }),
          () => undefined, // the database is away, which others say
        );
      },
      lag: (reaction, milliseconds) => lag.record(milliseconds / 1_000, { service, reaction }),
      deadLetter: (reaction, reason) => deadLetters.add(1, { service, reaction, reason }),
      around: (event, reaction, run, { replayed }) =>
        traced(
          `react ${reaction}`,
          {
            traceparent: event.traceparent,
            kind: 'consumer',
            replayed: replayed || isLate(event, now()),
            attributes: { 'messaging.system': 'nats', 'bandeng.event.id': event.id, 'bandeng.event.type': event.type },
          },
          run,
        ),
      publishing: (traceparents, run) =>
        tracedInEach(
          `publish ${service}`,
          { traceparents, kind: 'producer', attributes: { 'messaging.system': 'nats' } },
          run,
        ),
    }),
    swept(sweep, round) {
      const about = { service, sweep };
      if (round === undefined) failed.add(1, about);
      else {
        due.add(round.due, about);
        handled.add(round.handled, about);
      }
    },
  };
}

function isLate(event: CloudEvent, now: Date): boolean {
  return now.getTime() - Date.parse(event.time) > LATE;
}
