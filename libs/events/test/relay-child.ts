import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Parts } from '@bandeng/testing';
import type { FailPoint } from '../src/failpoint.ts';

/** Relays in a process of its own until that kills itself at a fail point; answers by which signal it ended. It goes with its test. */
export async function relayUntil(
  point: FailPoint | `${FailPoint}:${number}`,
  { environment }: Parts,
  test: AbortSignal,
): Promise<unknown> {
  const child = spawn(process.execPath, [new URL('relay-process.ts', import.meta.url).pathname], {
    env: { ...environment, BANDENG_FAIL_POINT: point },
    stdio: 'inherit',
    signal: test,
    killSignal: 'SIGKILL',
  });
  const [, signal] = await once(child, 'exit');
  return signal;
}
