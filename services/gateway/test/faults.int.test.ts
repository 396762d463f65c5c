import { connect } from 'node:net';
import { connectBus, eventSubject } from '@bandeng/events';
import { eventually, killableParts } from '@bandeng/testing';
import Fastify from 'fastify';
import { describe, expect, test } from 'vitest';
import { configure } from '../src/config.ts';
import { type EventStream, openStreams } from '../src/sse.ts';
import { type Answers, openStand, tokenOf } from './stand.ts';

const log = { info() {}, warn() {}, error() {}, debug() {} };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('the gateway among faults', () => {
  test('keeps its streams through a restart of NATS and loses no event of them', async () => {
    const real = await killableParts();
    const bus = connectBus({ url: real.natsUrl, name: 'gateway', log });
    await eventually(() => expect(bus.connected()).toBe(true));
    await bus.ensureStream('tickets');
    const stand = await openStand({ bus });
    try {
      const url = await stand.gateway.app.listen({ port: 0, host: '127.0.0.1' });
      const token = tokenOf({ kind: 'client', id: 'partner', scopes: ['events'], territory: '4599' });
      const response = await fetch(`${url}/v1/events?types=ticket-ordered`, { headers: bearer(token) });
      expect(response.status).toBe(200);
      let text = '';
      const reading = (async () => {
        for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
      })().catch(() => {});
      const happen = async (subject: string) => {
        const about = {
          source: '/bandeng/tickets',
          type: 'bandeng.tickets.ticket-ordered.v1',
          territory: '4599',
          subject,
        };
        const event = {
          ...about,
          specversion: '1.0',
          id: `${subject}:1`,
          time: new Date().toISOString(),
          sequence: '1',
          data: {},
        };
        await bus
          .connection()
          ?.request(eventSubject('tickets', 'ticket-ordered', '4599'), JSON.stringify(event), { timeout: 5000 });
      };
      await happen('before');
      await eventually(() => expect(text).toContain('before:1'));
      await real.natsServer.kill();
      await eventually(() => expect(bus.connected()).toBe(false));
      expect((await stand.gateway.app.inject('/readyz')).json()).toMatchObject({ ready: true, nats: 'away' });
      await real.natsServer.start();
      await eventually(() => expect(bus.connected()).toBe(true));
      await happen('after');
      await eventually(() => expect(text).toContain('after:1'));
      expect(text.split('before:1').length).toBe(2);
      await stand[Symbol.asyncDispose]();
      await reading;
    } finally {
      await bus.close();
      await real.dispose();
    }
  });

  test('cuts a client that does not read, and no other one', async () => {
    const limits = { ...configure({}).streams, bufferBytes: 64 * 1024, heartbeatMs: 60_000 };
    const streams = openStreams(limits);
    const opened: EventStream[] = [];
    const app = Fastify();
    app.get('/', (_request, reply) => {
      opened.push(streams.open(reply, 'x', { until: new Date(Date.now() + 60_000), counts: async () => true }));
      return reply;
    });
    const { port, hostname } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
    const [slow, fast] = [connect(Number(port), hostname), connect(Number(port), hostname)];
    for (const socket of [slow, fast]) {
      socket.on('error', () => {}).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await eventually(() => expect(streams.count()).toBe(socket === slow ? 1 : 2));
    }
    fast.resume();
    const data = 'x'.repeat(16 * 1024);
    for (let sent = 0; sent < 5000 && opened[0]?.closed === false; sent++) {
      for (const stream of opened) stream.send({ data });
      if (sent % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(opened.map(({ closed }) => closed)).toEqual([true, false]);
    expect(streams.count()).toBe(1);
    streams.endAll();
    slow.destroy();
    fast.destroy();
    await app.close();
  });

  test('finishes what it began before it ends, and takes nothing new', async () => {
    const begun = Promise.withResolvers<void>();
    const answers: Answers = {
      GetCategory: async ({ id }: { id: string }) => {
        begun.resolve();
        await new Promise((resolve) => setTimeout(resolve, 500));
        return { id };
      },
    };
    const stand = await openStand({ answers });
    const url = await stand.gateway.app.listen({ port: 0, host: '127.0.0.1' });
    const running = fetch(`${url}/v1/categories/x`);
    await begun.promise;
    const started = Date.now();
    const stopped = stand[Symbol.asyncDispose]();
    expect((await running).status).toBe(200);
    await stopped;
    expect(Date.now() - started).toBeLessThan(5000);
    await expect(fetch(`${url}/v1/categories/x`)).rejects.toThrow();
  });

  test('stops waiting for a service when its own time is over', async () => {
    const answers: Answers = { GetCategory: () => new Promise(() => {}) };
    await using stand = await openStand({ answers, configuration: { budgetMs: 300 } });
    const answer = await stand.gateway.app.inject('/v1/categories/x');
    expect(answer.json()).toMatchObject({ status: 504, type: 'urn:bandeng:problem:deadline-exceeded' });
  });

  test('tells the service when the client has gone away', async () => {
    const [begun, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const answers: Answers = {
      GetCategory: (_request, call) => {
        call.signal.addEventListener('abort', () => gone.resolve());
        begun.resolve();
        return new Promise(() => {});
      },
    };
    await using stand = await openStand({ answers });
    const url = await stand.gateway.app.listen({ port: 0, host: '127.0.0.1' });
    const abort = new AbortController();
    const asked = fetch(`${url}/v1/categories/x`, { signal: abort.signal });
    await begun.promise;
    const started = Date.now();
    abort.abort();
    await expect(asked).rejects.toThrow();
    await gone.promise;
    expect(Date.now() - started).toBeLessThan(3000);
  });

  test('answers what is no HTTP with a problem', async () => {
    await using stand = await openStand();
    const address = new URL(await stand.gateway.app.listen({ port: 0, host: '127.0.0.1' }));
    const say = async (text: string) => {
      const socket = connect(Number(address.port), address.hostname);
      socket.write(text);
      let answer = '';
      for await (const chunk of socket) answer += String(chunk);
      return answer;
    };
    expect(await say('NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json/s);
    expect(await say(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /);
  });
});
