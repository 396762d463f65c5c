/** The whole of the OpenAPI document against a town, as six callers, three at a time. */
import { demoClients, demoPassword } from '@bandeng/city';
import { signIn, signInSystem } from '@bandeng/deploy/sign-in';
import type { Town } from '@bandeng/testing/town';
import { fuzzByDocument, installSchemathesis } from './schemathesis.ts';

/** One after the other, each with its share of the time: more at once would only make each other slow. */
const groups = [
  ['guest', 'resident', 'community_dispatcher'],
  ['administrator', 'auditor', 'demo-system'],
] as const;
type CallerName = (typeof groups)[number][number];

/** Tokens are good for a quarter of an hour. */
const longestTurn = 600;

/** Tells what is going on, a line each. */
export type Say = (line: string) => void;

/** The token of a caller, and the streams that they would be left in: those end by nothing that the fuzzer does. */
async function admit(town: Town, name: CallerName): Promise<{ token?: string; streams?: string }> {
  const issuer = `${town.address}/oidc`;
  // Each is refused before a stream that is not theirs opens; guests before any does.
  if (name === 'guest') return {};
  const system = demoClients.find(({ id }) => id === name);
  return system === undefined
    ? { token: await signIn(issuer, name, demoPassword), streams: ':stream$' }
    : { token: await signInSystem(issuer, system.id, system.secret), streams: '^/v1/events$' };
}

/**
 * Runs schemathesis for a time as a guest, as four roles and as another system. Throws what was found, each caller under its name
 * and seed.
 * @returns how many requests were made
 */
export async function fuzzDocument(
  town: Town,
  { seed, seconds, say }: { seed: number; seconds: number; say: Say },
): Promise<number> {
  const home = await installSchemathesis(say);
  let requests = 0;
  let turn = seed;
  for (let left = seconds; left > 0; ) {
    const share = Math.min(left, longestTurn * groups.length);
    left -= share;
    const failures: string[] = [];
    for (const group of groups) {
      const begin = turn;
      turn += group.length;
      const results = await Promise.all(
        group.map(async (name, index) => {
          const own = { address: town.address, seed: begin + index, seconds: Math.ceil(share / groups.length) };
          const result = await fuzzByDocument(home, { ...own, ...(await admit(town, name)) });
          say(`${name}: ${result.requests} requests, seed ${own.seed}`);
          return { ...result, failures: result.failures && `${name}, seed ${own.seed}:\n${result.failures}` };
        }),
      );
      requests += results.reduce((sum, result) => sum + result.requests, 0);
      failures.push(...results.flatMap((result) => result.failures ?? []));
    }
    if (failures.length > 0) throw new Error(failures.join('\n\n'));
  }
  return requests;
}
