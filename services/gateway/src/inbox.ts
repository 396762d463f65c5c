/**
 * `GET /v1/inbox:stream`: notices as they are posted, for the person they are for. A hint of notifications says for whom there is
 * something new; what it is, is read from the inbox with the person's own token, so that notifications alone decides whose it is.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { rpcs } from '@bandeng/contracts';
import { type Bus, everything } from '@bandeng/events';
import { type RawClient, RpcFailure, type Verifier } from '@bandeng/rpc';
import { type Turnstile, turnstile } from '@bandeng/rpc/turnstile';
import type { Logger } from '@bandeng/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { signedIn } from './callers.ts';
import { fullness } from './feed.ts';
import { queryOf } from './forward.ts';
import { type CallHeaders, readHeaders } from './headers.ts';
import {
  beginning,
  type InboxPlace,
  keyOf,
  type Placed,
  placeAfter,
  placeFrom,
  placeText,
  untold,
} from './inbox-place.ts';
import { fault, invalid, problem } from './problems.ts';
import { answerProblem } from './replies.ts';
import type { EventStream, Streams } from './sse.ts';

/** Inboxes read at the same time: an open call is looked for by all members of a community who listen. */
const mostAtOnce = 50;
/** What is new is mostly on the first page, which is a short one; beyond these pages a client reads its inbox itself. */
const pageSizes = [10, 100, 100, 100, 100, 100];
/** While notifications is away it is asked again after one to two times so many milliseconds. */
const again = 1_000;

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
  const stop = bus.onHint('notifications', (people) => {
    const meant = new Set(people);
    for (const one of followers) if (meant.has(everything) || meant.has(one.person)) one.look();
  });

  return {
    async handle(request, reply) {
      const known = await signedIn(request.headers, verify);
      if ('problem' in known) return answerProblem(request, reply, known.problem);
      const { caller } = known;
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
      const stream = streams.open(reply, `person:${caller.id}`, known);
      const follower = followerOf(caller.id, headers, stream, after, reading);
      followers.add(follower);
      stream.onClose(() => followers.delete(follower));
      follower.look();
      return reply;
    },
    stop,
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
  let wanted = false;
  stream.rest(() => (place === undefined ? undefined : placeText(place)));

  async function look(): Promise<void> {
    while (wanted && !stream.closed) {
      wanted = false;
      const found = await pass(() => newest(services, headers, place));
      if (found === 'refused') return stream.end();
      if (found === 'away') {
        wanted = true;
        await pause(again + Math.random() * again);
      } else if (place === undefined) {
        const last = found.notices.at(-1);
        const from = last === undefined || !found.more ? beginning : { ...beginning, upTo: keyOf(last) };
        place = placeAfter(from, found.notices);
        stream.send({ id: placeText(place) });
      } else {
        for (const one of untold(place, found.notices)) {
          place = placeAfter(place, [one]);
          stream.send({ id: placeText(place), event: 'notice-posted', data: JSON.stringify(one.notice) });
          await stream.drained();
        }
      }
    }
  }

  return {
    person,
    look() {
      wanted = true;
      if (looking) return;
      looking = true;
      look()
        .catch((error: unknown) => {
          log.error({ err: error }, 'an inbox could not be streamed');
          stream.end();
        })
        .finally(() => {
          looking = false;
        });
    },
  };
}

/** A notice as an inbox has it. */
interface Found extends Placed {
  /** As JSON has it. */
  readonly notice: unknown;
}

interface Page {
  /** The newest first. */
  readonly notices: readonly Found[];
  /** There are older ones. */
  readonly more: boolean;
}

/** What an inbox has from a place on. `refused`: not with this token; `away`: not now. */
async function newest(
  services: RawClient,
  headers: CallHeaders,
  place: InboxPlace | undefined,
): Promise<Page | 'refused' | 'away'> {
  const notices: Found[] = [];
  let pageToken = '';
  try {
    for (const pageSize of pageSizes) {
      const page = await readPage(services, headers, { pageSize, pageToken });
      notices.push(...page.notices);
      pageToken = page.nextPageToken;
      const last = page.notices.at(-1);
      if (pageToken === '' || place === undefined || last === undefined || keyOf(last) <= place.upTo) break;
    }
  } catch (failure) {
    if (!(failure instanceof RpcFailure)) throw failure;
    const { status } = failure.problem;
    return status < 500 && status !== 429 ? 'refused' : 'away';
  }
  return { notices, more: pageToken !== '' };
}

const listInbox = rpcs.find(({ service, name }) => service === 'notifications' && name === 'ListInbox');

async function readPage(services: RawClient, headers: CallHeaders, which: { pageSize: number; pageToken: string }) {
  if (listInbox === undefined) throw new Error('the contracts have no ListInbox');
  const { request, response } = listInbox;
  const { message } = await services.call(listInbox, request.fromJSON(which), { headers });
  const { notices, nextPageToken } = Object(response.toJSON(message));
  return {
    nextPageToken: String(nextPageToken ?? ''),
    notices: (Array.isArray(notices) ? notices : []).map((notice: unknown): Found => {
      const { id, at } = Object(notice);
      return { id: String(id), at: String(at), notice };
    }),
  };
}
