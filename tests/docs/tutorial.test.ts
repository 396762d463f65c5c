import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@bandeng/deploy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isPrinted, type Step, sheetsOf, stepsOf } from './pages.ts';

const root = join(import.meta.dirname, '../..');

/** In this order, on one installation: the later ones find the city that the first has made. */
const pages = [
  'docs/tutorial/first-ticket.md',
  'docs/README.zh-CN.md',
  'docs/how-to/import.md',
  'docs/how-to/backup.md',
];
let shell: Awaited<ReturnType<typeof openShell>>;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell.stop(), 60_000);

/** A shell in an empty folder with the command line in it; variables stay from block to block. */
async function openShell() {
  const directory = await mkdtemp(join(tmpdir(), 'bandeng-tutorial-'));
  const port = await freePort();
  const command = join(root, 'deploy/src/cli/main.ts');
  const launcher = join(directory, 'bandeng');
  await writeFile(
    launcher,
    `#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${command}" "$@"\n`,
  );
  await chmod(launcher, 0o755);
  const { MONGODB_URI: _mongodb, NATS_URL: _nats, BANDENG_CALLED_FROM: _from, ...inherited } = process.env;
  const env = {
    ...inherited,
    BANDENG_DATA: join(directory, '.bandeng/data'),
    BANDENG_RUN: join(directory, '.bandeng/run'),
    BANDENG_LOG: join(directory, '.bandeng/log'),
    BANDENG_PORT: String(port),
  };
  const bash = spawn('bash', ['-e'], { cwd: directory, env, stdio: ['pipe', 'pipe', 'pipe'] });
  let printed = '';
  let complaints = '';
  bash.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
  bash.stderr.setEncoding('utf8').on('data', (text) => (complaints += text));
  const ended = new Promise<void>((resolve) => bash.once('close', () => resolve()));
  let count = 0;

  /** Runs a block and answers what it printed, with the address as the page has it. */
  async function run(commands: string): Promise<string> {
    count += 1;
    const mark = `--- end of block ${count} ---\n`;
    printed = '';
    bash.stdin.write(`${commands.replaceAll('localhost:8080', `localhost:${port}`)}printf '%s' '${mark}'\n`);
    let gone = false;
    const going = ended.then(() => {
      gone = true;
    });
    while (!printed.endsWith(mark)) {
      if (gone) throw new Error(`the shell ended in:\n${commands}\n${printed}\n${complaints}`);
      await Promise.race([going, new Promise((resolve) => setTimeout(resolve, 20))]);
    }
    return printed.slice(0, -mark.length).replaceAll(`localhost:${port}`, 'localhost:8080');
  }

  const stop = async (): Promise<void> => {
    bash.kill();
    await ended;
    const down = spawn(launcher, ['down'], { cwd: directory, env, stdio: 'ignore' });
    await new Promise((resolve) => down.once('close', resolve));
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  return { directory, run, stop };
}

/** Asking again changes nothing, so what the bus brings a moment later may be waited for. */
const isQuestion = ({ commands }: Step): boolean => !/ -d |\.\/bandeng|wait/.test(commands);

test.each(pages)('%s does what it says', { timeout: 300_000 }, async (page) => {
  for (const [name, rows] of sheetsOf(join(root, page))) await writeFile(join(shell.directory, name), rows);
  // The pages on what one does later take a running installation for granted, the others start it.
  await shell.run(`./bandeng ${page.startsWith('docs/how-to/') ? 'up' : 'down'} > before.txt 2>&1\n`);
  for (const step of stepsOf(join(root, page))) {
    const until = Date.now() + 20_000;
    let printed = await shell.run(step.commands);
    while (isQuestion(step) && !isPrinted(step.prints ?? '…', printed) && Date.now() < until) {
      printed = await shell.run(step.commands);
    }
    if (!isPrinted(step.prints ?? '…', printed)) {
      expect(printed, `${step.heading}\n${step.commands}`).toBe(step.prints);
    }
  }
});

test('the tutorial ends with a rated ticket, in both languages', () => {
  for (const page of pages.slice(0, 2)) {
    const promised = stepsOf(join(root, page)).map(({ prints }) => prints ?? '');
    expect(promised, page).toContain('RATED\n');
  }
});

test('what a page promises is compared line by line, and may leave out what differs', () => {
  expect(isPrinted('ready after …\n', 'ready after 2.1 s\n')).toBe(true);
  expect(isPrinted('first\n…\nlast\n', 'first\nsecond\nthird\nlast\n')).toBe(true);
  expect(isPrinted('RATED\n', 'RESOLVED\n')).toBe(false);
  expect(isPrinted('ready after …\n', 'ready after 2.1 s\nand more\n')).toBe(false);
});
