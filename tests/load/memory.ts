/** What the process of all services keeps in memory, idle, after the demo city was made. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { readState } from '../../deploy/src/state.ts';
import { figureLine, type Result } from './pairs.ts';
import { onInstallation } from './start.ts';

const looks = 5;

export function memory(): Promise<Result> {
  return onInstallation(async ({ run, bandeng }) => {
    await bandeng('up');
    const pid = (await readState(run))?.processes.bandeng?.pid;
    if (pid === undefined) throw new Error('the process of the services is not named in the state');
    const megabytes: number[] = [];
    for (let look = 0; look < looks; look++) {
      await pause(2_000);
      const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      megabytes.push(Number(kilobytes) / 1_024);
    }
    return figureLine('memory', megabytes, { must: 450, aim: 300, unit: 'MB', digits: 0 });
  });
}
