import type { NatsConnection } from '@nats-io/transport-node';
import { eventOfType } from './catalogue.ts';
import { type CloudEvent, MAX_EVENT_BYTES } from './cloudevents.ts';
import type { ReactionDefinition } from './definitions.ts';
import { type Handling, handle, type Origin, readMessage } from './handling.ts';
import type { Lanes } from './lanes.ts';
import type { Operation, Operations } from './operations.ts';
import { readStream, type StoredMessage, streamState } from './streams.ts';
import { filterSubjects, streamOf } from './subjects.ts';

/** What a replay needs of the reactions to one service's events. */
export interface ReplayGround {
  readonly connection: NatsConnection;
  readonly source: string;
  readonly definitions: readonly ReactionDefinition[];
  readonly lanes: Lanes;
  readonly handling: Handling;
  readonly inHand: number;
  readonly operations: Operations;
  over(): boolean;
}

/** Clocks of servers differ by less. */
const CLOCKS = 5 * 60_000;

/**
 * Runs the reactions to a range of a stream again, in the lanes in which new events are handled, so that one aggregate is never
 * handled twice at the same time. Command ids follow from the events: what has happened does not happen again. Whoever is
 * interrupted leaves it to be gone on with.
 */
export async function replay({ id, task, ...before }: Operation<'replay'>, ground: ReplayGround): Promise<void> {
  const { connection, source, operations, lanes, handling } = ground;
  const meant = ground.definitions.filter(({ name }) => task.reaction === undefined || name === task.reaction);
  if (meant.length === 0) {
    const names = [...new Set(ground.definitions.map(({ name }) => name))].join(', ');
    return operations.end(id, `there is no reaction '${task.reaction}' to events of ${source}; there are: ${names}`);
  }
  const stream = streamOf(source);
  const state = await streamState(connection, stream);
  if (state === undefined) return operations.end(id, `there is no stream ${stream}`);
  const tally = { done: before.done, effects: before.effects ?? 0, dead: before.dead ?? 0 };
  /** What is not through, and what is being worked at. */
  const open = new Set<number>();
  const running = new Set<Promise<void>>();
  let last = before.reached ?? 0;
  let abandoned = false;
  let toldAt = performance.now();
  const reached = (): number => (open.size === 0 ? last : Math.min(...open) - 1);
  const to = task.to !== undefined && 'sequence' in task.to ? Math.min(task.to.sequence, state.last) : state.last;

  const messages = readStream(connection, stream, {
    from: Math.max(last + 1, 'sequence' in task.from ? task.from.sequence : 1, state.first),
    to,
    subjects: filterSubjects(
      source,
      meant.flatMap(({ type }) => eventOfType(type)?.name ?? []),
      [],
    ),
    // An event is stored after it happened; how much later nobody knows.
    since: 'time' in task.from && last === 0 ? new Date(Date.parse(task.from.time) - CLOCKS) : undefined,
  });
  for await (const message of messages) {
    while (running.size >= ground.inHand) await Promise.race(running);
    if (ground.over() || abandoned) break;
    start(message);
    if (toldAt + 500 > performance.now()) continue;
    toldAt = performance.now();
    await operations.progress(id, { ...tally, reached: reached() });
  }
  await Promise.all(running);
  await operations.progress(id, { ...tally, reached: reached() });
  if (!ground.over() && !abandoned) await operations.end(id);

  function start(message: StoredMessage): void {
    last = message.sequence;
    const read = readMessage(message.data, source);
    // Poison has its dead letter from the first time.
    if ('poison' in read || !within(read.event.time, task)) return;
    const { event } = read;
    const due = meant.filter(({ type }) => type === event.type);
    if (due.length === 0) return;
    const place = `${stream}@${state?.created}:${message.sequence}`;
    const raw = (): string => new TextDecoder().decode(message.data.subarray(0, MAX_EVENT_BYTES));
    const origin = { stream, sequence: message.sequence, place, raw };
    open.add(message.sequence);
    const ended = Promise.withResolvers<void>();
    running.add(ended.promise);
    lanes.run(event.subject, async () => {
      if (await through(due, event, origin)) {
        tally.done += 1;
        open.delete(message.sequence);
      } else {
        abandoned = true;
      }
      running.delete(ended.promise);
      ended.resolve();
    });
  }

  async function through(due: readonly ReactionDefinition[], event: CloudEvent, origin: Origin): Promise<boolean> {
    for (const definition of due) {
      const { end, effects } = await handle(definition, event, origin, handling, ground.over, true);
      if (end === 'abandoned') return false;
      tally.effects += effects;
      if (end === 'dead') tally.dead += 1;
    }
    return true;
  }
}

function within(time: string, { from, to }: Operation<'replay'>['task']): boolean {
  const at = Date.parse(time);
  const early = 'time' in from && at < Date.parse(from.time);
  return !early && !(to !== undefined && 'time' in to && at > Date.parse(to.time));
}
