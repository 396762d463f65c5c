import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, locate, portAnswers } from '@bandeng/deploy';
import { type Child, startChild, untilReady } from '@bandeng/deploy/child';

/** Three nats-servers that keep streams together. */
export interface NatsCluster extends AsyncDisposable {
  /** Their addresses, as `NATS_URL` names them. */
  readonly url: string;
  /** SIGKILL for the server of this name (`nats-0` to `nats-2`). */
  kill(name: string): Promise<void>;
}

/** Starts them in a folder of their own. They need a moment until they have a leader: ask `eventually`. */
export async function natsCluster(): Promise<NatsCluster> {
  const [directory, executable] = await Promise.all([
    mkdtemp(join(tmpdir(), `bandeng-test-${process.pid}-`)),
    locate('nats-server'),
  ]);
  const names = ['nats-0', 'nats-1', 'nats-2'];
  const ports = await distinctPorts(names.length * 2);
  const [clientPorts, routePorts] = [ports.slice(0, names.length), ports.slice(names.length)];
  const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  const start = async (name: string, port: number | undefined, routePort: number | undefined): Promise<Child> => {
    const folder = join(directory, name);
    await mkdir(folder);
    const file = join(folder, 'nats-server.conf');
    const lines = [
      `listen: "127.0.0.1:${port}"`,
      `server_name: "${name}"`,
      `jetstream { store_dir: ${JSON.stringify(join(folder, 'store'))}, sync_interval: always }`,
      `cluster { name: "city", listen: "127.0.0.1:${routePort}", routes: [${routes}] }`,
    ];
    await writeFile(file, lines.join('\n'));
    const log = join(folder, 'nats-server.log');
    const child = startChild({ command: executable, arguments: ['--config', file], log });
    await untilReady(name, child, log, () => portAnswers(port ?? 0));
    return child;
  };
  const servers = await Promise.all(names.map((name, index) => start(name, clientPorts[index], routePorts[index])));
  const end = async (child: Child | undefined): Promise<void> => {
    child?.kill();
    await child?.ended;
  };
  return {
    url: clientPorts.map((port) => `nats://127.0.0.1:${port}`).join(','),
    kill: (name) => end(servers[names.indexOf(name)]),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map(end));
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function distinctPorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
