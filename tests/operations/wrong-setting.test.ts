import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { whyEnded } from '../../deploy/src/embedded/child.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'wrong-'));

/** Starts a program of ours with nothing set but this, and waits until it has ended. */
function started(program: string, setting: Readonly<Record<string, string>>): Promise<[code: unknown, said: string]> {
  const places = { BANDENG_DATA: join(folder, 'data'), BANDENG_RUN: join(folder, 'run') };
  const options = { cwd: root, env: { ...places, ...setting }, timeout: 20_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, program)], options, (fault, said, complained) =>
      resolve([fault?.code, said + complained]),
    );
  });
}

const rate = "BANDENG_RATE_TOKEN is 'abc': a whole number from 1 to 100000000 is needed\n";

test.each([
  ['services/gateway/src/main.ts', { BANDENG_RATE_TOKEN: 'abc' }, rate],
  ['deploy/src/demo-city.ts', { BANDENG_CITY: 'x' }, "BANDENG_CITY is 'x': the first four digits of"],
  ['services/tickets/src/main.ts', { MONGODB_URI: 'foo' }, 'MONGODB_URI cannot be read: '],
])(
  '%s ends at a wrong setting and says which, in one line',
  async (program, setting, line) => {
    const [code, said] = await started(program, setting);
    expect(said.split('\n').at(-2)).toContain(line.trim());
    expect(said).not.toContain('    at ');
    expect(code).toBe(78);
  },
  30_000,
);

test('all in one process end as well, while the others wait for MongoDB', async () => {
  const [code, said] = await started('deploy/src/all-in-one.ts', {
    MONGODB_URI: 'mongodb://127.0.0.1:9/?replicaSet=none',
    BANDENG_RATE_TOKEN: 'abc',
  });
  expect([code, said.endsWith(rate)]).toEqual([78, true]);
}, 30_000);

test('the launcher shows that line alone, and of another end the log', async () => {
  const log = join(folder, 'gateway.log');
  writeFileSync(log, `{"service":"gateway"}\n${rate}`);
  expect(await whyEnded('gateway ended', 78, log)).toBe(rate.trim());
  expect(await whyEnded('gateway ended', 1, log)).toBe(
    `gateway ended; its log ${log} ends:\n{"service":"gateway"}\n${rate.trim()}`,
  );
});
