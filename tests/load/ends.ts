/** Ends of a wire in processes of their own: `ours` is traced as a service is, the bare one has nothing of ours loaded. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A process that is asked by a number and answers with one. */
export interface End {
  readonly pid: number;
  /** What it said when it was ready: its port, or 0. */
  readonly ready: number;
  ask(number: number): Promise<number>;
  end(): Promise<void>;
}

/** Starts `tests/load/<file> <half> …`, as production runs it, and waits until it is ready. */
export async function startEnd(file: string, half: 'ours' | 'bare', ...rest: readonly string[]): Promise<End> {
  const profile = process.env.BANDENG_BENCH_PROFILE;
  const child = fork(join(import.meta.dirname, file), [half, ...rest], {
    cwd: root,
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      ...(half === 'ours' ? ['--import', join(root, 'libs/telemetry/src/register.ts')] : []),
      ...(profile === undefined || half === 'bare' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]),
    ],
    env: { PATH: process.env.PATH, NODE_ENV: 'production' },
    // What they log is written, as it is in production, and read by nobody.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} could not be started`);
  return {
    pid,
    ready: await nextAnswer(child),
    ask(number) {
      const answer = nextAnswer(child);
      child.send(number);
      return answer;
    },
    async end() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await gone;
    },
  };
}

function nextAnswer(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const exited = (code: number | null): void => reject(new Error(`a process of the bench ended with ${code}`));
    child.once('exit', exited);
    child.once('message', (answer) => {
      child.off('exit', exited);
      if (typeof answer === 'number') resolve(answer);
      else reject(new Error(`a process of the bench said ${JSON.stringify(answer)}`));
    });
  });
}

/** The other side of `startEnd`: says that it is ready, answers what is asked, and ends with the one who started it. */
export function beEnd(ready: number, answer: (asked: number) => Promise<number>): void {
  process.on('message', async (asked) => process.send?.(await answer(Number(asked))));
  process.once('disconnect', () => process.exit(0));
  process.send?.(ready);
}
