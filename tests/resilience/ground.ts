import { join } from 'node:path';
import type { CityPlan } from '@bandeng/city';
import { cacheDirectory } from '@bandeng/deploy';
import { seedCity } from '@bandeng/deploy/seeding';
import { type Parts, settled } from '@bandeng/testing';
import { type Judgement, judge } from './judgement.ts';
import { type Ledger, openLedger } from './ledger.ts';

export const root = join(import.meta.dirname, '../..');

/** What every city of these runs stands on: its servers, its plan, and the ledger. */
export interface Ground<P extends Parts> {
  readonly parts: P;
  readonly plan: CityPlan;
  readonly ledger: Ledger;
  /** What every process of the city is told. */
  readonly environment: Readonly<Record<string, string>>;
  /** Waits until nothing is left to publish or to react to. */
  drained(): Promise<void>;
  judge(): Promise<Judgement>;
}

/** Makes a small city on these servers; nothing runs yet. */
export async function breakGround<P extends Parts>(parts: P): Promise<Ground<P>> {
  const environment: Record<string, string> = {
    ...parts.environment,
    // One address asks more here than any address may, and is answered as long as it is answered at all.
    BANDENG_RATE_LIMIT: 'off',
    BANDENG_MOST_DELAY_MS: '0',
    // As the supervisor has it: processes are started often here.
    NODE_COMPILE_CACHE: join(cacheDirectory(), 'compiled'),
  };
  const plan = await seedCity(environment, { scale: 0.02, now: new Date() });
  if (plan === undefined) throw new Error('the demo city was not made');
  const ledger = openLedger(join(parts.directory, 'ledger.jsonl'));
  return {
    parts,
    plan,
    ledger,
    environment,
    drained: async () => void (await settled(parts, { within: 120_000 })),
    judge: () => judge(ledger, parts),
  };
}
