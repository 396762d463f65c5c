import { layoutOf } from '../layout.ts';
import { endProcess } from '../processes.ts';
import { endOrphans, livingState, removeState } from '../state.ts';
import { type Command, readArguments } from './command.ts';

const PATIENCE_MS = 45_000; // services take 20 s at most, the servers after them as long

export const command: Command = {
  usage: 'down',
  async run(args) {
    readArguments(args, {});
    console.log((await stopAll()) ? 'stopped' : 'nothing was running');
    return 0;
  },
};

/** Stops the supervisor and what it keeps. Answers whether anything ran. */
export async function stopAll(): Promise<boolean> {
  const { run } = layoutOf(process.env);
  const state = await livingState(run);
  const stopped = state ? await endProcess(state.supervisor, PATIENCE_MS) : false;
  const orphans = await endOrphans(run);
  await removeState(run);
  return stopped || orphans.length > 0;
}
