/** `./bandeng up` from a warm cache to ready, on an installation that has its demo city already. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@bandeng/deploy';
import { tell } from './detail.ts';
import { figureLine, type Result } from './pairs.ts';
import { temporaryDirectory } from './servers.ts';

const root = join(import.meta.dirname, '../..');
const times = 3;

export interface Installation {
  readonly run: string;
  bandeng(...args: string[]): Promise<void>;
}

/** An installation in a temporary directory; one that runs on this machine is not disturbed. Stopped whatever happens. */
export async function onInstallation<Result>(work: (installation: Installation) => Promise<Result>): Promise<Result> {
  const { path, remove } = await temporaryDirectory();
  const log = join(path, 'bandeng.log');
  mkdirSync(join(path, 'run'));
  const { MONGODB_URI: _, NATS_URL: __, ...inherited } = process.env;
  const environment = {
    ...inherited,
    BANDENG_DATA: join(path, 'data'),
    BANDENG_RUN: join(path, 'run'),
    BANDENG_LOG: join(path, 'log'),
    BANDENG_PORT: String(await freePort()),
  };
  const launcher = join(root, 'bandeng');
  let calling: ChildProcess | undefined;
  const bandeng = (...args: string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(launcher, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
      calling = child;
      for (const output of [child.stdout, child.stderr]) output.on('data', (bytes) => appendFileSync(log, bytes));
      child.once('error', reject);
      child.once('exit', (code) => {
        if (code === 0) resolve();
        else
          reject(
            new Error(`bandeng ${args.join(' ')} ended with ${code}:\n${readFileSync(log, 'utf8').slice(-2_000)}`),
          );
      });
    });
  // When a signal ends this process: what was started runs on its own and would stay. Before the directory is removed.
  const abandon = (): void => {
    calling?.kill();
    spawnSync(launcher, ['down'], { env: environment, timeout: 60_000 });
  };
  process.prependOnceListener('exit', abandon);
  try {
    return await work({ run: join(path, 'run'), bandeng });
  } finally {
    await bandeng('down').catch((fault: unknown) => tell(String(fault)));
    process.off('exit', abandon);
    remove();
  }
}

export function start(): Promise<Result> {
  return onInstallation(async ({ bandeng }) => {
    const first = performance.now();
    await bandeng('up');
    tell(`start: ${((performance.now() - first) / 1_000).toFixed(1)} s the first time, with the demo city`);
    await bandeng('down');
    const seconds: number[] = [];
    for (let number = 0; number < times; number++) {
      const started = performance.now();
      await bandeng('up');
      seconds.push((performance.now() - started) / 1_000);
      await bandeng('down');
    }
    return figureLine('start', seconds, { must: 8, aim: 4, unit: 's', digits: 1 });
  });
}
