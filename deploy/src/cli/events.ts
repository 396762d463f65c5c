import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceName } from '@bandeng/contracts';
import { type Edge, type Operation, type Operations, openOperations, streamOf, type Task } from '@bandeng/events';
import { Mendable } from '../embedded/fault.ts';
import { installationOf, isKeeper, keepers, openDatabases, publishers } from '../installation.ts';
import { type Command, readArguments, WrongUse } from './command.ts';
import { confirmed } from './confirm.ts';
import { openProgress } from './progress.ts';
import { plain } from './table.ts';

const flags = {
  yes: { type: 'boolean', default: false },
  of: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  reaction: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** So long it waits for the process that holds the lease, which looks every second. */
const BEGUN_WITHIN_MS = 30_000;

/** Exit codes: 0 done, 1 failed, taken back, or done with something left out. */
export const command: Command = {
  usage:
    'events rebuild SERVICE [--yes] | events replay SERVICE --of SOURCE --from SEQUENCE|TIME [--to SEQUENCE|TIME] [--reaction NAME]   (each with --json)',
  async run(args) {
    const { values, positionals } = readArguments(args, flags, { least: 2, most: 2 });
    const [what, name = ''] = positionals;
    const service = what === 'rebuild' ? publisher(name) : keeper(name);
    const task = what === 'rebuild' ? rebuildOf(values) : what === 'replay' ? replayOf(values) : undefined;
    if (task === undefined) throw new WrongUse(`'${what}' is not understood here`);
    await using databases = openDatabases(await installationOf(process.env));
    if (task.kind === 'rebuild' && !values.yes && !(await confirmed(rebuildMeans(service)))) {
      console.log('nothing was done');
      return 1;
    }
    const ended = await watch(openOperations(await databases.of(service)), service, task);
    console.log(values.json ? JSON.stringify(ended, null, 2) : summary(service, ended));
    return ended.status === 'done' ? 0 : 1;
  },
};

function keeper(name: string): ServiceName {
  if (!isKeeper(name)) throw new WrongUse(`there is no service '${name}'; there are: ${keepers.join(', ')}`);
  return name;
}

function publisher(name: string): ServiceName {
  const service = keeper(name);
  if (publishers.includes(service)) return service;
  throw new WrongUse(`${service} publishes nothing and has no stream; these have one: ${publishers.join(', ')}`);
}

type Values = {
  readonly yes: boolean;
  readonly of?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly reaction?: string | undefined;
};

function rebuildOf({ of, from, to, reaction }: Values): Task {
  if (of ?? from ?? to ?? reaction)
    throw new WrongUse('a stream is rebuilt as a whole: no --of, --from, --to, --reaction');
  return { kind: 'rebuild' };
}

function rebuildMeans(service: ServiceName): string {
  return (
    `deletes the stream ${streamOf(service)} and makes it anew from the histories of ${service}. ` +
    'Every position in it is gone: other systems are answered 410 and begin again, durables of partners have to be made ' +
    'anew, and all reactions get all events once more, which has no second effect'
  );
}

function replayOf({ yes, of, from, to, reaction }: Values): Task {
  if (yes) throw new WrongUse('a replay needs no --yes: what has happened does not happen again');
  if (of === undefined) throw new WrongUse('--of is missing: the service whose events are to be handled again');
  if (from === undefined) throw new WrongUse('--from is missing: a sequence of the stream, or an instant');
  return {
    kind: 'replay',
    source: publisher(of),
    from: edgeOf('--from', from),
    ...(to === undefined ? {} : { to: edgeOf('--to', to) }),
    ...(reaction === undefined ? {} : { reaction }),
  };
}

/** `12`, `2026-03-01T08:00:00+08:00`, or the start of a day in China: `2026-03-01`. */
function edgeOf(flag: string, text: string): Edge {
  if (/^\d{1,15}$/.test(text) && Number(text) > 0) return { sequence: Number(text) };
  const instant = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00+08:00` : text;
  const isOne = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(instant);
  const at = isOne ? Date.parse(instant) : Number.NaN;
  if (Number.isNaN(at))
    throw new WrongUse(`${flag} '${text}' is no sequence and no instant such as 2026-03-01T08:00:00+08:00`);
  return { time: new Date(at).toISOString() };
}

/** Asks for it and shows how far it is. */
async function watch(operations: Operations, service: ServiceName, task: Task): Promise<Operation> {
  const id = await operations.ask(task);
  const progress = openProgress();
  const since = performance.now();
  const counted = task.kind === 'rebuild' ? 'messages published' : 'events handled';
  try {
    for (; ; await pause(200)) {
      const now = await operations.show(id);
      if (now === undefined) throw new Mendable('it was taken back by somebody else');
      if (now.endedAt !== undefined) return now;
      const trouble = now.problem === undefined ? '' : `; it is tried again: ${plain(now.problem)}`;
      const waits = `waiting for the process that holds the lease of ${service}`;
      progress.say(now.status === 'asked' ? waits : `${now.done} ${counted}${trouble}`);
      const late = now.status === 'asked' && performance.now() - since > BEGUN_WITHIN_MS;
      if (late && (await operations.withdraw(id))) {
        throw new Mendable(`nobody has begun, so it was taken back: does ${service} run, and does NATS answer?`);
      }
    }
  } finally {
    progress.end();
  }
}

function summary(service: ServiceName, { task, status, done, effects = 0, dead = 0, problem }: Operation): string {
  const failed = problem === undefined ? '' : `: ${plain(problem)}`;
  if (task.kind === 'rebuild') {
    return `${streamOf(service)} is made anew, ${done} messages${status === 'done' ? '' : failed}`;
  }
  if (status === 'failed') return `not replayed${failed}`;
  const letters = dead === 0 ? '' : `; ${dead} dead letters: ./bandeng dead-letters list --service ${service}`;
  return `${done} events handled again, ${effects} commands had not happened before${letters}`;
}
