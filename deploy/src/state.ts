import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DemoLogin } from '@bandeng/city';
import { endProcess, isAlive, type ProcessMark } from './processes.ts';

/** What the supervisor tells about itself, in a file of the run directory. */
export interface SupervisorState {
  readonly supervisor: ProcessMark;
  readonly phase: 'starting' | 'ready' | 'stopping' | 'failed';
  /** What it is doing while it starts, or why it failed. */
  readonly message: string;
  /** The gateway's address. */
  readonly address: string;
  readonly processes: Readonly<Record<string, ProcessMark>>;
  readonly mongodbUri: string;
  readonly natsUrl: string;
  /** Logins of the demo city, when there is one. */
  readonly logins: readonly DemoLogin[];
}

const file = (run: string): string => join(run, 'supervisor.json');

/** The last state that was told; the processes it names may be gone. */
export async function readState(run: string): Promise<SupervisorState | undefined> {
  const text = await readFile(file(run), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

/** The state, if the supervisor that told it is there. */
export async function livingState(run: string): Promise<SupervisorState | undefined> {
  const state = await readState(run);
  return state && (await isAlive(state.supervisor)) ? state : undefined;
}

/** Replaces the state and the files `<process>.pid`, which hold the process id alone. */
export async function writeState(run: string, state: SupervisorState): Promise<void> {
  await mkdir(run, { recursive: true });
  const fresh = `${file(run)}.${process.pid}`;
  await writeFile(fresh, `${JSON.stringify(state, null, 2)}\n`);
  await rename(fresh, file(run));
  const all = { supervisor: state.supervisor, ...state.processes };
  await Promise.all(Object.entries(all).map(([name, { pid }]) => writeFile(join(run, `${name}.pid`), String(pid))));
}

/** Removes the state and what else means nothing without a supervisor. */
export async function removeState(run: string): Promise<void> {
  const names = await readdir(run).catch(() => []);
  const stale = names.filter((name) => /\.(pid|sock)$/.test(name));
  await Promise.all(stale.map((name) => rm(join(run, name), { force: true })));
  await rm(file(run), { force: true });
}

/** Ends what a supervisor that was killed left running. Answers the names of what still ran. */
export async function endOrphans(run: string): Promise<string[]> {
  const state = await readState(run);
  if (!state) return [];
  const ended = await Promise.all(
    Object.entries(state.processes).map(async ([name, mark]) => ((await endProcess(mark, 20_000)) ? [name] : [])),
  );
  return ended.flat();
}
