/**
 * Server-sent events. Plain writes to the response: @fastify/sse keeps no bound on what waits for a slow client, cuts
 * nobody and ends nothing at shut-down, which are the three things that matter here.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { SignedIn } from './callers.ts';

/** One event as it is written. Data is one line (JSON). */
export interface StreamedEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** One client that is listening. */
export interface EventStream {
  readonly closed: boolean;
  /** Writes; a client with too much waiting for it is cut. */
  send(event: StreamedEvent): void;
  /** Resolves when what was written has left, or the client is gone; who takes too long is cut. */
  drained(): Promise<void>;
  /** Sent along with heartbeats, so that a client that hears nothing for long still resumes near the end. */
  rest(position: () => string | undefined): void;
  onClose(fn: () => void): void;
  end(): void;
}

export interface StreamLimits {
  readonly heartbeatMs: number;
  /** Bytes that may wait for one client. */
  readonly bufferBytes: number;
  /** How long a client may take to read what waits for it. */
  readonly patienceMs: number;
  readonly streams: number;
  readonly streamsOfOne: number;
}

/** All clients of this process. */
export interface Streams {
  /** Whether one more may come, in all and for this caller. */
  room(caller: string): 'room' | 'full' | 'too-many-of-one';
  /** Takes the response over. It ends by itself when the token expires, and at a heartbeat when it counts no more. */
  open(reply: FastifyReply, caller: string, token: Pick<SignedIn, 'until' | 'counts'>): EventStream;
  count(): number;
  endAll(): void;
}

export function openStreams(limits: StreamLimits): Streams {
  const open = new Set<{ stream: EventStream; pulse(): Promise<void> }>();
  const callers = new Map<string, number>();
  let ended = false;
  const clock = setInterval(() => {
    for (const { pulse } of open) void pulse();
  }, limits.heartbeatMs).unref();
  return {
    room(caller) {
      if (open.size >= limits.streams) return 'full';
      return (callers.get(caller) ?? 0) >= limits.streamsOfOne ? 'too-many-of-one' : 'room';
    },
    open(reply, caller, { until, counts }) {
      const response = takeOver(reply);
      const { stream, beat } = streamOver(response, limits);
      const entry = {
        stream,
        async pulse() {
          // While nobody can tell, it goes on: it expires all the same.
          if (await counts().catch(() => true)) beat();
          else stream.end();
        },
      };
      open.add(entry);
      callers.set(caller, (callers.get(caller) ?? 0) + 1);
      const left = Math.min(until.getTime() - Date.now(), 0x7fff_ffff);
      const expiry = setTimeout(() => stream.end(), left).unref();
      stream.onClose(() => {
        clearTimeout(expiry);
        open.delete(entry);
        const others = (callers.get(caller) ?? 1) - 1;
        if (others === 0) callers.delete(caller);
        else callers.set(caller, others);
      });
      // Whoever came in while the last streams were being ended.
      if (ended) stream.end();
      return stream;
    },
    count: () => open.size,
    endAll() {
      ended = true;
      clearInterval(clock);
      for (const { stream } of [...open]) stream.end();
    },
  };
}

function takeOver(reply: FastifyReply): ServerResponse {
  reply.hijack();
  const response = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) response.setHeader(name, value);
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'private, no-store',
    'x-accel-buffering': 'no',
    // When a stream ends, so does its connection: an idle one would hold up the shut-down.
    connection: 'close',
  });
  response.write('retry: 3000\n\n');
  return response;
}

function streamOver(response: ServerResponse, limits: StreamLimits): { stream: EventStream; beat(): void } {
  // The client may be gone before its stream begins.
  let closed = response.destroyed;
  let position: () => string | undefined = () => undefined;
  let told: string | undefined;
  let slowSince: number | undefined;
  const closing = new Set<() => void>();
  const close = () => {
    if (closed) return;
    closed = true;
    for (const fn of closing) fn();
  };
  response.once('close', close);
  response.on('error', close);
  const cut = () => {
    response.destroy();
    close();
  };
  const write = (text: string) => {
    if (closed) return;
    // One that is too large by itself is written when nothing else waits: cut off, its client would meet it again and again.
    if (response.writableLength > 0 && response.writableLength + text.length > limits.bufferBytes) cut();
    else response.write(text);
  };
  const stream: EventStream = {
    get closed() {
      return closed;
    },
    send(event) {
      if (event.id !== undefined) told = event.id;
      write(blockOf(event));
    },
    async drained() {
      if (closed || !response.writableNeedDrain) return;
      const slow = setTimeout(cut, limits.patienceMs);
      const { promise, resolve } = Promise.withResolvers<void>();
      response.once('drain', resolve);
      closing.add(resolve);
      await promise;
      clearTimeout(slow);
      closing.delete(resolve);
    },
    rest(fn) {
      position = fn;
    },
    onClose(fn) {
      if (closed) fn();
      else closing.add(fn);
    },
    end() {
      response.end();
      close();
    },
  };
  const beat = () => {
    slowSince = response.writableNeedDrain ? (slowSince ?? performance.now()) : undefined;
    if (slowSince !== undefined && performance.now() - slowSince > limits.patienceMs) return cut();
    const now = position();
    if (now === undefined || now === told) return write(':\n\n');
    told = now;
    return write(`:\nid: ${now}\n\n`);
  };
  return { stream, beat };
}

function blockOf({ id, event, data }: StreamedEvent): string {
  let block = '';
  if (id !== undefined) block += `id: ${id}\n`;
  if (event !== undefined) block += `event: ${event}\n`;
  if (data !== undefined) block += `data: ${data}\n`;
  return `${block}\n`;
}
