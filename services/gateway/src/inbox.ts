/**
 * `GET /v1/inbox:stream`: notices as they are posted, for the person they are for. One subscription of this process hears of
 * all notices; the notice itself is fetched with the person's own token, so that notifications alone decides whose it is.
 */
import { rpcs } from '@bandeng/contracts';
import type { Bus, LiveEvent, Subscription } from '@bandeng/events';
import { type RawClient, RpcFailure, type Verifier } from '@bandeng/rpc';
import type { Logger } from '@bandeng/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { signedIn } from './callers.ts';
import { fullness } from './feed.ts';
import { queryOf } from './forward.ts';
import { type CallHeaders, readHeaders } from './headers.ts';
import { fault, invalid, problem } from './problems.ts';
import { answerProblem } from './replies.ts';
import type { EventStream, Streams } from './sse.ts';
import { type Turnstile, turnstile } from './turnstile.ts';

const posted = 'bandeng.notifications.notice-posted.v1';
/** Notices that may wait for one client to be fetched. */
const mostWaiting = 200;
/** Notices fetched at the same time: one for all of a city is asked for by everybody who listens. */
const mostAtOnce = 50;
/** Tries to fetch a notice while notifications is away, a second apart. */
const tries = 5;

/** Somebody who listens. */
interface Follower {
  readonly person: string;
  /** Sequence of the last event that was offered. */
  seen: number;
  offer(event: LiveEvent): void;
}

export interface Inbox {
  handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>;
  stop(): Promise<void>;
}

export function openInbox(parts: {
  bus: Bus;
  verify: Verifier;
  services: RawClient;
  streams: Streams;
  log: Logger;
}): Inbox {
  const { bus, verify, streams } = parts;
  const fetching = { ...parts, pass: turnstile(mostAtOnce) };
  const followers = new Set<Follower>();
  const catchingUp = new Set<() => void>();
  let heard = 0;
  let stopped = false;
  let shared = subscribe();

  function subscribe(): Subscription {
    const subscription = bus.live(
      'notifications',
      { types: [posted] },
      {
        event(event) {
          heard = event.sequence;
          for (const follower of followers) offer(follower, event);
          for (const check of catchingUp) check();
        },
        gone() {
          // The stream was made anew and counts from 1 again. What was missed stands in the inbox itself.
          heard = 0;
          for (const follower of followers) follower.seen = 0;
          if (!stopped) shared = subscribe();
        },
      },
    );
    void subscription.ready.then(() => {
      heard = Math.max(heard, sequenceOf(subscription.position()));
    });
    return subscription;
  }

  /** Reads on from where a client was, alone, until it stands where the shared subscription stands. */
  function catchUp(follower: Follower, after: string, stream: EventStream): void {
    let mine: Subscription | undefined;
    const join = () => {
      if (follower.seen < heard) return;
      leave();
      if (!stream.closed) followers.add(follower);
    };
    const leave = () => {
      catchingUp.delete(join);
      void mine?.close();
    };
    const handlers = {
      event(event: LiveEvent) {
        if (stream.closed || followers.has(follower)) return;
        offer(follower, event);
        join();
      },
      gone() {
        follower.seen = 0;
        heard = Math.max(heard, sequenceOf(shared.position()));
        follower.seen = heard;
        join();
      },
    };
    mine = bus.live('notifications', { types: [posted], after }, handlers);
    catchingUp.add(join);
    stream.onClose(leave);
    void mine.ready.then(() => {
      follower.seen = Math.max(follower.seen, sequenceOf(mine.position()));
      if (catchingUp.has(join)) join();
    });
  }

  return {
    async handle(request, reply) {
      const known = await signedIn(request.headers, verify);
      if ('problem' in known) return answerProblem(request, reply, known.problem);
      const { caller, until } = known;
      if (caller.kind !== 'person') {
        return answerProblem(request, reply, problem('not-permitted', { detail: 'Only people have an inbox.' }));
      }
      const headers = readHeaders(request.headers);
      if ('problem' in headers) return answerProblem(request, reply, headers.problem);
      if (queryOf(request) !== '') {
        return answerProblem(request, reply, invalid([fault('', 'unknown', 'takes no parameters')]));
      }
      const full = fullness(streams, `person:${caller.id}`);
      if (full !== undefined) return answerProblem(request, reply, full);
      const stream = streams.open(reply, `person:${caller.id}`, until);
      const follower = followerOf(caller.id, headers, stream, fetching);
      follower.seen = heard;
      stream.onClose(() => followers.delete(follower));
      const after = request.headers['last-event-id'];
      if (typeof after === 'string' && after !== '') {
        follower.seen = 0;
        catchUp(follower, after, stream);
      } else {
        const position = shared.position();
        if (position !== '') stream.send({ id: position });
        followers.add(follower);
      }
      return reply;
    },
    async stop() {
      stopped = true;
      await shared.close();
    },
  };
}

function offer(follower: Follower, event: LiveEvent): void {
  if (event.sequence <= follower.seen) return;
  follower.seen = event.sequence;
  follower.offer(event);
}

/** A follower that fetches one notice after the other, in their order. */
function followerOf(
  person: string,
  headers: CallHeaders,
  stream: EventStream,
  { services, log, pass }: { services: RawClient; log: Logger; pass: Turnstile },
): Follower {
  const waiting: LiveEvent[] = [];
  let working = false;
  let rested: string | undefined;
  stream.rest(() => (waiting.length === 0 ? rested : undefined));
  async function work(): Promise<void> {
    working = true;
    for (let event = waiting[0]; event !== undefined && !stream.closed; event = waiting[0]) {
      const { subject } = event.event;
      const notice = await pass(() => fetchNotice(services, subject, headers, stream));
      if (notice === 'ended') stream.end();
      else if (notice !== 'not-theirs') stream.send({ id: event.position, event: 'notice-posted', data: notice });
      rested = event.position;
      waiting.shift();
    }
    working = false;
  }
  return {
    person,
    seen: 0,
    offer(event) {
      const addressee: unknown = Reflect.get(Object(event.event.data), 'person');
      const perhapsTheirs = addressee === undefined || addressee === '' || addressee === person;
      if (!perhapsTheirs) {
        if (waiting.length === 0) rested = event.position;
        return;
      }
      if (waiting.length >= mostWaiting) return stream.end();
      waiting.push(event);
      if (!working) {
        work().catch((error: unknown) => {
          log.error({ err: error }, 'a notice could not be streamed');
          stream.end();
        });
      }
    },
  };
}

const getNotice = rpcs.find(({ service, name }) => service === 'notifications' && name === 'GetNotice');

/** The notice as JSON in one line; `ended` when it cannot be had with this token or not now: the client comes again. */
async function fetchNotice(
  services: RawClient,
  id: string,
  headers: CallHeaders,
  stream: EventStream,
): Promise<string | 'not-theirs' | 'ended'> {
  if (getNotice === undefined) throw new Error('the contracts have no GetNotice');
  for (let attempt = 1; attempt <= tries && !stream.closed; attempt++) {
    try {
      const { message } = await services.call(getNotice, getNotice.request.fromJSON({ id }), { headers });
      return JSON.stringify(getNotice.response.toJSON(message));
    } catch (failure) {
      if (!(failure instanceof RpcFailure)) throw failure;
      const { status } = failure.problem;
      if (status === 404 || status === 403) return 'not-theirs';
      if (status < 500 && status !== 429) return 'ended';
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  return 'ended';
}

/** Where a position of one stream stands; 0 when there is none. */
function sequenceOf(position: string): number {
  return Number(/:([0-9]+)$/.exec(position)?.[1] ?? 0);
}
