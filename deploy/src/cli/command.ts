import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { messageOf } from '../embedded/fault.ts';

/** One command of `./bandeng`. */
export interface Command {
  /** How it is called, for the message after a wrong call. */
  readonly usage: string;
  /** Answers the exit code. */
  run(args: readonly string[]): Promise<number>;
}

/** A call that the command does not understand. */
export class WrongUse extends Error {
  override readonly name = 'WrongUse';
}

/** Reads options and words as `node:util` does; throws `WrongUse`. `words` is how many may stand there. */
export function readArguments<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
  words: { least: number; most: number } = { least: 0, most: 0 },
) {
  const read = (() => {
    try {
      return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    } catch (thrown) {
      throw new WrongUse(messageOf(thrown).split('. ')[0] ?? '');
    }
  })();
  const extra = read.positionals[words.most];
  if (extra !== undefined) throw new WrongUse(`'${extra}' is not understood here`);
  if (read.positionals.length < words.least) throw new WrongUse('something is missing');
  return read;
}
