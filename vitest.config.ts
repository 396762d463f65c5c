import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2, // one pair of mongod and nats-server each: more would only wait for each other's fsync
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    retry: 0,
    // A city's own issuer of a test is a provider with its defaults, and warns that it is.
    onConsoleLog: (line) => !line.startsWith('oidc-provider '),
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['{libs,services}/*/src/**/*.test.ts', 'deploy/src/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['{libs,services}/*/test/**/*.test.ts', 'deploy/test/**/*.test.ts', 'tests/**/*.test.ts'],
          exclude: ['tests/rules/**'],
          globalSetup: './libs/testing/src/global-setup.ts',
        },
      },
      { extends: true, test: { name: 'rules', include: ['tests/rules/**/*.test.ts'], exclude: ['**/fixtures/**'] } },
    ],
  },
});
