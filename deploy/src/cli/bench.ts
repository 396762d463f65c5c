import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../layout.ts';
import { type Command, readArguments, WrongUse } from './command.ts';

const names = [
  'create',
  'transition',
  'queue',
  'gateway',
  'rpc',
  'relay',
  'reaction',
  'telemetry',
  'lag',
  'access',
  'curves',
  'start',
  'memory',
];
/** Measured in the process of the bench itself, which is then traced as a service is. */
const traced = new Set(['relay', 'reaction']);

export const command: Command = {
  usage: `bench ${names.join('|')}`,
  async run(args) {
    const { positionals } = readArguments(args, {}, { least: 1, most: 1 });
    const [name = ''] = positionals;
    if (!names.includes(name)) throw new WrongUse(`there is no bench '${name}'`);
    return measure(name);
  },
};

// A process of its own: it starts with nothing loaded that the command line has loaded for itself.
function measure(name: string): Promise<number> {
  const tracing = traced.has(name) ? ['--import', './libs/telemetry/src/register.ts'] : [];
  const arguments_ = ['--disable-warning=ExperimentalWarning', ...tracing, join('tests', 'load', 'main.ts'), name];
  const child = spawn(process.execPath, arguments_, { cwd: root, stdio: 'inherit' });
  // Ctrl-C reaches both; a signal to this process alone is passed on.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
