import { stripVTControlCharacters } from 'node:util';

/** Shows what is going on while somebody waits. */
export interface Progress {
  say(line: string): void;
  /** Leaves a clean line behind. */
  end(): void;
}

/** As much of an output stream as is needed here. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const EVERY_MS = 5_000;

/**
 * On a terminal one line that changes; else plain lines: a new one when the words change, and every five seconds when
 * only the numbers do.
 */
export function openProgress(stream: Screen = process.stderr, now: () => number = Date.now): Progress {
  let last = '';
  let lastAt = 0;
  if (stream.isTTY) {
    return {
      say(line) {
        if (line === last) return;
        last = line;
        stream.write(`\r\x1b[2K${stripVTControlCharacters(line).slice(0, (stream.columns ?? 80) - 1)}`);
      },
      end() {
        if (last !== '') stream.write('\r\x1b[2K');
        last = '';
      },
    };
  }
  const words = (line: string): string => line.replace(/\d+/g, '0').replace(/[#.\s]+/g, ' ');
  return {
    say(line) {
      if (line === last || (words(line) === words(last) && now() - lastAt < EVERY_MS)) return;
      last = line;
      lastAt = now();
      stream.write(`${line}\n`);
    },
    end() {},
  };
}

/** A bar of 30 characters with the numbers after it. */
export function bar(done: number, all: number): string {
  const filled = all === 0 ? 30 : Math.floor((30 * done) / all);
  return `[${'#'.repeat(filled)}${'.'.repeat(30 - filled)}] ${done} of ${all}`;
}
