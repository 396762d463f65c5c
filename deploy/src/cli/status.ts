import { layoutOf } from '../layout.ts';
import { isAlive } from '../processes.ts';
import { readState } from '../state.ts';
import { type Command, readArguments } from './command.ts';
import { table } from './table.ts';

/** Exit codes: 0 ready, 1 running but not ready, 3 not running. */
export const command: Command = {
  usage: 'status',
  async run(args) {
    readArguments(args, {});
    const { run, gateway } = layoutOf(process.env);
    const state = await readState(run);
    if (!state || !(await isAlive(state.supervisor))) {
      console.log("not running; start it with './bandeng up'");
      return 3;
    }
    const marks = Object.entries({ supervisor: state.supervisor, ...state.processes });
    const rows = await Promise.all(
      marks.map(async ([name, mark]) => [name, String(mark.pid), (await isAlive(mark)) ? 'runs' : 'is started again']),
    );
    console.log(table([['PROCESS', 'PID', ''], ...rows]));
    const answer = await fetch(`${gateway}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    const said = answer ? await answer.text() : 'the gateway does not answer';
    const ready = answer?.ok === true && state.phase === 'ready';
    console.log(
      `\n${state.address}: ${ready ? 'ready' : `${state.phase === 'ready' ? 'not ready' : state.message}`}\n${said}`,
    );
    return ready ? 0 : 1;
  },
};
