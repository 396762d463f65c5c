import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, openSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { exitOfWrongSetting } from '@bandeng/service/environment';
import { Mendable } from './fault.ts';

/** A server process of ours. */
export interface Child {
  readonly pid: number;
  /** Resolves when the process is gone, however it went. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  alive(): boolean;
  /** SIGTERM, then SIGKILL after the given patience; resolves when the process is gone. */
  stop(patienceMs?: number): Promise<void>;
  /** SIGKILL, now. */
  kill(): void;
}

export interface ChildOptions {
  command: string;
  arguments: readonly string[];
  /** File that gets standard output and error, appended. */
  log: string;
  environment?: Record<string, string | undefined>;
  workingDirectory?: string;
  /** The signal that the kernel sends when our own process dies without a word; SIGKILL by default. */
  whenOrphaned?: 'SIGTERM' | 'SIGKILL';
}

const living = new Set<ChildProcess>();
// Ends what is left when this process exits in the ordinary way; setpriv covers the other ways on Linux.
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((file) => {
  try {
    accessSync(file, constants.X_OK);
    return process.platform === 'linux';
  } catch {
    return false;
  }
});

/** Starts a process that does not outlive this one. */
export function startChild(options: ChildOptions): Child {
  const log = openSync(options.log, 'a');
  // setpriv sets the parent-death signal and then becomes the command: the pid stays the same.
  const wrapper = setpriv ? [setpriv, '--pdeathsig', options.whenOrphaned ?? 'SIGKILL', '--'] : [];
  const [command = options.command, ...rest] = [...wrapper, options.command, ...options.arguments];
  const child = spawn(command, rest, {
    stdio: ['ignore', log, log],
    detached: true, // a Ctrl-C in the terminal is for the supervisor, which then stops its children in order
    ...(options.environment ? { env: options.environment } : {}),
    ...(options.workingDirectory ? { cwd: options.workingDirectory } : {}),
  });
  living.add(child);
  let gone = false;
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      gone = true;
      living.delete(child);
      resolve({ code, signal });
    };
    child.once('exit', end);
    child.once('error', () => end(null, null));
  });
  const pid = child.pid;
  if (pid === undefined) throw new Mendable(`${options.command} could not be started`);
  return {
    pid,
    ended,
    alive: () => !gone,
    kill: () => void child.kill('SIGKILL'),
    async stop(patienceMs = 20_000) {
      if (gone) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Waits until `ready` says true; throws `Mendable` with the end of the log when the process dies or time is up. */
export async function untilReady(
  name: string,
  child: Child,
  log: string,
  ready: () => Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await ready().catch(() => false))) {
    if (!child.alive()) throw new Mendable(`${name} ended while starting:\n${await endOf(log)}`);
    if (performance.now() > giveUpAt) {
      child.kill();
      throw new Mendable(`${name} was not ready within ${withinMs / 1000} s:\n${await endOf(log)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Why a process of ours ended while starting: what is set wrong, else the end of its log. */
export async function whyEnded(what: string, code: number | null, log: string): Promise<string> {
  const end = await endOf(log).catch(() => '');
  if (code === exitOfWrongSetting) return end.slice(end.lastIndexOf('\n') + 1);
  return `${what}; its log ${log} ends:\n${end}`;
}

/** The last lines of a log file, at most 4 kB. */
export async function endOf(log: string): Promise<string> {
  const length = 4096;
  const file = await open(log, 'r');
  try {
    const { size } = await stat(log);
    const start = Math.max(0, size - length);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
    return buffer.subarray(0, bytesRead).toString('utf8').split('\n').slice(-12).join('\n').trim();
  } finally {
    await file.close();
  }
}
