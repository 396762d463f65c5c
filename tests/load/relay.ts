/** From a history entry to its durable acknowledgement, against the same messages in raw atomic batches. */
import { type Bus, connectBus, publishing, startRelay, startTenure, streamOf } from '@bandeng/events';
import { connectMongo, type Following, type Outbox, openRecords } from '@bandeng/records';
import { openLogger } from '@bandeng/telemetry';
import { jetstream, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import { connect, headers, type MsgHdrs, type NatsConnection, nuid } from '@nats-io/transport-node';
import { publications, publicFields } from '../../services/tickets/src/publications.ts';
import { openTickets, type Tickets } from '../../services/tickets/src/records.ts';
import { insertClones } from './clones.ts';
import { detail, tell } from './detail.ts';
import { interleave, type Result, ratioLine } from './pairs.ts';
import { stopwatch, tally } from './processor-time.ts';
import { type Servers, startServers } from './servers.ts';

const entries = 10_000;
const pairs = 5;
const batch = 200;
const city = '4599';

/** One order as the tickets service stores it. */
async function storedOrder(tickets: Tickets): Promise<void> {
  const at = new Date().toISOString();
  const territory = '459902001001500003';
  const words = {
    text: { by: 'b', text: '楼道灯坏了三天，晚上老人上下楼很不安全，请尽快派人来修一下。' },
    place: { by: 'b', text: '三单元二楼和三楼之间' },
  };
  const outcome = await tickets.run('0', { id: 'bench', at, actor: { person: 'b' } }, () => ({
    words,
    command: {
      type: 'order',
      at,
      number: '459902-20260301-000123',
      territory,
      territories: ['45', city, '459902', '459902001', '459902001001', '459902001001500', territory, '459902001001002'],
      category: '城乡建设.城市建设和市政管理.市政设施管理',
      branches: ['城乡建设', '城乡建设.城市建设和市政管理', '城乡建设.城市建设和市政管理.市政设施管理'],
      urgency: 'ordinary',
      source: 'resident',
      orderer: '0b7f7a3c-9b1f-8a53-9b2d-2f1f6a1f3c55',
      text: 'text',
      place: 'place',
      followHash: 'bench',
    },
  }));
  if ('refused' in outcome) throw new Error(`the order was refused: ${outcome.refused}`);
}

/** No documents. */
async function* nothing(): AsyncGenerator<never, void> {}

/** An outbox that shows nothing until it is opened, and shuts when so many entries are published. */
function gated(of: Outbox): { outbox: Outbox; open(count: number): Promise<void>; published(count: number): void } {
  let isOpen = false;
  let left = 0;
  let done: (() => void) | undefined;
  const follow: Outbox['follow'] = <Note>(...given: Parameters<Outbox['follow']>) => {
    const following: Following<Note> = of.follow(...given);
    const { news } = following;
    return Object.defineProperty(following, 'news', {
      value: (atATime: number) => (isOpen ? news(atATime) : nothing()),
    });
  };
  return {
    outbox: { ...of, follow },
    published(count) {
      left -= count;
      if (left <= 0) done?.();
    },
    open(count) {
      left = count;
      isOpen = true;
      return new Promise((resolve) => {
        done = () => {
          isOpen = false;
          resolve();
        };
      });
    },
  };
}

interface Message {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly type: string;
}

/** What the relay has put into the stream: its size and headers are what is sent raw. */
async function sample(connection: NatsConnection, stream: string): Promise<Message> {
  const manager = await jetstreamManager(connection);
  const found: StoredMsg | null = await manager.streams.getMessage(stream, { seq: 1 });
  if (found === null) throw new Error(`nothing lies in ${stream}`);
  return { subject: found.subject, payload: found.data, type: found.header.get('Content-Type') };
}

/** Publishes as bare as the client can: batches of 200, one after the other, each behind the acknowledgement of the one before. */
async function publishRaw(connection: NatsConnection, { subject, payload, type }: Message): Promise<void> {
  const heading = (id: string, batchId: string, index: number): MsgHdrs => {
    const made = headers();
    made.set('Nats-Msg-Id', id);
    made.set('Bandeng-Collection', 'tickets');
    made.set('Content-Type', type);
    made.set('Nats-Batch-Id', batchId);
    made.set('Nats-Batch-Sequence', String(index));
    return made;
  };
  for (let sent = 0; sent < entries; sent += batch) {
    const batchId = nuid.next();
    const run = crypto.randomUUID();
    const to = `raw.${subject}`;
    for (let index = 1; index < batch; index++) {
      connection.publish(to, payload, { headers: heading(`${run}:${index}`, batchId, index) });
    }
    const commit = heading(`${run}:${batch}`, batchId, batch);
    commit.set('Nats-Batch-Commit', '1');
    const answer = (await connection.request(to, payload, { headers: commit, timeout: 5_000 })).json<{
      seq?: number;
    }>();
    if (answer.seq === undefined) throw new Error(`a batch was refused: ${JSON.stringify(answer)}`);
  }
}

/** A stream like the service's own, for the raw messages. */
async function rawStream(connection: NatsConnection, like: string): Promise<void> {
  const manager = await jetstreamManager(connection);
  const { config } = await manager.streams.info(like);
  await manager.streams.add({ ...config, name: 'RAW', subjects: ['raw.>'] });
}

export async function relay(): Promise<Result> {
  await using servers = await startServers();
  const log = openLogger('tickets', process.env.BANDENG_LOG_LEVEL ?? 'error');
  const bus = connectBus({ url: servers.nats.url, name: 'bench', log });
  const raw = await connect({ servers: servers.nats.url, noAsyncTraces: true });
  try {
    return await compare(servers, bus, raw, log);
  } finally {
    await bus.close();
    await raw.close();
  }
}

async function compare(
  servers: Servers,
  bus: Bus,
  raw: NatsConnection,
  log: ReturnType<typeof openLogger>,
): Promise<Result> {
  const mongo = await connectMongo(servers.mongod.uri);
  const records = await openRecords({ database: mongo.db('bandeng_tickets'), wake: () => bus.wake('tickets') });
  const { tickets } = await openTickets(records);
  await storedOrder(tickets);
  const original = await tickets.collection.findOne({ _id: '0' });
  if (original === null) throw new Error('the order is not there');
  await tickets.collection.deleteMany({});
  const gate = gated(records.outbox);
  const tenure = startTenure({ lease: records.outbox.lease('bench'), log });
  const publishings = [publishing(tickets, publications, publicFields)];
  const hooks = { published: gate.published };
  const running = startRelay({ service: 'tickets', bus, outbox: gate.outbox, tenure, publishings, city, log, hooks });
  const relayed = async (count: number): Promise<number> => {
    const started = performance.now();
    const done = gate.open(count);
    bus.wake('tickets');
    await done;
    return (count * 1_000) / (performance.now() - started);
  };
  try {
    await insertClones(tickets.collection, original, 1_000, { unpublished: true });
    await relayed(1_000); // also warms up
    const message = await sample(raw, streamOf('tickets'));
    await rawStream(raw, streamOf('tickets'));
    await publishRaw(raw, message);
    const processes = { relay: process.pid, mongod: servers.mongod.pid, nats: servers.nats.pid };
    const spent = tally();
    const measured = await interleave(pairs, {
      async ours() {
        const watch = stopwatch(processes);
        const rate = await relayed(entries);
        spent.add(watch(), entries / 1_000);
        return rate;
      },
      async baseline() {
        const started = performance.now();
        await publishRaw(raw, message);
        return (entries * 1_000) / (performance.now() - started);
      },
      async before(half) {
        if (half !== 'ours') return;
        await tickets.collection.deleteMany({});
        await insertClones(tickets.collection, original, entries, { unpublished: true });
      },
    });
    detail('relay', measured, `entries/s, ${message.payload.length} bytes each`);
    tell(`relay: processor µs an entry: ${spent.line()}`);
    const { state } = await (await jetstream(raw).jetstreamManager()).streams.info(streamOf('tickets'));
    const published = 1_000 + entries * pairs;
    if (state.messages !== published) throw new Error(`${published} entries made ${state.messages} messages`);
    return ratioLine('relay', measured, { must: 0.5, aim: 0.7 });
  } finally {
    await running.stop();
    await tenure.stop();
    await mongo.close();
  }
}
