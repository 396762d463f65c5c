import { IncomingMessage, Server, ServerResponse } from 'node:http';
import { incoming, type Wire } from './wire.ts';

const withoutFollowCode = (path: string): string => path.replace(/(\/follow\/)[^/:]+/i, '$1-');

/** From now on every request to a web server of this process is answered under a trace. */
export function traceRequests(): void {
  const { emit } = Server.prototype;
  Server.prototype.emit = function tracedEmit(this: Server, event: string, ...about: unknown[]): boolean {
    const [request, response] = about;
    if (event !== 'request' || !(request instanceof IncomingMessage && response instanceof ServerResponse)) {
      return Reflect.apply(emit, this, [event, ...about]);
    }
    const { traceparent } = request.headers;
    return incoming(
      typeof traceparent === 'string' ? traceparent : undefined,
      request.method ?? 'HTTP',
      () => aboutRequest(request),
      (end) => {
        if (end !== undefined) response.once('close', () => endWith(response, end));
        return Reflect.apply(emit, this, [event, request, response]);
      },
    );
  };
}

function aboutRequest({ method = '', url = '', headers }: IncomingMessage) {
  return {
    'http.request.method': method,
    // A follow code opens a ticket and stands in the path: no span may carry that path as it came. Nor what is asked for.
    'url.path': withoutFollowCode(url.split('?', 1)[0] ?? ''),
    'url.scheme': 'http',
    'server.address': headers.host ?? '',
  };
}

function endWith({ statusCode, writableFinished }: ServerResponse, end: Wire['end']): void {
  const fault = statusCode >= 500 ? String(statusCode) : writableFinished ? undefined : 'the caller went away';
  end({ 'http.response.status_code': statusCode }, fault);
}
