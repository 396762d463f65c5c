/**
 * `GET /v1/inbox:stream`: notices as they are posted, for the person they are for. A hint of notifications says for whom there is
 * something new; what it is, is read from the inbox with the person's own token, so that notifications alone decides whose it is.
 */
import { rpcs } from '@bandeng/contracts';
import type { Bus } from '@bandeng/events';
import { type RawClient, RpcFailure, type Verifier } from '@bandeng/rpc';
import type { Logger } from '@bandeng/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { signedIn } from './callers.ts';
import { fullness } from './feed.ts';
import { queryOf } from './forward.ts';
import { type CallHeaders, readHeaders } from './headers.ts';
import { type InboxPlace, placeAfter, placeFrom, placeText, type Told, untold } from './inbox-place.ts';
import { fault, invalid, problem } from './problems.ts';
import { answerProblem } from './replies.ts';
import type { EventStream, Streams } from './sse.ts';
import { type Turnstile, turnstile } from './turnstile.ts';

/** Inboxes read at the same time: a notice for all of a community is looked for by everybody who listens. */
const mostAtOnce = 50;
/** Pages of an inbox that are read to find what a client has missed; beyond that it reads its inbox itself. */
const mostPages = 5;
const pageSize = 100;
/** Tries to read an inbox while notifications is away, a second apart. */
const tries = 5;

/** Somebody who listens. */
interface Follower {
  readonly person: string;
  /** Looks for what is new, again if that is going on already. */
  look(): void;
}

export interface Inbox {
  handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>;
  stop(): void;
}

export function openInbox(parts: {
  bus: Bus;
  verify: Verifier;
  services: RawClient;
  streams: Streams;
  log: Logger;
}): Inbox {
  const { bus, verify, streams } = parts;
  const reading = { ...parts, pass: turnstile(mostAtOnce) };
  const followers = new Set<Follower>();
  const deaf = [
    bus.onHint('notifications', (recipients) => {
      const forMany = recipients.some((recipient) => !recipient.startsWith('person:'));
      const people = new Set(recipients);
      for (const one of followers) if (forMany || people.has(`person:${one.person}`)) one.look();
    }),
    // What was hinted at while this process did not hear it.
    bus.onConnected(() => {
      for (const one of followers) one.look();
    }),
  ];

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
      const given = request.headers['last-event-id'];
      const after = typeof given === 'string' && given !== '' ? placeFrom(given) : undefined;
      if (after === 'malformed') {
        return answerProblem(
          request,
          reply,
          invalid([fault('Last-Event-ID', 'malformed', 'is no position in an inbox')]),
        );
      }
      const full = fullness(streams, `person:${caller.id}`);
      if (full !== undefined) return answerProblem(request, reply, full);
      const stream = streams.open(reply, `person:${caller.id}`, until);
      const follower = followerOf(caller.id, headers, stream, after, reading);
      followers.add(follower);
      stream.onClose(() => followers.delete(follower));
      follower.look();
      return reply;
    },
    stop() {
      for (const end of deaf) end();
    },
  };
}

/** Tells what comes after a place; without one, what comes after what is there when it looks first. */
function followerOf(
  person: string,
  headers: CallHeaders,
  stream: EventStream,
  after: InboxPlace | undefined,
  { services, log, pass }: { services: RawClient; log: Logger; pass: Turnstile },
): Follower {
  let place = after;
  let looking = false;
  let again = false;
  stream.rest(() => (place === undefined ? undefined : placeText(place)));

  async function lookOn(): Promise<void> {
    looking = true;
    while (again && !stream.closed) {
      again = false;
      const found = await pass(() => newest(services, headers, stream, place));
      if (found === 'ended') return stream.end();
      if (place === undefined) {
        place = placeAfter(undefined, found);
        stream.send({ id: placeText(place) });
      } else {
        for (const one of untold(place, found)) {
          place = placeAfter(place, [one]);
          stream.send({ id: placeText(place), event: 'notice-posted', data: one.data });
          await stream.drained();
        }
      }
    }
    looking = false;
  }

  return {
    person,
    look() {
      again = true;
      if (looking) return;
      lookOn().catch((error: unknown) => {
        log.error({ err: error }, 'an inbox could not be streamed');
        stream.end();
      });
    },
  };
}

const listInbox = rpcs.find(({ service, name }) => service === 'notifications' && name === 'ListInbox');

/** What the inbox has from a place on, newest first; `ended` when it cannot be had with this token or not now. */
async function newest(
  services: RawClient,
  headers: CallHeaders,
  stream: EventStream,
  place: InboxPlace | undefined,
): Promise<readonly Told[] | 'ended'> {
  const found: Told[] = [];
  let pageToken = '';
  for (let page = 0; page < mostPages; page++) {
    const answer = await readPage(services, headers, stream, pageToken);
    if (answer === 'ended') return 'ended';
    found.push(...answer.notices);
    pageToken = answer.nextPageToken;
    const reached = answer.notices.at(-1)?.at ?? '';
    if (pageToken === '' || place === undefined || reached < place.from) break;
  }
  return found;
}

interface Page {
  readonly notices: readonly Told[];
  readonly nextPageToken: string;
}

async function readPage(
  services: RawClient,
  headers: CallHeaders,
  stream: EventStream,
  pageToken: string,
): Promise<Page | 'ended'> {
  if (listInbox === undefined) throw new Error('the contracts have no ListInbox');
  const { request, response } = listInbox;
  for (let attempt = 1; attempt <= tries && !stream.closed; attempt++) {
    try {
      const { message } = await services.call(listInbox, request.fromJSON({ pageSize, pageToken }), { headers });
      return pageOf(response.toJSON(message));
    } catch (failure) {
      if (!(failure instanceof RpcFailure)) throw failure;
      const { status } = failure.problem;
      if (status < 500 && status !== 429) return 'ended';
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  return 'ended';
}

/** The page as its JSON has it. */
function pageOf(json: unknown): Page {
  const notices: unknown = Reflect.get(Object(json), 'notices');
  const nextPageToken: unknown = Reflect.get(Object(json), 'nextPageToken');
  return {
    notices: (Array.isArray(notices) ? notices : []).map((notice: unknown) => ({
      id: String(Reflect.get(Object(notice), 'id')),
      at: String(Reflect.get(Object(notice), 'at')),
      data: JSON.stringify(notice),
    })),
    nextPageToken: typeof nextPageToken === 'string' ? nextPageToken : '',
  };
}
