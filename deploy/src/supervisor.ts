import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { demoLogins } from './demo.ts';
import { type Child, startChild, whyEnded } from './embedded/child.ts';
import { Mendable, messageOf } from './embedded/fault.ts';
import { cityCache, startMongod } from './embedded/mongod.ts';
import { startNatsServer } from './embedded/nats.ts';
import { cacheDirectory } from './embedded/parts.ts';
import { rememberedPort } from './embedded/ports.ts';
import { type Kept, keep } from './kept.ts';
import { type Layout, layoutOf } from './layout.ts';
import { markOf, type ProcessMark } from './processes.ts';
import { startingOrder } from './starting-order.ts';
import { livingState, removeState, type SupervisorState, writeState } from './state.ts';

export interface SupervisorOptions {
  /** One Node process for each service instead of one for all. */
  readonly processes: boolean;
  readonly demo: 'tenth' | 'full' | 'none';
}

export interface Supervisor {
  readonly state: () => SupervisorState;
  stop(): Promise<void>;
}

/** Names of the service processes and their files. */
const each = startingOrder.map((name) => ({
  name,
  file: `services/${name}/src/main.ts`,
}));
const together = [{ name: 'bandeng', file: 'deploy/src/all-in-one.ts' }];

const STOP_PATIENCE_MS = 20_000;
const READY_WITHIN_MS = 120_000;

/**
 * Starts MongoDB and NATS unless they are given, the services and, in an empty installation, the demo city; then keeps
 * every process of its own alive. Resolves when all is ready; throws `Mendable` after ending what it had started.
 */
export async function supervise(
  layout: Layout,
  options: SupervisorOptions,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Supervisor> {
  const self = await markOf(process.pid);
  if (!self) throw new Error('this process does not find itself');
  if (await livingState(layout.run)) throw new Mendable('Bandeng is running already');
  await Promise.all([layout.data, layout.run, layout.log].map((directory) => mkdir(directory, { recursive: true })));
  const book = openBook(layout.run, {
    supervisor: self,
    phase: 'starting',
    message: 'starting',
    address: layout.environment.BANDENG_PUBLIC_URL || `http://localhost:${layout.port}`,
    processes: {},
    mongodbUri: '',
    natsUrl: '',
    logins: [],
  });
  const servers: Kept[] = [];
  const services: Kept[] = [];
  const stop = async (): Promise<void> => {
    await book.write({ phase: 'stopping', message: 'stopping' });
    // The gateway first, so that nothing new comes in while the others finish.
    const [gateway, rest] = [services.filter(isGateway), services.filter((service) => !isGateway(service))];
    for (const group of [gateway, rest, servers]) {
      await Promise.all(group.map((process) => process.stop(STOP_PATIENCE_MS)));
    }
    await book.settled();
    await removeState(layout.run);
  };
  const watch = (into: Kept[], name: string, child: Child, start: () => Promise<Child>): void => {
    into.push(keep(child, { name, start, started: (again) => book.started(name, again), log }));
  };

  try {
    const addresses = await startServers(layout, book, (name, child, start) => watch(servers, name, child, start));
    const environment = {
      // Compiled code is kept from start to start: a quarter of the time until everything is ready.
      NODE_COMPILE_CACHE: join(cacheDirectory(), 'compiled'),
      ...layout.environment,
      ...addresses.variables,
    };
    const tell = (message: string): void => void book.write({ message });
    // Before the services: a sweep would go by the clock of today where a story is still being told by its own.
    const logins = await demoLogins(layout, options.demo, environment, addresses.ready, tell, signal);
    await book.write({ message: 'starting the services', ...addresses.known });
    const starting: { name: string; log: string; child: Child }[] = [];
    for (const { name, file } of options.processes ? each : together) {
      const logFile = await freshLog(layout, name);
      const start = async (): Promise<Child> =>
        startChild({
          command: process.execPath,
          arguments: ['--disable-warning=ExperimentalWarning', '--import', './libs/telemetry/src/register.ts', file],
          log: logFile,
          environment,
          workingDirectory: layout.root,
          whenOrphaned: 'SIGTERM',
        });
      const child = await start();
      await book.started(name, child);
      starting.push({ name, log: logFile, child });
      watch(services, name, child, start);
    }
    await addresses.ready;
    await untilServing(layout.gateway, starting, signal);
    await book.write({ phase: 'ready', message: 'ready', logins });
  } catch (thrown) {
    await stop().catch((fault: unknown) => log(`stopping failed: ${messageOf(fault)}`));
    throw thrown;
  }
  return { state: book.state, stop };
}

const isGateway = ({ name }: Kept): boolean => name === 'gateway';

interface Book {
  state(): SupervisorState;
  write(change: Partial<SupervisorState>): Promise<void>;
  started(name: string, child: Child): Promise<void>;
  settled(): Promise<void>;
}

/** The state file, written in order although several tell at once. */
function openBook(run: string, first: SupervisorState): Book {
  let state = first;
  let writing: Promise<void> = Promise.resolve();
  const write = (change: Partial<SupervisorState>): Promise<void> => {
    state = { ...state, ...change };
    const snapshot = state;
    writing = writing.catch(() => undefined).then(() => writeState(run, snapshot));
    return writing;
  };
  return {
    state: () => state,
    write,
    async started(name, child) {
      const mark: ProcessMark | undefined = await markOf(child.pid);
      if (mark) await write({ processes: { ...state.processes, [name]: mark } });
    },
    settled: () => writing,
  };
}

interface Addresses {
  readonly known: { mongodbUri: string; natsUrl: string };
  readonly variables: { MONGODB_URI: string; NATS_URL: string };
  /** Resolves when both answer. */
  readonly ready: Promise<void>;
}

/** Starts the servers that are not given. Their addresses are known before they answer: the services start meanwhile. */
async function startServers(
  layout: Layout,
  book: Book,
  watch: (name: string, child: Child, start: () => Promise<Child>) => void,
): Promise<Addresses> {
  const { MONGODB_URI: givenMongodb, NATS_URL: givenNats } = layout.environment;
  const mongodData = join(layout.data, 'mongod');
  const natsStore = join(layout.data, 'nats');
  const [mongodPort, natsPort] = await Promise.all([rememberedPort(mongodData), rememberedPort(natsStore)]);
  const mongodbUri = givenMongodb || `mongodb://127.0.0.1:${mongodPort}/?replicaSet=bandeng`;
  const natsUrl = givenNats || `nats://127.0.0.1:${natsPort}`;
  const starters: [name: string, start: () => Promise<Child>][] = [];
  if (!givenMongodb) {
    const log = await freshLog(layout, 'mongod');
    const cacheGigabytes = cityCache();
    const options = {
      dataDirectory: mongodData,
      port: mongodPort,
      log,
      cacheGigabytes,
      whenOrphaned: 'SIGTERM',
    } as const;
    starters.push(['mongod', async () => (await startMongod(options)).child]);
  }
  if (!givenNats) {
    const log = await freshLog(layout, 'nats-server');
    const options = { storeDirectory: natsStore, port: natsPort, log, whenOrphaned: 'SIGTERM' } as const;
    starters.push(['nats-server', async () => (await startNatsServer(options)).child]);
  }
  if (starters.length > 0) await book.write({ message: `starting ${starters.map(([name]) => name).join(' and ')}` });
  const ready = Promise.all(
    starters.map(async ([name, start]) => {
      const child = await start();
      await book.started(name, child);
      watch(name, child, start);
    }),
  ).then(() => undefined);
  ready.catch(() => undefined); // looked at by whoever awaits it, after the services were started
  return { known: { mongodbUri, natsUrl }, variables: { MONGODB_URI: mongodbUri, NATS_URL: natsUrl }, ready };
}

/** Waits until the gateway says that everything behind it is ready. */
async function untilServing(
  gateway: string,
  processes: readonly { name: string; log: string; child: Child }[],
  signal: AbortSignal,
): Promise<void> {
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const answer = await fetch(`${gateway}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    if (answer?.ok) return;
    if (signal.aborted) throw new Mendable('stopped while starting');
    const dead = processes.find(({ child }) => !child.alive());
    if (dead) {
      const { code } = await dead.child.ended;
      throw new Mendable(await whyEnded(`${dead.name} ended while starting`, code, dead.log));
    }
    if (performance.now() > giveUpAt) {
      const last = answer ? await answer.text().catch(() => '') : 'the gateway does not answer';
      throw new Mendable(`not ready within ${READY_WITHIN_MS / 1000} s: ${last}`);
    }
    await pause(50);
  }
}

const LARGEST_LOG = 20 * 1024 * 1024;

/** The log file of a process; a large one of earlier runs is put aside. */
async function freshLog(layout: Layout, name: string): Promise<string> {
  const file = join(layout.log, `${name}.log`);
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LARGEST_LOG) await rename(file, `${file}.1`);
  return file;
}

function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  });
}

if (import.meta.main) {
  const layout = layoutOf(process.env);
  const options: SupervisorOptions = JSON.parse(process.argv[2] ?? '{}');
  const log = (line: string): void => void process.stdout.write(`${new Date().toISOString()} ${line}\n`);
  const stopping = new AbortController();
  // Not from @bandeng/service: this process stays small without the code of the services.
  const told = untilSignal().then((signal) => {
    log(`${signal}: stopping`);
    stopping.abort();
  });
  try {
    const supervisor = await supervise(layout, options, log, stopping.signal);
    log('ready');
    await told;
    await supervisor.stop();
    process.exit(0);
  } catch (thrown) {
    log(thrown instanceof Mendable ? thrown.message : String(thrown instanceof Error ? thrown.stack : thrown));
    process.exit(1);
  }
}
