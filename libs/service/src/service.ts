import { mkdirSync } from 'node:fs';
import type { DirectorySource } from '@bandeng/directory';
import {
  openDeadLetters,
  openOperations,
  type Publishing,
  type ReactionDefinition,
  startReactions,
  startRelay,
  startTenure,
  tenureAfter,
} from '@bandeng/events';
import { isDatabaseAway, type Sweep } from '@bandeng/records';
import { type Implementation, startServer } from '@bandeng/rpc';
import { endTelemetry } from '@bandeng/telemetry';
import { ConfigurationFault, type Environment, exitOfWrongSetting, switchSetting, textSetting } from './environment.ts';
import { addressOf, breakGround, type Foundation, type Ground, type House, layFoundation, openHouse } from './house.ts';
import { measuring } from './measuring.ts';
import { openStay, type Stay } from './stay.ts';
import { startSweeps } from './sweeping.ts';

/** What a service offers and does, once it stands. */
export interface Running {
  readonly implementations?: readonly Implementation[];
  readonly publications?: readonly Publishing[];
  readonly reactions?: readonly ReactionDefinition[];
  readonly sweeps?: readonly Sweep[];
  /** Whether it can do its work, beyond its database and its directory. */
  ready?(): boolean | Promise<boolean>;
  /** Ends what the service itself started. Called after its server is closed, before its database is. */
  stop?(): Promise<void>;
}

/** A service with a database of its own. */
export interface HousedService<Configuration> {
  readonly name: string;
  readonly database?: true;
  configure(environment: Environment): Configuration;
  /** Where its directory comes from; left out: from orggraph. */
  source?(ground: Ground): Promise<DirectorySource>;
  start(house: House, configuration: Configuration): Promise<Running>;
}

/** A service that keeps nothing, as the gateway. */
export interface BareService<Configuration> {
  readonly name: string;
  readonly database: false;
  configure(environment: Environment): Configuration;
  start(foundation: Foundation, configuration: Configuration): Promise<Running>;
}

/** A service, ready to be started in a process of its own or beside others. */
export interface Service {
  readonly name: string;
  start(environment: Environment, now?: () => Date): Promise<RunningService>;
  /**
   * Stands beside what runs without being opened: no server, nothing under the lease. For looking at what it keeps; absent where
   * nothing is kept. A socket of its own (identity's pages) is in BANDENG_RUN, so that should be another folder.
   */
  inspect?<Result>(
    environment: Environment,
    look: (house: House, running: Running) => Promise<Result>,
  ): Promise<Result>;
}

/** A started service. */
export interface RunningService {
  readonly name: string;
  /** MongoDB answers and the directory is loaded. NATS makes nobody unready. */
  ready(): Promise<boolean>;
  /** Ends in the reverse order of the start: takes nothing new, finishes what runs, releases its lease. */
  stop(): Promise<void>;
}

/** Defines a service. Its configuration is read before anything is connected, so that a fault in it is told first. */
export function defineService<Configuration>(
  definition: HousedService<Configuration> | BareService<Configuration>,
): Service {
  return definition.database === false ? bareService(definition) : housedService(definition);
}

function bareService<Configuration>(definition: BareService<Configuration>): Service {
  const { name } = definition;
  return {
    name,
    async start(environment, now = () => new Date()) {
      const configuration = configured(definition, environment);
      const stay = openStay();
      try {
        const running = await definition.start(stay.enter(layFoundation(name, environment, now)), configuration);
        stay.onLeave(async () => running.stop?.());
        return { name, ready: async () => (await running.ready?.()) ?? true, stop: stay.leave };
      } catch (fault) {
        await stay.leave();
        throw fault;
      }
    },
  };
}

function housedService<Configuration>(definition: HousedService<Configuration>): Service {
  const { name } = definition;

  async function stand(stay: Stay, environment: Environment, now: () => Date): Promise<[House, Running]> {
    const configuration = configured(definition, environment);
    const ground = stay.enter(await breakGround(stay.enter(layFoundation(name, environment, now))));
    const house = stay.enter(await openHouse(ground, await definition.source?.(ground)));
    const running = await definition.start(house, configuration);
    stay.onLeave(async () => running.stop?.());
    return [house, running];
  }

  return {
    name,
    async start(environment, now = () => new Date()) {
      const stay = openStay();
      try {
        const [house, running] = await stand(stay, environment, now);
        const ready = async (): Promise<boolean> =>
          house.directory.ready() && (await answers(house)) && ((await running.ready?.()) ?? true);
        await open(stay, house, running, ready);
        house.log.info({}, `${name} is up`);
        return { name, ready, stop: stay.leave };
      } catch (fault) {
        await stay.leave();
        throw fault;
      }
    },
    async inspect(environment, look) {
      const stay = openStay();
      try {
        return await look(...(await stand(stay, environment, () => new Date())));
      } finally {
        await stay.leave();
      }
    },
  };
}

function configured<Configuration>(
  definition: { configure(environment: Environment): Configuration },
  environment: Environment,
): Configuration {
  const configuration = definition.configure(environment);
  mkdirSync(textSetting(environment, 'BANDENG_RUN', '.bandeng/run'), { recursive: true });
  return configuration;
}

async function answers({ database }: House): Promise<boolean> {
  return database.command({ ping: 1 }, { signal: AbortSignal.timeout(2_000) }).then(
    () => true,
    () => false,
  );
}

/**
 * Opens the service to the world: under its lease the relay, the reactions and the sweeps, and its server, which is the last to come
 * and the first to go.
 */
async function open(stay: Stay, house: House, running: Running, ready: () => Promise<boolean>): Promise<void> {
  const { name, bus, records, log, environment, now, city } = house;
  const measured = measuring(name);
  const deadLetters = await openDeadLetters(house.database);
  const operations = openOperations(house.database);
  const hooks = measured.hooks(deadLetters, now);
  const tenure = startTenure({ lease: records.outbox.lease(`${process.pid}-${crypto.randomUUID()}`), log });
  stay.onLeave(() => tenure.stop());
  const publishings = running.publications ?? [];
  const { outbox } = records;
  const relay =
    outbox.collections.length === 0
      ? undefined
      : startRelay({ service: name, bus, outbox, tenure, publishings, city, operations, log, hooks });
  stay.onLeave(async () => relay?.stop());
  // Whom something concerns is asked of the directory, and an event is handled once: nothing of that begins before it is there.
  const informed = tenureAfter(tenure, house.directory.whenReady());
  const reactions = startReactions({
    service: name,
    bus,
    tenure: informed,
    definitions: running.reactions ?? [],
    deadLetters,
    operations,
    now,
    log,
    hooks,
  });
  stay.onLeave(() => reactions.stop());
  const sweeps = startSweeps({ sweeps: running.sweeps ?? [], tenure: informed, log, measuring: measured });
  stay.onLeave(() => sweeps.stop());
  const server = await startServer({
    address: addressOf(name, environment),
    implementations: running.implementations ?? [],
    verify: house.verify,
    log,
    transient: isDatabaseAway,
    observe: measured.observe,
    ready,
    reflection: switchSetting(environment, 'BANDENG_REFLECTION', false),
  });
  stay.onLeave(() => server.stop());
}

/**
 * Does work in the house of a service without opening it: no server, no relay, nothing under its lease. For what runs
 * beside the service and through its own commands, as seeding a demo city does.
 * @param source where its directory is read from while orggraph does not run
 */
export async function visit<Result>(
  name: string,
  environment: Environment,
  work: (house: House) => Promise<Result>,
  source?: DirectorySource,
): Promise<Result> {
  const stay = openStay();
  try {
    const foundation = stay.enter(layFoundation(name, environment, () => new Date()));
    const ground = stay.enter(await breakGround(foundation));
    return await work(stay.enter(await openHouse(ground, source)));
  } finally {
    await stay.leave();
  }
}

/** Longest time that a process takes to end after SIGTERM, in milliseconds. */
const patience = 20_000;

/** Ends this process when a setting is wrong, with a line that says which, on standard error. */
export async function exitsWhenWrong<Result>(starting: Promise<Result>): Promise<Result> {
  try {
    return await starting;
  } catch (fault) {
    if (!(fault instanceof ConfigurationFault)) throw fault;
    process.stderr.write(`${fault.message}\n`);
    process.exit(exitOfWrongSetting);
  }
}

/** Runs a service as this process: until SIGTERM or SIGINT, then ends it in order. */
export async function runService(service: Service): Promise<void> {
  const running = await exitsWhenWrong(service.start(process.env));
  await untilSignal();
  const late = setTimeout(() => process.exit(1), patience);
  await running.stop();
  await endTelemetry();
  clearTimeout(late);
  process.exit(0);
}

/** Waits for the signal that asks this process to end. */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}
