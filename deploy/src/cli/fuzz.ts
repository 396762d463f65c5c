import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { root } from '../layout.ts';
import { type Command, readArguments, WrongUse } from './command.ts';

const flags = { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } as const;

/** Asks anything of a town that is started for it; what runs here is left alone. */
export const command: Command = {
  usage: 'fuzz [--minutes N] [--seed N]',
  async run(args) {
    const { values } = readArguments(args, flags);
    const minutes = Number(values.minutes);
    if (!(minutes > 0 && minutes <= 1440)) throw new WrongUse('--minutes is a number from 0 to 1440');
    const seed = values.seed === undefined ? randomInt(1_000_000_000) : Number(values.seed);
    if (!Number.isInteger(seed) || seed < 0 || seed > 2 ** 31)
      throw new WrongUse('--seed is a whole number below 2^31');
    // A process of its own: it starts with nothing loaded that the command line has loaded for itself.
    const program = ['--disable-warning=ExperimentalWarning', join('tests', 'fuzz', 'main.ts')];
    const child = spawn(process.execPath, [...program, `${minutes}`, `${seed}`], { cwd: root, stdio: 'inherit' });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
  },
};
