import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, createServer, type Http2Session, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { types } from 'node:util';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { freeYoung, keepStreamsApart, keepStreamsOfServerApart } from './garbage.ts';

interface State {
  readonly streams: { readonly size: number };
  readonly pendingStreams: { readonly size: number };
}

/** The state that Node keeps of a session, where it was when this was written. */
function stateOf(session: Http2Session): State {
  const name = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'state');
  return Reflect.get(session, name ?? 'state');
}

async function* sessions() {
  const server = createServer();
  const accepted = new Promise<ServerHttp2Session>((resolve) => server.once('session', resolve));
  server.on('session', keepStreamsApart);
  server.on('stream', (stream, { ':path': path }) => {
    if (path !== '/never') stream.respond({ ':status': 200 });
    if (path === '/answered') stream.end('answer');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(originOf(server.address()));
  keepStreamsApart(client);
  yield { client, theirs: await accepted };
  client.destroy();
  server.close();
}

function originOf(address: AddressInfo | string | null): string {
  return typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : '';
}

describe('the streams of a session', () => {
  it('are kept in no table, in the Node that we run on', async () => {
    for await (const { client, theirs } of sessions()) {
      for (const { streams, pendingStreams } of [stateOf(client), stateOf(theirs)]) {
        expect(types.isMap(streams) || types.isSet(pendingStreams)).toBe(false);
      }
    }
  });

  it('are found while they run, and forgotten when they have ended', async () => {
    for await (const { client, theirs } of sessions()) {
      const waiting = client.request({ ':path': '/waiting' });
      await once(waiting, 'response');
      const some = Array.from({ length: 20 }, () => client.request({ ':path': '/answered' }));
      const answers = await Promise.all(some.map((stream) => stream.toArray()));
      expect(answers.map((chunks) => chunks.join(''))).toEqual(some.map(() => 'answer'));
      await expect.poll(() => [stateOf(client).streams.size, stateOf(theirs).streams.size]).toEqual([1, 1]);
      expect(stateOf(client).pendingStreams.size).toBe(0);
      waiting.close();
      await expect.poll(() => stateOf(theirs).streams.size).toBe(0);
    }
  });

  it('end with the session, those too that nobody has answered', async () => {
    for await (const { client } of sessions()) {
      const some = ['/never', '/waiting', '/never'].map((path) => client.request({ ':path': path }));
      const ended = Promise.all(
        some.map((stream) =>
          once(
            stream.on('error', () => {}),
            'close',
          ),
        ),
      );
      await once(client, 'remoteSettings');
      client.destroy();
      await ended;
      expect(stateOf(client).streams.size).toBe(0);
    }
  });

  it('stay where they are when there are some already', () => {
    const late = connect('http://127.0.0.1:1').on('error', () => {});
    late.request({ ':path': '/' }).on('error', () => {});
    const { streams } = stateOf(late);
    keepStreamsApart(late);
    expect(stateOf(late).streams).toBe(streams);
    late.destroy();
  });

  it('are kept so by a server of grpc-js too', async () => {
    const server = new Server();
    const port = await new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (fault, bound) =>
        fault === null ? resolve(bound) : reject(fault),
      );
    });
    keepStreamsOfServerApart(server);
    const seen = new Promise<ServerHttp2Stream>((resolve) => {
      subscribe('http2.server.stream.created', (message) => resolve(Reflect.get(Object(message), 'stream')));
    });
    const client = connect(`http://127.0.0.1:${port}`);
    client.request({ ':method': 'POST', ':path': '/nothing' }).on('error', () => {});
    const { session } = await seen;
    expect(session && types.isMap(stateOf(session).streams)).toBe(false);
    client.destroy();
    server.forceShutdown();
  });
});

describe('a bound function', () => {
  it('runs in the surroundings in which it was bound, with its own this or the caller’s', () => {
    freeYoung();
    const surroundings = new AsyncLocalStorage<string>();
    const say = function (this: unknown, ...given: number[]) {
      return [surroundings.getStore(), this, ...given];
    };
    const [free, held] = surroundings.run('there', () => [
      new AsyncResource('test').bind(say),
      AsyncResource.bind(say, 'test', 'held'),
    ]);
    expect(free?.call('caller', 1, 2)).toEqual(['there', 'caller', 1, 2]);
    expect(held?.call('caller', 3)).toEqual(['there', 'held', 3]);
    const snapshot = surroundings.run('then', () => AsyncLocalStorage.snapshot());
    expect(surroundings.run('now', () => snapshot(() => surroundings.getStore()))).toBe('then');
  });
});
