import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { root } from '../layout.ts';
import { type Command, readArguments, WrongUse } from './command.ts';

const flags = { seed: { type: 'string' }, minutes: { type: 'string', default: '0' } } as const;

/** Takes away one thing after the other from cities that are started for it; what runs here is left alone. */
export const command: Command = {
  usage: 'soak [NAME ...] [--seed N] [--minutes N]',
  async run(args) {
    const { values, positionals: names } = readArguments(args, flags, { least: 0, most: Number.POSITIVE_INFINITY });
    const minutes = Number(values.minutes);
    if (!(minutes >= 0 && minutes <= 10_080)) throw new WrongUse('--minutes is a number from 0 to 10080');
    const seed = values.seed === undefined ? randomInt(1_000_000) : Number(values.seed);
    if (!Number.isInteger(seed) || seed < 0 || seed > 2 ** 31)
      throw new WrongUse('--seed is a whole number below 2^31');
    // A process of its own: it starts with nothing loaded that the command line has loaded for itself.
    const wishes = JSON.stringify({ names, seed, minutes });
    const program = ['--disable-warning=ExperimentalWarning', join('tests', 'resilience', 'main.ts'), wishes];
    const child = spawn(process.execPath, program, { cwd: root, stdio: 'inherit' });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  },
};
