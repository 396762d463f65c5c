/**
 * What a call leaves behind is freed while it is young. V8 does so almost for nothing, unless something old points to it, even
 * something old that is dead. In Node 24 every call over HTTP/2 passes by three such things (docs/decisions/0017), mended here.
 * Where another Node keeps streams otherwise they stay as they are; a test says so.
 */
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import type { Http2Session, Http2Stream } from 'node:http2';
import { types } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import type { Server } from '@grpc/grpc-js';

let done = false;

/** What concerns the whole process. Once is enough, before the first call. */
export function freeYoung(): void {
  if (done) return;
  done = true;
  // Objects that live long while a process starts would for ever be made among the old ones.
  setFlagsFromString('--no-allocation-site-pretenuring');
  // Node's own gives each function a getter, and by that a shape of its own, which is old and keeps what the function knows.
  Object.assign(AsyncResource.prototype, { bind });
}

function bind(this: AsyncResource, work: (...given: unknown[]) => unknown, thisArg?: unknown) {
  const resource = this;
  return function bound(this: unknown, ...given: unknown[]) {
    return resource.runInAsyncScope(work, thisArg === undefined ? this : thisArg, ...given);
  };
}

/**
 * The streams of a session. A Map or Set that comes and goes outgrows its table again and again; once that is old the next ones are
 * made old too, and each that is left behind keeps the calls that were in it.
 */
export function keepStreamsApart(session: Http2Session): void {
  const state = stateOf(session);
  if (state === undefined) return;
  state.streams = streamsBy<number>();
  const pending = streamsBy<Http2Stream>();
  state.pendingStreams = Object.assign(pending, { add: (stream: Http2Stream) => pending.set(stream, stream) });
}

/** The same for all sessions of a server that is bound. */
export function keepStreamsOfServerApart(server: Server): void {
  const http2Servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(http2Servers instanceof Map)) return;
  for (const one of http2Servers.keys()) if (one instanceof EventEmitter) one.on('session', keepStreamsApart);
}

/** What Node asks of them. */
interface SessionState {
  streams: Streams<number>;
  pendingStreams: Streams<Http2Stream> & { add(stream: Http2Stream): void };
}

interface Streams<Key> {
  readonly size: number;
  get(key: Key): Http2Stream | undefined;
  set(key: Key, stream: Http2Stream): void;
  delete(key: Key): void;
  forEach(tell: (stream: Http2Stream) => void): void;
}

/** Undefined in a Node that keeps them otherwise. */
function stateOf(session: Http2Session): SessionState | undefined {
  const name = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'state');
  const state: unknown = name && Reflect.get(session, name);
  return isEmptyState(state) ? state : undefined;
}

function isEmptyState(state: unknown): state is SessionState {
  if (typeof state !== 'object' || state === null || !('streams' in state && 'pendingStreams' in state)) return false;
  const { streams, pendingStreams } = state;
  return types.isMap(streams) && types.isSet(pendingStreams) && streams.size + pendingStreams.size === 0;
}

/** Looked through one by one, for they are few; places that are free again stay. */
function streamsBy<Key>(): Streams<Key> {
  const keys: (Key | undefined)[] = [];
  const streams: (Http2Stream | undefined)[] = [];
  let size = 0;
  function placeOf(key: Key): number {
    let place = 0;
    while (place < size && keys[place] !== key) place++;
    return place;
  }
  return {
    get size() {
      return size;
    },
    get: (key) => streams[placeOf(key)],
    set(key, stream) {
      const place = placeOf(key);
      keys[place] = key;
      streams[place] = stream;
      if (place === size) size++;
    },
    delete(key) {
      const place = placeOf(key);
      if (place === size) return;
      size--;
      keys[place] = keys[size];
      streams[place] = streams[size];
      keys[size] = undefined;
      streams[size] = undefined;
    },
    forEach(tell) {
      for (const stream of streams.slice(0, size)) if (stream !== undefined) tell(stream);
    },
  };
}
