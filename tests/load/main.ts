/** Runs one bench: `node tests/load/main.ts NAME`. Prints its line; ends with 1 when it failed, or when its figure is not what it must be. */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { Mendable } from '@bandeng/deploy';
import { tell, tellLoad } from './detail.ts';
import type { Result } from './pairs.ts';

type Bench = () => Promise<Result>;

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  create: async () => (await import('./create.ts')).create,
  transition: async () => (await import('./transition.ts')).transition,
  queue: async () => (await import('./queue.ts')).queue,
  gateway: async () => (await import('./gateway.ts')).gateway,
  rpc: async () => (await import('./rpc.ts')).rpc,
  relay: async () => (await import('./relay.ts')).relay,
  reaction: async () => (await import('./reaction.ts')).reaction,
  telemetry: async () => (await import('./telemetry.ts')).telemetry,
  lag: async () => (await import('./lag.ts')).lag,
  access: async () => (await import('./access.ts')).access,
  curves: async () => (await import('./curves.ts')).curves,
  start: async () => (await import('./start.ts')).start,
  memory: async () => (await import('./memory.ts')).memory,
};

/** Both halves, the servers and the load share two cores: figures of machines with more would not compare. */
function stayOnTwoCores(): void {
  if (process.platform !== 'linux' || cpus().length <= 2) return;
  try {
    execFileSync('taskset', ['-acp', '0,1', String(process.pid)], { stdio: 'ignore' });
  } catch {
    tell('taskset is not here: this runs on more than two cores');
  }
}

const [name = ''] = process.argv.slice(2);
const load = benches[name];
// `exit` ends the servers and removes the directory; a signal alone would not come by there.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
if (load === undefined) {
  tell(`there is no bench '${name}': ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
try {
  stayOnTwoCores();
  tellLoad();
  const bench = await load();
  const { line, missed } = await bench();
  process.stdout.write(`${line}\n`);
  if (missed) tell(`${name}: this is not what it must be`);
  process.exit(missed ? 1 : 0);
} catch (fault) {
  tell(fault instanceof Mendable ? fault.message : String(fault instanceof Error ? fault.stack : fault));
  process.exit(1);
}
