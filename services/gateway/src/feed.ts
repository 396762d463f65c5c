/** `GET /v1/events`: what happens in its territory, for another system, as CloudEvents over SSE. */
import { type EventName, events, type ServiceName } from '@bandeng/contracts';
import type { Bus, LiveFilter } from '@bandeng/events';
import type { Verifier } from '@bandeng/rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { signedIn } from './callers.ts';
import { queryOf } from './forward.ts';
import { type FieldProblem, fault, invalid, type Problem, problem } from './problems.ts';
import { readQuery, textParameters } from './query.ts';
import { answerProblem } from './replies.ts';
import type { EventStream, Streams } from './sse.ts';

/** What a system wishes to hear. */
interface Wish {
  readonly services: readonly ServiceName[];
  readonly filter: LiveFilter;
  readonly territory: string;
}

const parameters = textParameters(['types', 'territory']);
/** How long the streams may take to be found. */
const patience = 4000;

/** Handles requests for the feed. */
export function feed(parts: { bus: Bus; verify: Verifier; streams: Streams }) {
  const { bus, verify, streams } = parts;
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const known = await signedIn(request.headers, verify);
    if ('problem' in known) return answerProblem(request, reply, known.problem);
    const { caller, counts } = known;
    if (caller.kind !== 'client' || !caller.scopes.includes('events')) {
      const detail = 'Events are for systems whose token has the scope events.';
      return answerProblem(request, reply, problem('not-permitted', { detail }));
    }
    const wish = wishOf(queryOf(request), request.headers['last-event-id'], caller.territory);
    if ('problem' in wish) return answerProblem(request, reply, wish.problem);
    const full = fullness(streams, `client:${caller.id}`);
    if (full !== undefined) return answerProblem(request, reply, full);
    if (!bus.connected()) return answerProblem(request, reply, problem('unavailable', { retryAfterSeconds: 5 }));
    let stream: EventStream | undefined;
    let gone = false;
    const opened = Promise.withResolvers<void>();
    const subscription = bus.live(wish.services, wish.filter, {
      async event({ position, event }) {
        await opened.promise;
        if (!(await counts())) return stream?.end();
        // The bus knows places down to compounds; a building's events travel with its compound's.
        if (!event.territory.startsWith(wish.territory)) return;
        stream?.send({ id: position, event: event.type, data: JSON.stringify(event) });
        await stream?.drained();
      },
      gone() {
        gone = true;
        opened.resolve();
        stream?.end();
      },
    });
    const found = await Promise.race([
      subscription.ready.then(() => !gone),
      opened.promise.then(() => false),
      late(patience),
    ]);
    const away = gone ? problem('events-gone') : problem('unavailable', { retryAfterSeconds: 5 });
    // Others may have come while the streams were looked for.
    const hindrance = found && !request.raw.destroyed ? fullness(streams, `client:${caller.id}`) : away;
    if (hindrance !== undefined) {
      opened.resolve();
      void subscription.close();
      return answerProblem(request, reply, hindrance);
    }
    stream = streams.open(reply, `client:${caller.id}`, known);
    stream.onClose(() => void subscription.close());
    const start = subscription.position();
    if (start !== '') stream.send({ id: start });
    opened.resolve();
    return reply;
  };
}

/** Why no stream more can be had, if so. */
export function fullness(streams: Streams, caller: string): Problem | undefined {
  switch (streams.room(caller)) {
    case 'room':
      return undefined;
    case 'full':
      return problem('overloaded', { retryAfterSeconds: 10 });
    case 'too-many-of-one':
      return problem('too-many-requests', {
        retryAfterSeconds: 10,
        detail: 'Too many streams of this caller are open.',
      });
  }
}

function wishOf(query: string, after: string | string[] | undefined, own: string): Wish | { problem: Problem } {
  const read = readQuery(query, parameters);
  if ('faults' in read) return { problem: invalid(read.faults) };
  const faults: FieldProblem[] = [];
  const names = eventsOf(read.values.types);
  if (names === undefined)
    faults.push(fault('types', 'enum', `must be names or types of events: ${Object.keys(events).join(', ')}`));
  const territory = read.values.territory ?? own;
  if (typeof territory !== 'string' || !isCode(territory))
    faults.push(fault('territory', 'pattern', 'must be the code of a territory'));
  if (names === undefined || typeof territory !== 'string' || faults.length > 0) return { problem: invalid(faults) };
  if (own === '' || !territory.startsWith(own)) {
    return { problem: problem('not-permitted', { detail: 'The territory is not within that of this system.' }) };
  }
  return {
    territory,
    services: [...new Set(names.map((name) => events[name].service))],
    filter: {
      types: names.map((name) => events[name].type),
      territory,
      ...(typeof after === 'string' && after !== '' ? { after } : {}),
    },
  };
}

/** The events of a comma list of names and types; all when it is left out or empty; undefined when one is unknown. */
function eventsOf(list: unknown): EventName[] | undefined {
  const all = Object.keys(events).filter(isEventName);
  if (typeof list !== 'string' || list === '') return all;
  const found = list.split(',').map((item) => all.find((name) => name === item || events[name].type === item));
  return found.every((name) => name !== undefined) ? [...new Set(found)] : undefined;
}

function isEventName(name: string): name is EventName {
  return Object.hasOwn(events, name);
}

/** 2+2+2+3+3+3+3 digits; where it ends says what it is. */
function isCode(text: string): boolean {
  return /^[0-9]+$/.test(text) && [2, 4, 6, 9, 12, 15, 18].includes(text.length);
}

function late(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms).unref());
}
