/** From an event in the stream to the command that follows from it, against the bare conditional update with the same push. */
import type { Decider } from '@bandeng/decider';
import { connectBus, on, openDeadLetters, startReactions, startTenure } from '@bandeng/events';
import { connectMongo, type Definition, type Document, openRecords } from '@bandeng/records';
import { openLogger } from '@bandeng/telemetry';
import { connect, headers, type NatsConnection, nuid } from '@nats-io/transport-node';
import { MongoClient } from 'mongodb';
import { insertClones } from './clones.ts';
import { detail, tell } from './detail.ts';
import { closedLoop } from './loops.ts';
import { interleave, type Result, ratioLine } from './pairs.ts';
import { stopwatch, tally } from './processor-time.ts';
import { type Servers, startServers } from './servers.ts';

const events = 4_000;
const pairs = 5;
const batch = 200;
/** Aggregates that a service handles side by side, and updates of the bare driver at a time. */
const concurrency = 64;
const noted = 'bandeng.tickets.ticket-noted.v1';

/** A case file that counts what was noted. Its state is of the size of an ordinary one. */
interface File {
  readonly number: string;
  readonly territories: readonly string[];
  readonly about: string;
  readonly openedAt: string;
  readonly notes: number;
  readonly notedAt: string;
}
type Command = { readonly type: 'open'; readonly file: File } | { readonly type: 'note'; readonly at: string };
type Event =
  | { readonly type: 'opened'; readonly data: File }
  | { readonly type: 'noted'; readonly data: { readonly at: string } };

const decider: Decider<File, Command, Event, never> = {
  decide: (_, command) =>
    command.type === 'open' ? [{ type: 'opened', data: command.file }] : [{ type: 'noted', data: { at: command.at } }],
  evolve(state, event) {
    if (event.type === 'opened') return event.data;
    if (state === undefined) throw new TypeError('a file begins with opened');
    return { ...state, notes: state.notes + 1, notedAt: event.data.at };
  },
};
const definition: Definition<File, Command, Event, never> = { name: 'files', decider };

/** Puts an event about each of these files into the stream, as a relay does. */
async function publishAbout(connection: NatsConnection, ids: readonly string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += batch) {
    const some = ids.slice(from, from + batch);
    const name = nuid.next();
    const messages = some.map((id, index) => {
      const heading = headers();
      heading.append('Nats-Msg-Id', `${id}:1`);
      heading.append('Nats-Batch-Id', name);
      heading.append('Nats-Batch-Sequence', String(index + 1));
      return { heading, payload: JSON.stringify(eventAbout(id)) };
    });
    const commit = messages.pop();
    if (commit === undefined) return;
    const subject = 'ev.tickets.ticket-noted.45.99.02.001.001.500';
    for (const { heading, payload } of messages) connection.publish(subject, payload, { headers: heading });
    commit.heading.append('Nats-Batch-Commit', '1');
    const answer = await connection.request(subject, commit.payload, { headers: commit.heading, timeout: 5_000 });
    if (answer.json<{ seq?: number }>().seq === undefined) throw new Error(`a batch was refused: ${answer.string()}`);
  }
}

function eventAbout(id: string) {
  return {
    specversion: '1.0',
    id: `${id}:1`,
    source: '/bandeng/tickets',
    type: noted,
    subject: id,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    dataschema: `urn:bandeng:schema:${noted}`,
    data: { number: '459902-20260301-000123', orderer: '0b7f7a3c-9b1f-8a53-9b2d-2f1f6a1f3c55' },
    sequence: '1',
    sequencetype: 'Integer',
    territory: '459902001001500003',
  };
}

export async function reaction(): Promise<Result> {
  await using servers = await startServers();
  const log = openLogger('files', process.env.BANDENG_LOG_LEVEL ?? 'error');
  const bus = connectBus({ url: servers.nats.url, name: 'bench', log });
  const nats = await connect({ servers: servers.nats.url, noAsyncTraces: true });
  const mongo = await connectMongo(servers.mongod.uri);
  // With the write concern of the services and nothing else set: the bare driver.
  const driver = new MongoClient(servers.mongod.uri, {
    maxPoolSize: concurrency,
    writeConcern: { w: 'majority', journal: true },
  });
  try {
    return await compare({ servers, bus, nats, mongo, driver, log });
  } finally {
    await bus.close();
    await nats.close();
    await mongo.close();
    await driver.close();
  }
}

interface Ground {
  readonly servers: Servers;
  readonly bus: ReturnType<typeof connectBus>;
  readonly nats: NatsConnection;
  readonly mongo: Awaited<ReturnType<typeof connectMongo>>;
  readonly driver: MongoClient;
  readonly log: ReturnType<typeof openLogger>;
}

async function compare({ servers, bus, nats, mongo, driver, log }: Ground): Promise<Result> {
  const database = mongo.db('bandeng_files');
  const records = await openRecords({ database });
  const files = await records.define(definition);
  const at = new Date().toISOString();
  const context = { id: 'bench', at, actor: { person: 'b' }, silent: true };
  const file: File = {
    number: '459902-20260301-000123',
    territories: ['45', '4599', '459902', '459902001', '459902001001', '459902001001500'],
    about: '楼道灯坏了三天，晚上老人上下楼很不安全，请尽快派人来修一下。',
    openedAt: at,
    notes: 0,
    notedAt: at,
  };
  await files.run('0', context, () => ({ command: { type: 'open', file } }));
  const before = await files.collection.findOne({ _id: '0' });
  await files.run('0', { ...context, id: 'event:0b7f7a3c-9b1f-8a53-9b2d-2f1f6a1f3c55:1:note', silent: false }, () => ({
    command: { type: 'note', at },
  }));
  const after = await files.collection.findOne({ _id: '0' });
  if (before === null || after === null) throw new Error('the file is not there');
  const { version, notes, notedAt, history } = after;
  const update: Document = {
    $set: { version, notes, notedAt },
    $currentDate: { written: { $type: 'timestamp' } },
    $push: { history: { $each: history.slice(1) } },
  };

  const gate = gated();
  const definitions = [
    on(noted, 'note', async ({ subject, time }) => {
      await gate.opened();
      return [
        {
          run: async (_id, of) => {
            const outcome = await files.run(subject, of, () => ({ command: { type: 'note', at: time } }));
            gate.passed();
            return outcome;
          },
        },
      ];
    }),
  ];
  while (!bus.connected()) await new Promise((resolve) => setTimeout(resolve, 10));
  await bus.ensureStream('tickets');
  const deadLetters = await openDeadLetters(database);
  const tenure = startTenure({ lease: records.outbox.lease('bench'), log });
  const now = () => new Date();
  const running = startReactions({ service: 'files', bus, tenure, definitions, deadLetters, now, log, concurrency });
  const bare = driver.db('bench').collection<Document & { _id: string }>('files');
  let fresh: string[] = [];
  const processes = { reactions: process.pid, mongod: servers.mongod.pid, nats: servers.nats.pid };
  const spent = tally();
  try {
    const halves = {
      async ours() {
        const watch = stopwatch(processes);
        const started = performance.now();
        await gate.open(events);
        const rate = (events * 1_000) / (performance.now() - started);
        spent.add(watch(), events / 1_000);
        return rate;
      },
      baseline: () =>
        closedLoop(
          60_000,
          async () => {
            const _id = fresh.pop();
            if (_id === undefined) return false;
            const { matchedCount } = await bare.updateOne({ _id, version: before.version }, update);
            if (matchedCount !== 1) throw new Error(`${_id} was not updated`);
            return true;
          },
          concurrency,
        ),
      async before(next: 'ours' | 'baseline') {
        if (next === 'ours') {
          await files.collection.deleteMany({});
          await publishAbout(nats, await insertClones(files.collection, before, events));
          return;
        }
        await bare.deleteMany({});
        fresh = await insertClones(bare, before, events);
      },
    };
    await interleave(1, halves); // warms up
    const measured = await interleave(pairs, halves);
    const doubled = await files.collection.countDocuments({ version: { $ne: version } });
    if (doubled > 0) throw new Error(`${doubled} files are not what one event makes of them`);
    detail('reaction', measured, 'a second');
    tell(`reaction: processor µs an event: ${spent.line()}`);
    return ratioLine('reaction', measured, { must: 0.7, aim: 0.85 });
  } finally {
    await running.stop();
    await tenure.stop();
  }
}

/** Holds reactions up until it is opened for so many. */
function gated() {
  let left = 0;
  let turn = Promise.withResolvers<void>();
  let done: (() => void) | undefined;
  return {
    opened: () => turn.promise,
    passed() {
      left -= 1;
      if (left === 0) done?.();
    },
    open(count: number): Promise<void> {
      left = count;
      turn.resolve();
      return new Promise((resolve) => {
        done = () => {
          turn = Promise.withResolvers();
          resolve();
        };
      });
    },
  };
}
