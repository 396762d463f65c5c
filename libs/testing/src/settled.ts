import { beginning, progressOf } from '@bandeng/records';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { type Db, type Document, MongoClient } from 'mongodb';

/** Where a city keeps its things. */
export interface Place {
  readonly mongodbUri: string;
  readonly natsUrl: string;
  readonly databasePrefix: string;
}

/** The durables of the house, `<service>-<source>`: one for each service whose events another reacts to. */
const reactionsOfTheHouse = [
  'identity-identity',
  'notifications-identity',
  'notifications-tickets',
  'orggraph-identity',
  'tickets-identity',
] as const;

/**
 * What was handled after the first look at the databases may have left something to publish there, and what became visible behind
 * the place of a relay is found at its next look back, within 200 ms.
 */
const CALM = 400;

/** For how long, and for which reactions, is waited. */
export interface SettledOptions {
  /** Milliseconds; 60,000 by default. */
  readonly within?: number;
  /** The durables that must be there and have nothing before them; all of the house by default. */
  readonly reactions?: readonly string[];
}

/**
 * Waits until nothing is left to publish in any database of a city, every reaction listens, and none has anything unhandled.
 * @returns after how many milliseconds it was so
 * @throws when it is not so within the time, with what was left
 */
export async function settled(place: Place, options: SettledOptions = {}): Promise<number> {
  const { within = 60_000, reactions = reactionsOfTheHouse } = options;
  const started = performance.now();
  const mongo = await MongoClient.connect(place.mongodbUri, { serverSelectionTimeoutMS: 10_000 });
  const { username: user, password: pass, host } = new URL(place.natsUrl);
  const nats = await connect({ servers: host, noAsyncTraces: true, ...(user ? { user, pass } : {}) });
  const look = async (): Promise<string | undefined> =>
    (await unpublished(mongo, place.databasePrefix)) ?? (await unhandled(nats, reactions));
  try {
    let calmSince: number | undefined;
    for (;;) {
      // A server that has just come back, or has much to do, may not answer at once.
      const left = await look().catch((fault: unknown) => `${fault}`);
      const now = performance.now();
      calmSince = left === undefined ? (calmSince ?? now) : undefined;
      if (calmSince !== undefined && now - calmSince > CALM) return calmSince - started;
      if (now - started > within) throw new Error(`not settled within ${within} ms: ${left}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  } finally {
    await nats.close();
    await mongo.close();
  }
}

async function unpublished(mongo: MongoClient, prefix: string): Promise<string | undefined> {
  for (const [service, name] of [
    ['tickets', 'tickets'],
    ['orggraph', 'postings'],
    ['identity', 'accounts'],
  ] as const) {
    const one = await firstUntold(mongo.db(`${prefix}_${service}`), name);
    if (one !== null) return `${name} ${one._id} waits to be published`;
  }
  return undefined;
}

/** The first document that was written after the place up to which the relay says that it has told. */
async function firstUntold(database: Db, name: string): Promise<Document | null> {
  const told = (await progressOf(database))?.told[name] ?? beginning;
  return database
    .collection(name)
    .findOne({ written: { $gt: told } }, { sort: { written: 1 }, projection: { _id: 1 } });
}

async function unhandled(
  nats: Awaited<ReturnType<typeof connect>>,
  reactions: readonly string[],
): Promise<string | undefined> {
  const manager = await jetstreamManager(nats);
  // A durable is away for a moment whenever its service starts, is taken over, or the server comes back.
  const awaited = new Set(reactions);
  for await (const stream of manager.streams.list()) {
    for await (const { config, num_pending, num_ack_pending } of manager.consumers.list(stream.config.name)) {
      if (config.durable_name === undefined) continue;
      awaited.delete(config.durable_name);
      if (num_pending + num_ack_pending > 0)
        return `${config.durable_name} has ${num_pending + num_ack_pending} events before it`;
    }
  }
  const [missing] = awaited;
  return missing === undefined ? undefined : `${missing} does not listen yet`;
}
