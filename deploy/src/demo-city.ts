import type { DemoLogin } from '@bandeng/city';
import { exitsWhenWrong } from '@bandeng/service';
import { seedCity } from './seeding.ts';

/** What this process tells its parent, a message each. */
export type Telling = { readonly progress: string } | { readonly logins: readonly DemoLogin[] };

/** A tenth of a prefecture city, or the whole. */
const scales = { demo: 0.1, full: 1 };

if (import.meta.main) {
  process.once('disconnect', () => process.exit(1)); // whoever wanted the city is gone
  const tell = (telling: Telling, told?: () => void): void => void process.send?.(telling, undefined, {}, told);
  const plan = await exitsWhenWrong(
    seedCity(process.env, {
      scale: process.argv.includes('--full') ? scales.full : scales.demo,
      now: new Date(),
      progress: (what, done, all) => tell({ progress: `the demo city: ${what} ${done} of ${all}` }),
    }),
  );
  tell({ logins: plan?.logins ?? [] }, () => process.exit(0));
}
