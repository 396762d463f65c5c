/** A mongod and a nats-server of a bench's own, in a temporary directory, and what ends them whatever happens. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cityCache, type RunningMongod, type RunningNatsServer, startMongod, startNatsServer } from '@bandeng/deploy';

export interface Servers extends AsyncDisposable {
  readonly directory: string;
  readonly mongod: RunningMongod;
  readonly nats: RunningNatsServer;
}

/** A temporary directory that goes when this process does. Its path is short: it holds unix sockets. */
export async function temporaryDirectory(): Promise<{ path: string; remove(): void }> {
  const path = await mkdtemp(join(tmpdir(), 'bandeng-bench-'));
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  process.once('exit', remove);
  return { path, remove };
}

/** Starts both on free ports, with a cache as `./bandeng up` gives. They die with this process also when it is killed. */
export async function startServers(options: { cacheGigabytes?: number } = {}): Promise<Servers> {
  const { path, remove } = await temporaryDirectory();
  const [mongod, nats] = await Promise.all([
    startMongod({ dataDirectory: join(path, 'mongod'), cacheGigabytes: cityCache(), ...options }),
    startNatsServer({ storeDirectory: join(path, 'nats') }),
  ]);
  return {
    directory: path,
    mongod,
    nats,
    async [Symbol.asyncDispose]() {
      // The data goes with the directory: there is nothing that an orderly end would save.
      mongod.kill();
      nats.kill();
      await Promise.all([mongod.child.ended, nats.child.ended]);
      remove();
    },
  };
}
