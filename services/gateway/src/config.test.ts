import { expect, test } from 'vitest';
import { configure } from './config.ts';

test('the gateway answers on no longer than its process has left', () => {
  expect(configure({ BANDENG_DRAIN_MS: '10000' }).drainMs).toBe(10_000);
  expect(() => configure({ BANDENG_DRAIN_MS: '10001' })).toThrow(
    "BANDENG_DRAIN_MS is '10001': a whole number from 0 to 10000 is needed",
  );
});
