import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@bandeng/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../src/index.ts';
import { root } from '../src/layout.ts';
import { markOf } from '../src/processes.ts';

let directory: string;
let environment: Record<string, string | undefined>;
const run = () => join(directory, 'run');

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bandeng-up-'));
  environment = {
    ...process.env,
    MONGODB_URI: undefined,
    NATS_URL: undefined,
    BANDENG_DATA: join(directory, 'data'),
    BANDENG_RUN: run(),
    BANDENG_LOG: join(directory, 'log'),
    BANDENG_PORT: String(await freePort()),
  };
});

afterAll(async () => {
  await bandeng('down');
  await rm(directory, { recursive: true, force: true, maxRetries: 3 });
});

/** Runs a command as a person would. */
function bandeng(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const node = ['--disable-warning=ExperimentalWarning', join(root, 'deploy/src/cli/main.ts'), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, node, { cwd: root, env: environment }, (thrown, out, err) => {
      resolve({ code: thrown ? Number(thrown.code ?? 1) : 0, out, err });
    });
  });
}

const pidOf = async (name: string): Promise<number> => Number(await readFile(join(run(), `${name}.pid`), 'utf8'));

const ready = async (): Promise<void> => {
  const answer = await fetch(`http://127.0.0.1:${environment.BANDENG_PORT}/readyz`);
  expect(answer.status).toBe(200);
};

/** Kills a process and waits until another one does its work. */
async function killAndWait(name: string): Promise<void> {
  const before = await pidOf(name);
  process.kill(before, 'SIGKILL');
  await eventually(async () => expect(await pidOf(name)).not.toBe(before), { within: 30_000 });
  await eventually(ready, { within: 60_000 });
}

describe('up and down', { timeout: 180_000 }, () => {
  it('names the holder of a taken port, and starts nothing', async () => {
    const holder = createServer().listen(Number(environment.BANDENG_PORT), '127.0.0.1');
    const { code, err } = await bandeng('up');
    expect(code).toBe(1);
    expect(err).toContain(`port ${environment.BANDENG_PORT} is taken by process ${process.pid} (`);
    expect(await bandeng('status')).toMatchObject({ code: 3 });
    await new Promise((resolve) => holder.close(resolve));
  });

  it('starts everything, says where it is, and says so again when it runs already', async () => {
    const first = await bandeng('up', '--no-demo');
    expect(first.code, first.err).toBe(0);
    expect(first.out).toContain(`http://localhost:${environment.BANDENG_PORT}/docs`);
    const again = await bandeng('up');
    expect(again.out).toContain('Bandeng is running already');
    expect(again.out).toContain(`http://localhost:${environment.BANDENG_PORT}/docs`);
    expect(await bandeng('status')).toMatchObject({ code: 0 });
  });

  it('starts again whatever is killed', async () => {
    await killAndWait('mongod');
    await killAndWait('nats-server');
    await killAndWait('bandeng');
  });

  it('cleans up after a supervisor that was killed, and runs a process for each service when asked', async () => {
    process.kill(await pidOf('supervisor'), 'SIGKILL');
    await eventually(async () => expect(await bandeng('status')).toMatchObject({ code: 3 }));
    expect(await bandeng('up', '--processes', '--no-demo')).toMatchObject({ code: 0 });
    await killAndWait('tickets');
    const { out } = await bandeng('status');
    for (const name of ['gateway', 'identity', 'orggraph', 'tickets', 'notifications']) expect(out).toContain(name);
  });

  it('stops everything and leaves no process and no socket', async () => {
    const pids = await Promise.all(['supervisor', 'mongod', 'nats-server', 'gateway', 'tickets'].map(pidOf));
    expect(await bandeng('down')).toMatchObject({ code: 0, out: 'stopped\n' });
    for (const pid of pids) expect(await markOf(pid)).toBeUndefined();
    expect(await readdir(run())).toEqual([]);
    expect(await bandeng('down')).toMatchObject({ code: 0, out: 'nothing was running\n' });
  });

  it('asks before it deletes data, and deletes it when told', async () => {
    const refused = await bandeng('reset');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('say --yes');
    expect(await readdir(join(directory, 'data'))).toContain('mongod');
    expect(await bandeng('reset', '--yes')).toMatchObject({ code: 0 });
    expect(await readdir(directory)).not.toContain('data');
  });
});

describe('the command line', () => {
  it('helps, and refuses what it does not know', async () => {
    expect(await bandeng()).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^ {2}up +starts everything/m),
    });
    expect(await bandeng('fly')).toMatchObject({ code: 2, err: expect.stringContaining("there is no command 'fly'") });
    const wrong = await bandeng('up', '--fast');
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('usage: ./bandeng up [--processes]') });
  });
});
