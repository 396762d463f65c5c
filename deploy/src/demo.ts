import { fork } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DemoLogin } from '@bandeng/city';
import type { Telling } from './demo-city.ts';
import { whyEnded } from './embedded/child.ts';
import { Mendable } from './embedded/fault.ts';
import type { Layout } from './layout.ts';

const file = (layout: Layout): string => join(layout.data, 'demo.json');

/**
 * The logins of the demo city, which is made first when the installation is empty and a demo is wanted. That it was made
 * is noted beside the data of the embedded mongod, so that the next start need not look.
 */
export async function demoLogins(
  layout: Layout,
  demo: 'tenth' | 'full' | 'none',
  environment: Readonly<Record<string, string | undefined>>,
  servers: Promise<void>,
  tell: (progress: string) => void,
  signal: AbortSignal,
): Promise<readonly DemoLogin[]> {
  const noted = layout.environment.MONGODB_URI
    ? undefined
    : await readFile(file(layout), 'utf8').catch(() => undefined);
  if (noted !== undefined) return JSON.parse(noted);
  if (demo === 'none') return [];
  await servers;
  tell('the demo city: looking');
  const logins = await makeCity(layout, demo, environment, tell, signal);
  await writeFile(file(layout), `${JSON.stringify(logins, null, 2)}\n`);
  return logins;
}

// In a process of its own: it needs the code of all services once, and its memory is given back.
function makeCity(
  layout: Layout,
  demo: 'tenth' | 'full',
  environment: Readonly<Record<string, string | undefined>>,
  tell: (progress: string) => void,
  signal: AbortSignal,
): Promise<readonly DemoLogin[]> {
  const log = join(layout.log, 'demo-city.log');
  const output = openSync(log, 'a');
  const child = fork('deploy/src/demo-city.ts', demo === 'full' ? ['--full'] : [], {
    cwd: layout.root,
    env: { ...environment },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', output, output, 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.on('message', (message: Telling) => {
      if ('logins' in message) resolve(message.logins);
      else tell(message.progress);
    });
    child.once('error', reject);
    child.once('exit', async (code) => {
      reject(new Mendable(await whyEnded('the demo city could not be made', code, log)));
    });
    signal.addEventListener('abort', () => child.kill());
  });
}
