import { serversOf } from '@bandeng/events';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { MongoClient } from 'mongodb';

type Environment = Readonly<Record<string, string | undefined>>;

/** Drops what an installation keeps on servers that are not its own: its databases and its streams. */
export async function emptyGiven(environment: Environment, prefix: string): Promise<void> {
  if (environment.MONGODB_URI) await dropDatabases(environment.MONGODB_URI, prefix);
  if (environment.NATS_URL) await deleteStreams(environment.NATS_URL);
}

async function dropDatabases(uri: string, prefix: string): Promise<void> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
  try {
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
    for (const { name } of databases) {
      if (name.startsWith(`${prefix}_`)) await client.db(name).dropDatabase();
    }
  } finally {
    await client.close();
  }
}

async function deleteStreams(url: string): Promise<void> {
  const connection = await connect({ ...serversOf(url), noAsyncTraces: true });
  try {
    const { streams } = await jetstreamManager(connection);
    for await (const name of streams.names()) {
      if (name.startsWith('EV_')) await streams.delete(name);
    }
  } finally {
    await connection.close();
  }
}
