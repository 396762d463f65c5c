import { checks, runCheck, runTests } from '../checks/checks.ts';
import { type Counts, closingLine, sum } from '../checks/counts.ts';
import { type Command, readArguments } from './command.ts';

/** Parts by name; anything else is a path or a part of one, as vitest takes it. */
const parts: Readonly<Record<string, readonly string[]>> = {
  unit: ['--project', 'unit'],
  integration: ['--project', 'integration', '--exclude', 'tests/**'],
  journeys: ['tests/journeys'],
  rules: ['--project', 'rules'],
};

/** Ends with `N passed, N failed`; exit code 1 when something failed. */
export const command: Command = {
  usage: 'test [checks | unit | integration | journeys | rules | PATH ...]',
  async run(args) {
    const { positionals: words } = readArguments(args, {}, { least: 0, most: Number.POSITIVE_INFINITY });
    let counts: Counts = { passed: 0, failed: 0 };
    if (words.length === 0 || words.includes('checks')) counts = sum(counts, await runChecks());
    const named = words.filter((word) => word !== 'checks');
    if (words.length === 0) counts = sum(counts, await runTests([]));
    for (const word of named.filter((name) => Object.hasOwn(parts, name))) {
      counts = sum(counts, await runTests(parts[word] ?? []));
    }
    const paths = named.filter((name) => !Object.hasOwn(parts, name));
    if (paths.length > 0) counts = sum(counts, await runTests(paths));
    console.log(closingLine(counts));
    return counts.failed === 0 ? 0 : 1;
  },
};

async function runChecks(): Promise<Counts> {
  let counts: Counts = { passed: 0, failed: 0 };
  for (const check of checks()) {
    const since = performance.now();
    const { passed, output } = await runCheck(check);
    console.log(`${passed ? 'ok    ' : 'FAILED'} ${check.name} (${((performance.now() - since) / 1000).toFixed(1)} s)`);
    if (!passed) console.log(output);
    counts = sum(counts, { passed: passed ? 1 : 0, failed: passed ? 0 : 1 });
  }
  return counts;
}
