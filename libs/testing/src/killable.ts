import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMongod, startNatsServer } from '@bandeng/deploy';
import { type Parts, partsOf } from './parts.ts';

/** A server that a test may kill, stop and start again under its address. */
export interface Killable {
  readonly pid: number;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void>;
  /** Starts it again on the same port with the same data; does nothing while it runs. */
  start(): Promise<void>;
  /** SIGSTOP and SIGCONT: it keeps its connections and says nothing. */
  freeze(): void;
  thaw(): void;
}

/** A test's own mongod and nats-server, ended by `dispose`. */
export interface KillableParts extends Parts {
  readonly mongod: Killable;
  readonly natsServer: Killable;
}

/** Like `parts()`, with a mongod and a nats-server of the test's own, started now and ended by `dispose`. */
export async function killableParts(): Promise<KillableParts> {
  const directory = await mkdtemp(join(tmpdir(), `bandeng-test-${process.pid}-`));
  const dataDirectory = join(directory, 'mongod');
  const storeDirectory = join(directory, 'nats');
  const [first, nats] = await Promise.all([startMongod({ dataDirectory }), startNatsServer({ storeDirectory })]);
  const mongod = killable(first, () => startMongod({ dataDirectory, port: first.port }));
  const natsServer = killable(nats, () => startNatsServer({ storeDirectory, port: nats.port }));
  const share = { mongodbUri: first.uri, natsUrl: nats.url, databasePrefix: 'bandeng', directory };
  const parts = await partsOf(share, async () => {
    await Promise.all([mongod.kill(), natsServer.kill()]);
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  });
  return { ...parts, mongod, natsServer };
}

type Server = Awaited<ReturnType<typeof startMongod>> | Awaited<ReturnType<typeof startNatsServer>>;

/** A started server as one to be killed; `again` starts it under the same address with the same data. */
export function killable(started: Server, again: () => Promise<Server>): Killable {
  let server = started;
  return {
    get pid() {
      return server.pid;
    },
    async kill() {
      server.kill();
      await server.child.ended;
    },
    stop: () => server.stop(),
    async start() {
      if (!server.child.alive()) server = await again();
    },
    freeze: () => void process.kill(server.pid, 'SIGSTOP'),
    thaw: () => void process.kill(server.pid, 'SIGCONT'),
  };
}
