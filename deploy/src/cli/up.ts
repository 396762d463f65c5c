import { spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { endOf } from '../embedded/child.ts';
import { Mendable } from '../embedded/fault.ts';
import { locate } from '../embedded/parts.ts';
import { portIsFree } from '../embedded/ports.ts';
import { type Layout, layoutOf } from '../layout.ts';
import { holderOf } from '../port-holder.ts';
import { isAlive } from '../processes.ts';
import { endOrphans, livingState, readState, removeState, type SupervisorState } from '../state.ts';
import type { SupervisorOptions } from '../supervisor.ts';
import { type Command, readArguments, WrongUse } from './command.ts';
import { openProgress, type Progress } from './progress.ts';
import { table } from './table.ts';

const flags = {
  processes: { type: 'boolean', default: false },
  foreground: { type: 'boolean', default: false },
  full: { type: 'boolean', default: false },
  'no-demo': { type: 'boolean', default: false },
} as const;

export const command: Command = {
  usage: 'up [--processes] [--foreground] [--full | --no-demo]',
  async run(args) {
    const { values } = readArguments(args, flags);
    if (values.full && values['no-demo']) throw new WrongUse('--full and --no-demo exclude each other');
    const demo = values.full ? 'full' : values['no-demo'] ? 'none' : 'tenth';
    const layout = layoutOf(process.env);
    const progress = openProgress();
    const running = await livingState(layout.run);
    if (running?.phase === 'ready') {
      console.log(`Bandeng is running already.\n\n${welcome(running)}`);
      return 0;
    }
    if (!running) await prepare(layout, progress);
    const since = performance.now();
    const supervisor = running
      ? { pid: running.supervisor.pid, gone: async () => !(await isAlive(running.supervisor)) }
      : start(layout, { processes: values.processes, demo }, values.foreground);
    const state = await untilReady(layout, supervisor, progress);
    progress.end();
    console.log(`ready after ${((performance.now() - since) / 1000).toFixed(1)} s\n\n${welcome(state)}`);
    while (values.foreground && !(await supervisor.gone())) await pause(100);
    return 0;
  },
};

/** What can be told or mended before anything is started. */
async function prepare(layout: Layout, progress: Progress): Promise<void> {
  for (const name of await endOrphans(layout.run)) progress.say(`ended ${name}, left by a supervisor that was killed`);
  await removeState(layout.run);
  if (!process.env.MONGODB_URI) await locate('mongod', { say: progress.say });
  if (!process.env.NATS_URL) await locate('nats-server', { say: progress.say });
  progress.end();
  const { port } = layout;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Mendable(`BANDENG_PORT is '${process.env.BANDENG_PORT}': a whole number from 1 to 65535 is needed`);
  }
  if (await portIsFree(port, process.env.BANDENG_HOST || '127.0.0.1')) return;
  const holder = await holderOf(port);
  const who = holder ? `process ${holder.pid} (${holder.command})` : 'a process of another user';
  throw new Mendable(`port ${port} is taken by ${who}: stop it, or choose another with BANDENG_PORT`);
}

interface Started {
  readonly pid: number;
  gone(): Promise<boolean>;
}

/** Starts the supervisor, which outlives this process unless it is to stay in the foreground. */
function start(layout: Layout, options: SupervisorOptions, foreground: boolean): Started {
  mkdirSync(layout.log, { recursive: true });
  const log = openSync(supervisorLog(layout), 'a');
  const node = ['--disable-warning=ExperimentalWarning', join(layout.root, 'deploy/src/supervisor.ts')];
  const child = spawn(process.execPath, [...node, JSON.stringify(options)], {
    cwd: layout.root,
    detached: true, // Ctrl-C goes to this process, which passes it on once
    stdio: ['ignore', log, log],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the supervisor could not be started');
  if (foreground) for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill('SIGTERM'));
  else child.unref();
  return { pid, gone: async () => child.exitCode !== null || child.signalCode !== null };
}

/** Shows the supervisor's steps until it is ready; throws what it says when it fails. */
async function untilReady(layout: Layout, supervisor: Started, progress: Progress): Promise<SupervisorState> {
  for (;;) {
    const gone = await supervisor.gone();
    const state = await readState(layout.run);
    if (state?.supervisor.pid === supervisor.pid) {
      if (state.phase === 'ready') return state;
      progress.say(state.message);
    }
    if (gone) {
      progress.end();
      throw new Mendable(`it could not be started: ${await lastWords(layout)}`);
    }
    await pause(30);
  }
}

/** What the supervisor's log says last, from the start of its last line with a date. */
async function lastWords(layout: Layout): Promise<string> {
  const lines = (await endOf(supervisorLog(layout))).split('\n');
  const from = lines.findLastIndex((line) => /^\d{4}-\d\d-\d\dT\S+Z /.test(line));
  return lines
    .slice(Math.max(0, from))
    .join('\n')
    .replace(/^\S+Z /, '');
}

const supervisorLog = (layout: Layout): string => join(layout.log, 'supervisor.log');

function welcome({ address, logins }: SupervisorState): string {
  const lines = [`gateway     ${address}`, `API viewer  ${address}/docs`];
  const stop = "stop with './bandeng down'";
  const first = "the first administrator, where there is none: './bandeng administrator LOGIN --name NAME'";
  if (logins.length === 0) return [...lines, '', first, stop].join('\n');
  const rows = logins.map(({ role, login, password, name, place }) => [role, login, password, name, place]);
  const token = `a token for curl: './bandeng token ${logins[0]?.role ?? 'ROLE'}'`;
  return [...lines, '', table([['ROLE', 'LOGIN', 'PASSWORD', 'NAME', 'PLACE'], ...rows]), '', token, stop].join('\n');
}
