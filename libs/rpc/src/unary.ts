/** One unary call of gRPC over an HTTP/2 session (https://grpc.io/docs/guides/wire-format: frame, headers, trailers). */
import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { framed, prefix, unframed } from './frames.ts';
import { largestMessage } from './limits.ts';

/** What a call came to, as the other side or the connection says. */
export interface Ending {
  readonly code: status;
  /** The one message of an answer that is OK. */
  readonly message?: Buffer;
  readonly headers?: IncomingHttpHeaders;
  readonly trailers?: IncomingHttpHeaders;
  /** The other side has certainly not seen the call: to make it again cannot do harm. */
  readonly unseen?: boolean;
}

/** Headers of a call: names in lower case, values in visible ASCII. */
export type CallHeaders = Readonly<Record<string, string>>;

/** Makes the call; `done` is told once. `cancel` of the answer ends it early with the code given. */
export function unary(
  session: ClientHttp2Session,
  authority: string,
  request: {
    readonly path: string;
    readonly headers: CallHeaders;
    readonly message: Uint8Array;
    readonly deadline: number;
  },
  done: (ending: Ending) => void,
): { cancel(code: status): void } {
  const { message, deadline } = request;
  if (message.length > largestMessage) {
    done({ code: status.RESOURCE_EXHAUSTED });
    return { cancel: () => {} };
  }
  const left = deadline - Date.now();
  const stream = session.request({
    ':method': 'POST',
    ':scheme': 'http',
    ':authority': authority,
    ':path': request.path,
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': `${Math.max(1, Math.ceil(left))}m`,
    ...request.headers,
  });
  let settled = false;
  let headers: IncomingHttpHeaders | undefined;
  let trailers: IncomingHttpHeaders | undefined;
  const body: Buffer[] = [];
  let received = 0;
  let read = false;
  const settle = (ending: Ending): void => {
    if (settled) return;
    settled = true;
    clearTimeout(late);
    done(ending);
  };
  const cancel = (code: status): void => {
    if (settled) return;
    settle({ code });
    stream.close(constants.NGHTTP2_CANCEL);
  };
  const late = setTimeout(cancel, left, status.DEADLINE_EXCEEDED);
  const settleWhenWhole = (): void => {
    if (read && trailers !== undefined) settle(endingOf(body, headers, trailers));
  };

  stream.on('response', (first) => {
    headers = first;
    // An answer without a message is told in its headers alone.
    if (first['grpc-status'] !== undefined) trailers = first;
  });
  stream.on('data', (bytes: Buffer) => {
    body.push(bytes);
    received += bytes.length;
    if (received > largestMessage + prefix) cancel(status.RESOURCE_EXHAUSTED);
  });
  stream.on('trailers', (last) => {
    trailers = last;
    settleWhenWhole();
  });
  stream.on('end', () => {
    read = true;
    settleWhenWhole();
  });
  stream.on('error', () => {}); // said by `close`, which follows
  stream.on('close', () => {
    if (trailers !== undefined) settle(endingOf(body, headers, trailers));
    else settle(brokenOff(session, stream, headers));
  });
  stream.end(framed(message));
  return { cancel };
}

function endingOf(
  chunks: readonly Buffer[],
  headers: IncomingHttpHeaders | undefined,
  trailers: IncomingHttpHeaders,
): Ending {
  const about = { trailers, ...(headers === undefined ? {} : { headers }) };
  const code = Number(trailers['grpc-status'] ?? status.UNKNOWN);
  if (code !== status.OK) return { code: status[code] === undefined ? status.UNKNOWN : code, ...about };
  const message = unframed(chunks);
  return typeof message === 'string' ? { code: status.INTERNAL, ...about } : { code, message, ...about };
}

/** What it means that a stream ended without a status. */
function brokenOff(
  session: ClientHttp2Session,
  stream: ClientHttp2Stream,
  headers: IncomingHttpHeaders | undefined,
): Ending {
  // The session has ended, or its end was announced, since it was chosen: a stream that was sent has a number.
  if (stream.id === undefined) return { code: status.UNAVAILABLE, unseen: true };
  switch (stream.rstCode) {
    case constants.NGHTTP2_REFUSED_STREAM:
      return { code: status.UNAVAILABLE, unseen: true };
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return { code: status.RESOURCE_EXHAUSTED };
    case constants.NGHTTP2_CANCEL:
      return { code: session.destroyed ? status.UNAVAILABLE : status.CANCELLED };
    default:
      if (session.destroyed || session.closed) return { code: status.UNAVAILABLE };
      return { code: headers === undefined ? status.INTERNAL : codeOfHttp(Number(headers[':status'])) };
  }
}

/** Something that is no gRPC server has answered, a proxy for example. */
function codeOfHttp(httpStatus: number): status {
  return httpStatus === 429 || httpStatus === 502 || httpStatus === 503 || httpStatus === 504
    ? status.UNAVAILABLE
    : status.INTERNAL;
}
