import { killedRuns } from './killed.ts';
import { messageRuns } from './messages.ts';
import { raceRuns } from './races.ts';
import { replicatedRuns } from './replicated.ts';
import type { Run } from './run.ts';
import { serverRuns } from './servers.ts';

/** Every run, in the order of the table. */
export const catalogue: readonly Run[] = [...killedRuns, ...replicatedRuns, ...serverRuns, ...messageRuns, ...raceRuns];
