import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Child, startChild, untilReady } from './child.ts';
import { locate } from './parts.ts';
import { rememberedPort } from './ports.ts';

/** A server of ours that is ready for its clients. */
export interface RunningNatsServer {
  /** Without an account; with accounts see `accountUrl`. */
  readonly url: string;
  readonly pid: number;
  readonly port: number;
  readonly child: Child;
  /** The address with the user and password of one of the accounts. */
  accountUrl(account: string): string;
  /** SIGTERM and wait. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): void;
}

export interface NatsServerOptions {
  /** Holds the streams, the configuration, the log and the remembered port; made when it is not there. */
  storeDirectory: string;
  port?: number;
  /** Accounts with JetStream, each with one user of its own name and password. */
  accounts?: readonly string[];
  /** Log file; `nats-server.log` in the store directory by default. */
  log?: string;
  whenOrphaned?: 'SIGTERM' | 'SIGKILL';
}

/**
 * Starts nats-server with JetStream on 127.0.0.1 and waits until it greets. Every acknowledged message is on disk
 * (`sync_interval: always`). Without `port` it keeps the port of its last start when still free. Throws `Mendable`.
 */
export async function startNatsServer(options: NatsServerOptions): Promise<RunningNatsServer> {
  const executable = await locate('nats-server');
  await mkdir(options.storeDirectory, { recursive: true });
  const log = options.log ?? join(options.storeDirectory, 'nats-server.log');
  const port = options.port ?? (await rememberedPort(options.storeDirectory));
  const file = join(options.storeDirectory, 'nats-server.conf');
  await writeFile(file, configuration(port, join(options.storeDirectory, 'store'), options.accounts ?? []));
  const child = startChild({
    command: executable,
    arguments: ['--config', file],
    log,
    whenOrphaned: options.whenOrphaned ?? 'SIGKILL',
  });
  await untilReady('nats-server', child, log, () => greets(port));
  await writeFile(join(options.storeDirectory, 'port'), String(port));
  return {
    url: `nats://127.0.0.1:${port}`,
    pid: child.pid,
    port,
    child,
    accountUrl: (account) => `nats://${account}:${account}@127.0.0.1:${port}`,
    stop: () => child.stop(),
    kill: () => child.kill(),
  };
}

/** The server's configuration; its streams limit themselves, so the server's own limits are far away. */
function configuration(port: number, store: string, accounts: readonly string[]): string {
  const lines = [
    `listen: "127.0.0.1:${port}"`,
    'jetstream {',
    `  store_dir: ${JSON.stringify(store)}`,
    '  sync_interval: always',
    '  max_memory_store: 256MB',
    '  max_file_store: 100TB',
    '}',
  ];
  if (accounts.length > 0) {
    const account = (name: string): string =>
      `  ${name} { jetstream: enabled, users: [ { user: ${name}, password: ${name} } ] }`;
    lines.push('accounts {', ...accounts.map(account), '}');
  }
  return `${lines.join('\n')}\n`;
}

/** Whether the server answers a new connection with its INFO line and JetStream is on. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let greeting = '';
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => end(false));
    socket.once('error', () => end(false));
    socket.on('data', (bytes) => {
      greeting += bytes.toString('utf8');
      if (greeting.includes('\r\n')) end(greeting.startsWith('INFO ') && greeting.includes('"jetstream":true'));
    });
  });
}
