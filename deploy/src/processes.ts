import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { codeOf } from './embedded/fault.ts';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessMark {
  readonly pid: number;
  /** When it started, in the kernel's words. */
  readonly started: string;
}

/** Marks a running process; undefined when there is none with this number. */
export async function markOf(pid: number): Promise<ProcessMark | undefined> {
  const started = await startOf(pid);
  return started === undefined ? undefined : { pid, started };
}

export async function isAlive(mark: ProcessMark): Promise<boolean> {
  return (await startOf(mark.pid)) === mark.started;
}

/** Ends a process that may be another's child: SIGTERM, then SIGKILL after the patience. Answers whether it ran. */
export async function endProcess(mark: ProcessMark, patienceMs: number): Promise<boolean> {
  if (!(await isAlive(mark))) return false;
  send(mark.pid, 'SIGTERM');
  const killAt = performance.now() + patienceMs;
  while (await isAlive(mark)) {
    if (performance.now() > killAt) send(mark.pid, 'SIGKILL');
    await pause(50);
  }
  return true;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (thrown) {
    if (codeOf(thrown) !== 'ESRCH') throw thrown;
  }
}

async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined) return undefined;
    // The name in parentheses may hold anything; state is the first field after it, the start time the 20th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  }
  const answer = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => undefined);
  return answer?.stdout.trim() || undefined;
}
