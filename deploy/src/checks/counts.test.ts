import { describe, expect, it } from 'vitest';
import { closingLine, countTests, sum, type TestReport } from './counts.ts';

const report = (change: Partial<TestReport>): TestReport => ({
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [{ status: 'passed', assertionResults: [1, 2, 3] }],
  ...change,
});

describe('counting a test run', () => {
  it('takes the numbers as they are when all is well', () => {
    expect(countTests(report({}), 0)).toEqual({ passed: 3, failed: 0 });
    expect(countTests(report({ numFailedTests: 2 }), 1)).toEqual({ passed: 3, failed: 2 });
  });

  it('counts what was skipped or only planned as failed', () => {
    expect(countTests(report({ numPendingTests: 1, numTodoTests: 1 }), 0)).toEqual({ passed: 3, failed: 2 });
  });

  it('counts a file that could not be read as one failure', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }];
    expect(countTests(report({ testResults }), 1)).toEqual({ passed: 3, failed: 1 });
  });

  it('counts a run as failed that ran nothing, died, or failed outside of its tests', () => {
    expect(countTests(report({ numPassedTests: 0, testResults: [] }), 0)).toEqual({ passed: 0, failed: 1 });
    expect(countTests(undefined, null)).toEqual({ passed: 0, failed: 1 });
    expect(countTests(report({}), 1)).toEqual({ passed: 3, failed: 1 });
  });

  it('ends with one line', () => {
    expect(closingLine(sum({ passed: 6, failed: 0 }, { passed: 3, failed: 1 }))).toBe('9 passed, 1 failed');
  });
});
