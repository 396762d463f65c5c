import { expect, test } from 'vitest';
import { allWell } from './judgement.ts';
import type { Run } from './run.ts';

/** As in every test run, unless another is given. */
const seed = Number(process.env.BANDENG_RESILIENCE_SEED || 1);

/** The short form of runs as tests. What they tell is shown when one fails. */
export function testShort(runs: readonly Run[]): void {
  for (const run of runs) {
    test(`${run.fault('short')}: nothing is lost, doubled, out of order or stranded`, () => perform(run), 180_000);
  }
}

async function perform(run: Run): Promise<void> {
  const told: string[] = [`seed ${seed}`];
  const since = performance.now();
  const tell = (line: string): void => {
    told.push(`${((performance.now() - since) / 1_000).toFixed(1)} s: ${line}`);
  };
  try {
    const { judgement, failed } = await run.perform('short', { seed, tell });
    expect({ ...judgement, failed }).toEqual({ ...allWell, failed: 0 });
  } catch (fault) {
    process.stderr.write(`${told.join('\n')}\n`);
    throw fault;
  }
}
