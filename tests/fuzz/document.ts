/** The whole of the OpenAPI document against a town, as four callers side by side. */
import { demoPassword } from '@bandeng/city';
import { signIn } from '@bandeng/deploy/sign-in';
import type { Town } from '@bandeng/testing/town';
import { fuzzByDocument, installSchemathesis } from './schemathesis.ts';

const callers = ['guest', 'resident', 'community_dispatcher', 'administrator'] as const;

/** Tokens are good for a quarter of an hour. */
const longestTurn = 600;

/** Tells what is going on, a line each. */
export type Say = (line: string) => void;

/**
 * Runs schemathesis for a time as a guest and as three roles at once. Throws what was found, each caller under its name and seed.
 * @returns how many requests were made
 */
export async function fuzzDocument(
  town: Town,
  { seed, seconds, say }: { seed: number; seconds: number; say: Say },
): Promise<number> {
  const home = await installSchemathesis(say);
  let requests = 0;
  let left = seconds;
  for (let turn = seed; left > 0; turn += callers.length) {
    const share = Math.min(left, longestTurn);
    left -= share;
    const results = await Promise.all(
      callers.map(async (name, index) => {
        const token = name === 'guest' ? undefined : await signIn(`${town.address}/oidc`, name, demoPassword);
        const own = { address: town.address, token, seed: turn + index, seconds: share };
        const result = await fuzzByDocument(home, own);
        say(`${name}: ${result.requests} requests, seed ${own.seed}`);
        return { ...result, failures: result.failures && `${name}, seed ${own.seed}:\n${result.failures}` };
      }),
    );
    requests += results.reduce((sum, result) => sum + result.requests, 0);
    const failures = results.flatMap((result) => result.failures ?? []);
    if (failures.length > 0) throw new Error(failures.join('\n\n'));
  }
  return requests;
}
