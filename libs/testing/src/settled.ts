import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { MongoClient } from 'mongodb';

/** Where a city keeps its things. */
export interface Place {
  readonly mongodbUri: string;
  readonly natsUrl: string;
  readonly databasePrefix: string;
}

/**
 * Waits until nothing is left to publish in any database of a city and nothing unhandled in any durable consumer.
 * @returns how many milliseconds that took
 * @throws when it is not so within the time, with what was left
 */
export async function settled(place: Place, options: { within?: number } = {}): Promise<number> {
  const within = options.within ?? 60_000;
  const started = performance.now();
  const mongo = await MongoClient.connect(place.mongodbUri);
  const { username: user, password: pass, host } = new URL(place.natsUrl);
  const nats = await connect({ servers: host, noAsyncTraces: true, ...(user ? { user, pass } : {}) });
  try {
    for (;;) {
      const left = (await unpublished(mongo, place.databasePrefix)) ?? (await unhandled(nats));
      if (left === undefined) return performance.now() - started;
      if (performance.now() - started > within) throw new Error(`not settled within ${within} ms: ${left}`);
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
    ['notifications', 'notices'],
  ] as const) {
    const waiting = mongo.db(`${prefix}_${service}`).collection(name);
    const one = await waiting.findOne({ unpublishedSince: { $exists: true } }, { projection: { _id: 1 } });
    if (one !== null) return `${name} ${one._id} waits to be published`;
  }
  return undefined;
}

async function unhandled(nats: Awaited<ReturnType<typeof connect>>): Promise<string | undefined> {
  const manager = await jetstreamManager(nats);
  let durables = 0;
  for await (const stream of manager.streams.list()) {
    for await (const { config, num_pending, num_ack_pending } of manager.consumers.list(stream.config.name)) {
      if (config.durable_name === undefined) continue;
      durables += 1;
      if (num_pending + num_ack_pending > 0)
        return `${config.durable_name} has ${num_pending + num_ack_pending} events before it`;
    }
  }
  // After a restart of the server the durables of reactions are made again a moment later.
  return durables === 0 ? 'no reaction listens yet' : undefined;
}
