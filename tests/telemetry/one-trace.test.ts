import { type EndedSpan, recordTelemetry } from '@bandeng/telemetry/testing';
import type { Town } from '@bandeng/testing/town';
import { afterAll, beforeAll, expect, test } from 'vitest';

// First of all: what is loaded before it is not traced.
const recording = recordTelemetry();
const { eventually, settled } = await import('@bandeng/testing');
const { town } = await import('@bandeng/testing/town');
const { openOperations } = await import('@bandeng/events');
const { connectMongo } = await import('@bandeng/records');

/** As a browser or another system sends it. */
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const caller = '00f067aa0ba902b7';
const words = '楼道灯坏了三天';

let city: Town;
beforeAll(async () => {
  city = await town();
  // What is written together is in one trace of all that it belongs to: nobody else may have something to do.
  await settled(city.parts);
});
afterAll(async () => {
  await city?.stop();
  await recording.stop();
});

const ofTrace = (): EndedSpan[] => recording.spans().filter((span) => span.trace === trace);

/** What a span stands under, from the outermost. */
function above(span: EndedSpan, all: readonly EndedSpan[]): string[] {
  const parent = all.find(({ id }) => id === span.parent);
  return parent === undefined ? [] : [...above(parent, all), nameOf(parent)];
}

function nameOf({ name, kind, attributes }: EndedSpan): string {
  const database = String(attributes['db.namespace'] ?? '').replace(/^.*_/, '');
  return database === '' ? `${kind} ${name}` : `${kind} ${name} of ${database}`;
}

test('an order is one trace: gateway, gRPC, MongoDB, relay, NATS, and the notice that follows in another service', async () => {
  const resident = await city.as('resident');
  const home = city.plan.postings.find(({ role }) => role === 'resident')?.territory;
  const order = { text: words, territory: home, category: city.plan.categories[0]?.join('.') };
  const answer = await resident.post('/v1/tickets', order, { traceparent: `00-${trace}-${caller}-01` });
  expect(answer.status).toBe(201);
  const gateway = 'server POST /v1/tickets';
  const call = 'grpc.bandeng.tickets.v1.TicketsService/OrderTicket';
  const handled = `${gateway} > client ${call} > server ${call}`;
  // A span is there when it has ended, and the reaction may end before the publication does.
  await eventually(() => {
    const spans = ofTrace();
    expect(spans.map((span) => [...above(span, spans), nameOf(span)].join(' > '))).toEqual(
      expect.arrayContaining([
        gateway,
        handled,
        `${handled} > client insert tickets of tickets`,
        `${handled} > producer publish tickets`,
        `${handled} > consumer react tell-concerned`,
        `${handled} > consumer react tell-concerned > client insert notices of notifications`,
      ]),
    );
  });
  const spans = ofTrace();
  const ids = new Set(spans.map(({ id }) => id));
  expect(spans.filter(({ parent }) => parent === undefined || !(parent === caller || ids.has(parent)))).toEqual([]);
  expect(JSON.stringify(recording.spans())).not.toContain(words);
  expect(JSON.stringify(recording.spans())).not.toContain(answer.body.followCode);
});

test('what is handled again is linked to that trace and no part of it', async () => {
  const client = await connectMongo(city.parts.mongodbUri);
  const operations = openOperations(client.db(`${city.parts.databasePrefix}_notifications`));
  const id = await operations.ask({ kind: 'replay', source: 'tickets', from: { sequence: 1 } });
  await eventually(async () => expect(await operations.show(id)).toMatchObject({ status: 'done', effects: 0 }));
  await client.close();
  const again = recording.spans().filter(({ links }) => links.includes(trace));
  expect(again.map(({ name }) => name)).toEqual(['react tell-concerned']);
  expect(ofTrace().filter(({ name }) => name === 'react tell-concerned')).toHaveLength(1);
});

test('calls, events, lag, backlog, sweeps and dead letters are measured', async () => {
  await (await city.as('resident')).get('/v1/tickets/00000000-0000-8000-8000-000000000000');
  await eventually(
    async () => {
      const measured = await recording.measured();
      const valuesOf = (name: string, about: object): number[] =>
        measured
          .filter((one) => one.name === name && Object.entries(about).every(([key, value]) => one.about[key] === value))
          .map(({ value }) => value);
      expect(valuesOf('bandeng.rpc.duration', { rpc: 'tickets.OrderTicket', outcome: 'OK' })).toEqual([1]);
      expect(valuesOf('bandeng.rpc.duration', { rpc: 'tickets.GetTicket', outcome: 'not-found' })).toEqual([1]);
      expect(valuesOf('bandeng.events.published', { service: 'tickets' })[0]).toBeGreaterThan(0);
      const reaction = { service: 'notifications', reaction: 'tell-concerned' };
      expect(valuesOf('bandeng.events.lag', reaction)[0]).toBeGreaterThan(0);
      for (const name of ['bandeng.relay.backlog', 'bandeng.relay.oldest', 'bandeng.dead_letters.open']) {
        expect(valuesOf(name, { service: 'tickets' })).toEqual([0]);
      }
      for (const name of ['bandeng.sweeps.due', 'bandeng.sweeps.handled']) {
        expect(valuesOf(name, { service: 'tickets', sweep: 'tickets' })).toHaveLength(1);
      }
    },
    { within: 25_000 },
  );
});
