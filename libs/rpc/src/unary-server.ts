/**
 * The other end of `unary.ts`: answers one unary call of gRPC on its HTTP/2 stream. For calls that come in and for nothing else:
 * sessions, health and reflection are those of grpc-js (docs/decisions/0012).
 */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type Server, status } from '@grpc/grpc-js';
import { framed, prefix, unframed } from './frames.ts';
import { defaultBudget, largestMessage } from './limits.ts';
import { encodedProblem, type Failure, failures, problemTrailer } from './problems.ts';

/** A call that came in, whole. */
export interface UnaryCall {
  readonly headers: IncomingHttpHeaders;
  readonly message: Buffer;
  /** Milliseconds since 1970: the caller's, or the default. */
  readonly deadline: number;
  /** Calls back once, when the caller went away or the deadline has passed, which `late` says; at once if that is so already. */
  onEnd(listener: (late: boolean) => void): void;
}

/** What a call came to: bytes with the headers before them, or what went wrong. */
export type Outcome = { readonly bytes: Uint8Array; readonly headers?: Readonly<Record<string, string>> } | Failure;

/** Answers a call, once; settles when nothing works on it any more, which can be long after a deadline. */
export type Answer = (call: UnaryCall, done: (outcome: Outcome) => void) => Promise<void>;

const head = {
  [constants.HTTP2_HEADER_STATUS]: constants.HTTP_STATUS_OK,
  [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc+proto',
};
const good = { 'grpc-status': status.OK };

/** The method of grpc-js to which it hands every stream, unless channelz is off; it then loses sight of its sessions. */
const streamHandler = '_channelzHandler';

/**
 * From now on calls to these paths are answered here, on the server's own sessions. Before it is bound.
 *
 * @throws TypeError where grpc-js hands streams on otherwise.
 */
export function takeUnaryCalls(server: Server, answers: ReadonlyMap<string, Answer>): void {
  const theirs: unknown = Reflect.get(server, streamHandler);
  if (typeof theirs !== 'function') throw new TypeError('this grpc-js hands streams on otherwise');
  Reflect.set(
    server,
    streamHandler,
    (interceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
      const answer = isGrpc(headers) ? answers.get(headers[':path'] ?? '') : undefined;
      if (answer === undefined) Reflect.apply(theirs, server, [interceptors, stream, headers]);
      else serveUnary(stream, headers, answer);
    },
  );
}

function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers[':method'] === 'POST' && headers['content-type']?.startsWith('application/grpc') === true;
}

function serveUnary(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, answer: Answer): void {
  const timeout = headers['grpc-timeout'];
  const asked = timeout === undefined ? defaultBudget : budgetOf(String(timeout));
  const budget = asked ?? defaultBudget;
  const deadline = Date.now() + budget;
  const body: Buffer[] = [];
  let received = 0;
  let done = false;
  let ended: { readonly late: boolean } | undefined;
  const endListeners: ((late: boolean) => void)[] = [];

  const settle = (say: () => void): void => {
    if (done) return;
    done = true;
    clearTimeout(late);
    if (!stream.destroyed && !stream.closed) say();
  };
  const finish = (outcome: Outcome): void => settle(() => respond(stream, outcome));
  const refuse = (code: status, why: string): void => settle(() => sayStatus(stream, code, why));
  const end = (late: boolean): void => {
    ended = { late };
    for (const listener of endListeners.splice(0)) listener(late);
  };
  const late = setTimeout(() => {
    end(true);
    finish(failures.deadlineExceeded());
  }, budget);

  stream.on('error', () => {}); // said by `close`, which follows
  stream.on('close', () => {
    clearTimeout(late);
    if (!done) end(false);
  });
  stream.on('data', (bytes: Buffer) => {
    if (done) return;
    body.push(bytes);
    received += bytes.length;
    if (received > largestMessage + prefix) refuse(status.RESOURCE_EXHAUSTED, 'the message is too large');
  });
  stream.on('end', () => {
    if (done || ended !== undefined) return;
    const message = unframed(body);
    if (message === 'not-one') refuse(status.UNIMPLEMENTED, 'this takes one whole message');
    else if (message === 'compressed') refuse(status.UNIMPLEMENTED, 'messages are taken uncompressed');
    else {
      const onEnd = (listener: (late: boolean) => void): void => {
        if (ended === undefined) endListeners.push(listener);
        else listener(ended.late);
      };
      void answer({ headers, message, deadline, onEnd }, finish);
    }
  });
  if (asked === undefined) finish(failures.invalidRequest([wrongTimeout]));
}

function respond(stream: ServerHttp2Stream, outcome: Outcome): void {
  if ('problem' in outcome) {
    const { code, problem } = outcome;
    sayStatus(stream, code, problem.reason, { [problemTrailer]: encodedProblem(problem) });
  } else if (outcome.bytes.length > largestMessage) {
    sayStatus(stream, status.RESOURCE_EXHAUSTED, 'the answer is too large');
  } else {
    stream.respond({ ...head, ...outcome.headers }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(good));
    stream.end(framed(outcome.bytes));
  }
}

/** A status without a message goes in the headers alone. */
function sayStatus(stream: ServerHttp2Stream, code: status, said: string, more?: Record<string, string>): void {
  const about = { 'grpc-status': code, 'grpc-message': encodeURI(said), 'grpc-accept-encoding': 'identity' };
  stream.respond({ ...head, ...about, ...more }, { endStream: true });
  // Whoever has not sent all of a call that is over need not go on (RFC 9113, 8.1).
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}

const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 };
/** A timer holds no longer ones. */
const longestBudget = 2 ** 31 - 1;
const wrongTimeout = {
  field: 'grpc-timeout',
  rule: 'pattern',
  message: 'must be at most eight digits and one of H, M, S, m, u and n',
};

/** Milliseconds of a `grpc-timeout`; undefined when it is none. */
function budgetOf(timeout: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(timeout) ?? [];
  return digits === undefined ? undefined : Math.min(longestBudget, Number(digits) * (units[unit] ?? 1));
}
