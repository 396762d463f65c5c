import { events, type ServiceName, services } from '@bandeng/contracts';
import { connectMongo, type Db, type MongoClient } from '@bandeng/records';
import { Mendable, messageOf } from './embedded/fault.ts';
import { type Layout, layoutOf } from './layout.ts';
import { livingState, type SupervisorState } from './state.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** An installation as an operator reaches it: the one that runs here, or the servers that are given. */
export interface Installation {
  readonly layout: Layout;
  /** The supervisor here, if there is one. */
  readonly running: SupervisorState | undefined;
  readonly mongodbUri: string;
  readonly natsUrl: string;
  readonly databasePrefix: string;
  /** What its services are told. */
  readonly environment: Environment;
}

/** Services that keep something, in the order of their names. */
export const keepers: readonly ServiceName[] = serviceNames().sort();

/** Those of them whose events others can hear of, which have a stream. */
export const publishers: readonly ServiceName[] = keepers.filter((name) =>
  Object.values(events).some(({ service }) => service === name),
);

function serviceNames(): ServiceName[] {
  return Object.keys(services) as ServiceName[];
}

/** Whether a word names a service that keeps something. */
export function isKeeper(word: string): word is ServiceName {
  return Object.hasOwn(services, word);
}

/** Finds the installation that MONGODB_URI and NATS_URL name, or that runs here. Throws `Mendable` when there is none. */
export async function installationOf(environment: Environment): Promise<Installation> {
  const layout = layoutOf(environment);
  const running = await livingState(layout.run);
  const mongodbUri = environment.MONGODB_URI || running?.mongodbUri;
  const natsUrl = environment.NATS_URL || running?.natsUrl;
  if (!mongodbUri || !natsUrl) {
    throw new Mendable("nothing runs here: start it with './bandeng up', or give MONGODB_URI and NATS_URL");
  }
  return {
    layout,
    running,
    mongodbUri,
    natsUrl,
    databasePrefix: environment.BANDENG_DATABASE_PREFIX || 'bandeng',
    environment: { ...layout.environment, MONGODB_URI: mongodbUri, NATS_URL: natsUrl },
  };
}

/** The databases of an installation. */
export interface Databases extends AsyncDisposable {
  of(service: ServiceName): Promise<Db>;
}

/** Opens databases as they are asked for; of a service with a user of its own under that user. */
export function openDatabases({ environment, mongodbUri, databasePrefix }: Installation): Databases {
  const clients = new Map<string, Promise<MongoClient>>();
  const clientOf = (uri: string): Promise<MongoClient> => {
    const client = clients.get(uri) ?? connectMongo(uri).catch(away);
    clients.set(uri, client);
    return client;
  };
  return {
    async of(service) {
      const client = await clientOf(environment[`BANDENG_${service.toUpperCase()}_MONGODB_URI`] || mongodbUri);
      return client.db(`${databasePrefix}_${service}`);
    },
    async [Symbol.asyncDispose]() {
      for (const client of await Promise.allSettled(clients.values())) {
        if (client.status === 'fulfilled') await client.value.close();
      }
    },
  };
}

function away(thrown: unknown): never {
  throw new Mendable(`MongoDB cannot be reached: ${messageOf(thrown)}`);
}
