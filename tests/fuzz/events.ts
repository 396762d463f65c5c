/** Events that no service of ours would publish, in the streams that others react to. */
import { randomUUID } from 'node:crypto';
import { eventually, settled } from '@bandeng/testing';
import type { Caller, Town } from '@bandeng/testing/town';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import fc from 'fast-check';
import { MongoClient } from 'mongodb';
import { harmed } from './bytes.ts';

/** A message as it is published. */
interface Message {
  readonly subject: string;
  readonly bytes: Buffer;
}

/** A change of an event before it becomes bytes. */
type Change = (event: Record<string, unknown>) => Record<string, unknown>;

const fields = [
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'sequence',
  'previous',
  'territory',
  'traceparent',
];
const types = [
  'bandeng.tickets.ticket-dispatched.v1',
  'bandeng.tickets.ticket-rated.v1',
  'bandeng.tickets.ticket-vanished.v1',
  'bandeng.orggraph.posting-ended.v1',
  '__proto__',
  '',
];

function changes(data: object): fc.Arbitrary<Change> {
  const value = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.constantFrom(...types, '9'.repeat(400)));
  const inData = Object.keys(data);
  const within =
    (change: Change): Change =>
    (event) => ({ ...event, data: change(Object(event.data)) });
  const set =
    (name: string, to: unknown): Change =>
    (event) => ({ ...event, [name]: to });
  const drop =
    (name: string): Change =>
    (event) =>
      Object.fromEntries(Object.entries(event).filter(([key]) => key !== name));
  return fc.oneof(
    fc.tuple(fc.constantFrom(...fields, 'data'), value).map(([name, to]) => set(name, to)),
    fc.tuple(fc.constantFrom(...inData, 'handler', 'dispatcher'), value).map(([name, to]) => within(set(name, to))),
    fc.constantFrom(...fields, 'data').map(drop),
    fc.constantFrom(...inData).map((name) => within(drop(name))),
    fc.constantFrom(...types).map((type) => set('type', type)),
  );
}

/** Mangled forms of an event under ids of their own; one in a hundred is larger than an event may be. */
function mangled(base: string, subjects: readonly string[]): fc.Arbitrary<Message> {
  const fresh = fc.uuid().map((id): Record<string, unknown> => {
    const ids = new Map<string, string>();
    const renamed = base.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (found) => {
      ids.set(found, ids.get(found) ?? `${id.slice(0, 24)}${String(ids.size).padStart(12, '0')}`);
      return ids.get(found) ?? found;
    });
    return JSON.parse(renamed);
  });
  const good = fresh.map((event) => Buffer.from(JSON.stringify(event)));
  const changed = fc
    .tuple(fresh, fc.array(changes(Object(JSON.parse(base).data)), { minLength: 1, maxLength: 3 }))
    .map(([event, all]) => Buffer.from(JSON.stringify(all.reduce((before, change) => change(before), event))));
  const deep = fc.integer({ min: 10, max: 50_000 }).map((depth) => Buffer.from('['.repeat(depth) + ']'.repeat(depth)));
  const bytes = fc.oneof(
    { arbitrary: changed, weight: 60 },
    { arbitrary: harmed(good), weight: 30 },
    { arbitrary: fc.uint8Array({ maxLength: 300 }).map((random) => Buffer.from(random)), weight: 5 },
    { arbitrary: deep, weight: 2 },
    {
      arbitrary: fresh.map((event) => Buffer.from(JSON.stringify({ ...event, more: 'x'.repeat(300_000) }))),
      weight: 1,
    },
  );
  return fc.record({ subject: fc.constantFrom(...subjects), bytes });
}

/** What a round needs. */
interface Ground {
  readonly town: Town;
  readonly manager: JetStreamManager;
  readonly stream: JetStreamClient;
  readonly mongo: MongoClient;
  readonly resident: Caller;
  readonly dispatcher: Caller;
}

/**
 * Publishes mangled events for a time, sixty at once, each sixty followed by an order. Throws, naming the seed of the sixty, when
 * the order's notice does not come, a message leaves more than one dead letter, a good one leaves any, or something stands still.
 */
export async function fuzzEvents(town: Town, options: { seed: number; seconds: number }): Promise<number> {
  const { username: user, password: pass, host } = new URL(town.parts.natsUrl);
  const nats: NatsConnection = await connect({ servers: host, noAsyncTraces: true, ...(user ? { user, pass } : {}) });
  const mongo = await MongoClient.connect(town.parts.mongodbUri);
  try {
    const [resident, dispatcher] = await Promise.all([town.as('resident'), town.as('community_dispatcher')]);
    const manager = await jetstreamManager(nats);
    const ground: Ground = { town, manager, stream: jetstream(nats), mongo, resident, dispatcher };
    const partner = await (await town.system('demo-system')).listen('/v1/events?types=ticket-ordered');
    const until = performance.now() + options.seconds * 1_000;
    let published = 0;
    for (let seed = options.seed; published === 0 || performance.now() < until; seed += 1) {
      try {
        published += await round(ground, seed, (ticket) => partner.heard.some(({ data }) => data.subject === ticket));
      } catch (fault) {
        throw new Error(`mangled events of seed ${seed}: ${fault instanceof Error ? fault.message : fault}`, {
          cause: fault,
        });
      }
    }
    await partner.close();
    return published;
  } finally {
    await mongo.close();
    await nats.close();
  }
}

async function round(ground: Ground, seed: number, heard: (ticket: string) => boolean): Promise<number> {
  const { town, stream, manager } = ground;
  await order(ground, heard); // gives the event that is mangled
  const letters = ground.mongo.db(`${town.parts.databasePrefix}_notifications`).collection('dead_letters');
  const before = await letters.countDocuments();
  const bad = new Set<number>();
  for (const [name, event, sixty] of [
    ['EV_TICKETS', 'ev.tickets.ticket-ordered.>', 50],
    ['EV_ORGGRAPH', 'ev.orggraph.posting-started.>', 10],
  ] as const) {
    const found = await manager.streams.getMessage(name, { last_by_subj: event });
    if (found === null) throw new Error(`${name} holds no ${event}`);
    // Another event and another place than the content says, which nobody may rely on.
    const others = ['ticket-rated', 'ticket-noted'].map((other) => found.subject.replace('ticket-ordered', other));
    const subjects = [found.subject, found.subject.replace(/\d+\.\d+\.[\d_]+$/, '_._._'), ...others];
    for (const { subject, bytes } of fc.sample(mangled(found.string(), subjects), { seed, numRuns: sixty })) {
      const { seq } = await stream.publish(subject, bytes);
      if (name === 'EV_TICKETS') bad.add(seq);
    }
    // The same once more: handled before, or given up before.
    const { seq } = await stream.publish(found.subject, found.data);
    if (name === 'EV_TICKETS') bad.add(seq);
  }
  await order(ground, heard);
  await settled(town.parts, { within: 20_000 });
  const left = await letters
    .find({}, { projection: { sequence: 1, reaction: 1 } })
    .skip(before)
    .toArray();
  const sequences = left.map(({ sequence }) => Number(sequence));
  if (new Set(sequences).size < sequences.length) throw new Error('a message left more than one dead letter');
  const wrong = sequences.find((sequence) => !bad.has(sequence));
  if (wrong !== undefined) throw new Error(`a good message left a dead letter: ${wrong}`);
  for (const caller of [ground.resident, ground.dispatcher]) {
    const { status, body } = await caller.get('/v1/inbox?pageSize=100');
    if (status !== 200) throw new Error(`an inbox cannot be read any more: ${JSON.stringify(body)}`);
  }
  return bad.size;
}

/** Orders, and waits until the dispatcher is told and another system has heard. */
async function order({ town, resident, dispatcher }: Ground, heard: (ticket: string) => boolean): Promise<void> {
  const territory = town.plan.postings.find(({ role }) => role === 'resident')?.territory ?? '';
  const category = town.plan.categories[0]?.join('.') ?? '';
  const wish = { text: '楼道灯坏了', territory, category };
  const { status, body } = await resident.post('/v1/tickets', wish, { 'idempotency-key': randomUUID() });
  if (status !== 201) throw new Error(`no order is taken any more: ${status} ${JSON.stringify(body)}`);
  await eventually(
    async () => {
      const inbox = await dispatcher.get('/v1/inbox?pageSize=100');
      const told = inbox.body.notices.some(({ ticket }: { ticket: string }) => ticket === body.id);
      if (!told) throw new Error('a good event is not reacted to');
      if (!heard(body.id)) throw new Error('a good event is not heard by another system');
    },
    { within: 10_000 },
  );
}
