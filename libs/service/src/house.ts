import { join } from 'node:path';
import { type ServiceName, services } from '@bandeng/contracts';
import { type Directory, type DirectorySource, openDirectory } from '@bandeng/directory';
import { type Bus, connectBus } from '@bandeng/events';
import { connectMongo, type Db, openRecords, type Records } from '@bandeng/records';
import {
  type Client,
  connect,
  type PageTokens,
  pageTokens,
  type ServiceTokens,
  serviceTokens,
  type Verifier,
  verifier,
} from '@bandeng/rpc';
import { type Logger, openLogger } from '@bandeng/telemetry';
import { type BoundAccess, bindAccess } from './access.ts';
import { followEnded } from './ended.ts';
import { type Environment, numberSetting, textSetting } from './environment.ts';
import { type Keys, openKeys } from './keys.ts';
import { cityOf, issuerOf, logLevelOf, mongoOf, natsOf } from './settings.ts';

/** Clients of all services; calls carry this service's own token, and the person's beside it when a `call` is passed on. */
export type Clients = { readonly [S in ServiceName]: Client<S> };

/** What every service stands on, with a database or without. */
export interface Foundation {
  readonly name: string;
  readonly environment: Environment;
  readonly log: Logger;
  /** The clock. */
  now(): Date;
  readonly bus: Bus;
  readonly clients: Clients;
  /** Tokens by which this service says who it is. */
  readonly tokens: ServiceTokens;
  readonly keys: Keys;
  /** Seals page tokens with a key of this installation. */
  readonly pages: PageTokens;
  /** Verifies tokens of people, systems and services; those of whoever was erased or ended are none. */
  readonly verify: Verifier;
  /** Code of the city this installation serves. */
  readonly city: string;
}

/** A foundation with the service's own database. */
export interface Ground extends Foundation {
  readonly database: Db;
  readonly records: Records;
}

/** What a service with a database stands on. */
export interface House extends Ground {
  readonly directory: Directory;
  readonly access: BoundAccess;
}

/** Something built, with what is needed to leave it. */
export interface Built<Thing> {
  readonly built: Thing;
  close(): Promise<void>;
}

/** Where a service answers gRPC: BANDENG_<SERVICE>_ADDRESS, else its socket in BANDENG_RUN. */
export function addressOf(service: string, environment: Environment): string {
  const run = textSetting(environment, 'BANDENG_RUN', '.bandeng/run');
  return textSetting(environment, `BANDENG_${service.toUpperCase()}_ADDRESS`, `unix:${join(run, `${service}.sock`)}`);
}

/** Lays the foundation. Waits for nothing. */
export function layFoundation(name: string, environment: Environment, now: () => Date): Built<Foundation> {
  const log = openLogger(name, logLevelOf(environment));
  const city = cityOf(environment);
  const issuer = issuerOf(environment);
  const keys = openKeys(join(textSetting(environment, 'BANDENG_DATA', '.bandeng/data'), 'keys'), environment);
  const tokens = serviceTokens({ service: name, privateKey: keys.pair(name).private });
  const client = <S extends ServiceName>(service: S): Client<S> =>
    connect(service, { address: addressOf(service, environment), token: tokens });
  const clients: Clients = {
    identity: client('identity'),
    orggraph: client('orggraph'),
    tickets: client('tickets'),
    notifications: client('notifications'),
  };
  const replicas = numberSetting(environment, 'BANDENG_STREAM_REPLICAS', 1, { least: 1, most: 5 });
  const url = natsOf(environment);
  const bus = connectBus({ url, name, log, streams: { replicas } });
  const ended = followEnded({ identity: clients.identity, bus, log });
  const verify = verifier({
    ...{ service: name, issuer, audience: 'bandeng' },
    keySet: async () => JSON.parse((await clients.identity.getKeySet({})).json),
    serviceKeys: { keys: [...Object.keys(services), 'gateway'].map((service) => keys.publicKey(service)) },
  });
  return {
    built: {
      ...{ name, environment, log, now, bus, clients, tokens, keys, city },
      pages: pageTokens(keys.secret('pages')),
      verify: ended.over(verify),
    },
    async close() {
      await ended.close();
      for (const each of Object.values(clients)) each.close();
      await bus.close();
    },
  };
}

/** Breaks the ground: connects the service's own database `<prefix>_<service>`, waiting until MongoDB is there. */
export async function breakGround(foundation: Foundation): Promise<Built<Ground>> {
  const { environment, name, bus, log } = foundation;
  const uri = mongoOf(name, environment);
  for (let seconds = 1; ; seconds = Math.min(seconds * 2, 10)) {
    try {
      const mongo = await connectMongo(uri);
      const database = mongo.db(`${textSetting(environment, 'BANDENG_DATABASE_PREFIX', 'bandeng')}_${name}`);
      const records = await openRecords({ database, wake: () => bus.wake(name) });
      return { built: { ...foundation, database, records }, close: () => mongo.close() };
    } catch (fault) {
      log.warn(
        { fault: fault instanceof Error ? fault.message : 'unknown' },
        `MongoDB is away; trying again in ${seconds} s`,
      );
      await new Promise((wake) => setTimeout(wake, seconds * 1_000));
    }
  }
}

/** Opens the directory of the graph, fed by orggraph or, in orggraph itself, by its own documents. */
export async function openHouse(ground: Ground, source?: DirectorySource): Promise<Built<House>> {
  const { database, bus, log, clients, now } = ground;
  const directory = await openDirectory({ database, bus, log, orggraph: source ?? clients.orggraph });
  return {
    built: { ...ground, directory, access: bindAccess(directory, now) },
    close: async () => directory.close(),
  };
}
