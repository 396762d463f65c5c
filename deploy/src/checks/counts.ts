/** What ran, counted: a check is one, a test is one. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** As much of vitest's JSON report as is counted. */
export interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/**
 * Counts a vitest run. A skipped or planned test counts as failed, and so does a file that could not be read, a run
 * without any test, and one that failed although every test passed (an error outside of tests).
 */
export function countTests(report: TestReport | undefined, exitCode: number | null): Counts {
  if (!report) return { passed: 0, failed: 1 };
  const unread = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.length,
  );
  const passed = report.numPassedTests;
  const failed = report.numFailedTests + report.numPendingTests + report.numTodoTests + unread.length;
  const silent = (exitCode !== 0 && failed === 0) || passed + failed === 0;
  return { passed, failed: failed + (silent ? 1 : 0) };
}

export const sum = (one: Counts, other: Counts): Counts => ({
  passed: one.passed + other.passed,
  failed: one.failed + other.failed,
});

/** The last line of a test run. */
export const closingLine = ({ passed, failed }: Counts): string => `${passed} passed, ${failed} failed`;
