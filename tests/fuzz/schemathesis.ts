/** Schemathesis (a Python program) against a running gateway: requests made from its OpenAPI document, right and wrong ones. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory, Mendable } from '@bandeng/deploy';

const run = promisify(execFile);
const here = (name: string): string => join(import.meta.dirname, name);

/** Python of this age reads the pinned packages. */
const leastPython = [3, 11] as const;

/**
 * The folder with schemathesis and its packages: in the cache, else installed there once by pip, each file by its checksum. Any
 * number of processes may call this at once. Throws `Mendable` when it cannot be had.
 */
export async function installSchemathesis(say: (line: string) => void): Promise<string> {
  const requirements = here('requirements.txt');
  const text = readFileSync(requirements, 'utf8');
  const version = /^schemathesis==(\S+)/m.exec(text)?.[1] ?? 'unknown';
  const cache = cacheDirectory();
  const home = join(cache, `schemathesis-${version}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`);
  if (existsSync(home)) return home;
  await assertPython();
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'schemathesis.'));
  try {
    say(`installing schemathesis ${version} (30 MB, once, into ${cache})`);
    const pip = '-m pip install --quiet --disable-pip-version-check --no-warn-script-location --require-hashes'.split(
      ' ',
    );
    const target = ['--only-binary', ':all:', '--target', join(work, 'ready'), '--requirement', requirements];
    await run('python3', [...pip, ...target], { timeout: 600_000 }).catch((fault: unknown) => {
      throw new Mendable(`pip could not install schemathesis ${version}: ${lastLine(fault)}`);
    });
    // One rename makes it visible whole; whoever was faster installed the same bytes.
    await rename(join(work, 'ready'), home).catch((fault: unknown) => {
      if (!existsSync(home)) throw fault;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return home;
}

async function assertPython(): Promise<void> {
  const needed = 'to fuzz by the OpenAPI document';
  const { stdout } = await run('python3', ['-c', 'import sys; print(*sys.version_info[:2])']).catch(() => {
    throw new Mendable(`python3 with pip is needed ${needed}: apt-get install python3-pip`);
  });
  const [major = 0, minor = 0] = stdout.trim().split(' ').map(Number);
  if (major < leastPython[0] || (major === leastPython[0] && minor < leastPython[1])) {
    throw new Mendable(`python3 is ${major}.${minor}: ${leastPython.join('.')} or newer is needed ${needed}`);
  }
  await run('python3', ['-m', 'pip', '--version']).catch(() => {
    throw new Mendable(`python3's pip is needed once ${needed}: apt-get install python3-pip`);
  });
}

function lastLine(fault: unknown): string {
  const text = fault instanceof Error && 'stderr' in fault ? String(fault.stderr) : String(fault);
  return text.trim().split('\n').at(-1) ?? '';
}

/** One caller's turn. */
export interface Turn {
  /** Of the gateway: `http://127.0.0.1:8080` */
  readonly address: string;
  /** Of whoever calls; left out: a guest. */
  readonly token?: string | undefined;
  /** Pattern of paths that are left out: a stream that is opened does not end by itself. */
  readonly streams?: string | undefined;
  readonly seed: number;
  readonly seconds: number;
}

/** How a turn went. */
export interface Result {
  /** Requests that were made. */
  readonly requests: number;
  /** What was found, as schemathesis tells it; undefined when nothing was. */
  readonly failures: string | undefined;
}

/** Runs schemathesis for a time as one caller. Throws when it did not run. */
export async function fuzzByDocument(home: string, turn: Turn): Promise<Result> {
  const { address, token, streams, seed, seconds } = turn;
  const scratch = await mkdtemp(join(tmpdir(), 'bandeng-fuzz-')); // it leaves files where it runs
  const options = [
    ...['--config-file', here('schemathesis.toml'), '--no-color', 'run', `${address}/openapi.json`, '--url', address],
    ...['--checks', 'all', '--exclude-checks', 'positive_data_acceptance', '--seed', `${seed}`],
    ...['--max-time', `${seconds}`, '--workers', '1', '--request-timeout', '30'],
    ...(streams === undefined ? [] : ['--exclude-path-regex', streams]),
    ...(token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]),
  ];
  const environment = { ...process.env, PYTHONPATH: home, SCHEMATHESIS_HOOKS: here('checks.py') };
  const program = 'from schemathesis.cli import schemathesis; schemathesis()';
  try {
    const { code, output } = await new Promise<{ code: number | undefined; output: string }>((resolve) => {
      const limits = { maxBuffer: 64 * 1024 * 1024, timeout: (seconds + 120) * 1000 };
      execFile(
        'python3',
        ['-c', program, ...options],
        { cwd: scratch, env: environment, ...limits },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
          resolve({ code, output: `${stdout}${stderr}` });
        },
      );
    });
    const requests = Number(/^ +(\d+) generated/m.exec(output)?.[1] ?? 0);
    const found = output.search(/^=+ (?:FAILURES|ERRORS) =+$/m);
    if (code === 0 && requests > 0) return { requests, failures: undefined };
    if (code === 1 && found >= 0) return { requests, failures: output.slice(found) };
    throw new Error(`schemathesis did not run (exit code ${code}):\n${output.slice(-4000)}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
