import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../layout.ts';
import { type Counts, countTests } from './counts.ts';

/** A check of the source tree: a tool that says nothing when all is well. */
export interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

/** All of them, the quick ones first. */
export function checks(): Check[] {
  const all: Check[] = [
    { name: 'lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
    { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
    { name: 'types of the domains', command: ['tsc', '-p', 'tsconfig.domain.json'] },
    { name: 'contracts as generated', command: ['node', 'proto/generate.ts', '--check'] },
    { name: 'reference as generated', command: ['node', 'docs/generate.ts', '--check'] },
    { name: 'contracts by the rules', command: ['buf', 'lint'] },
    { name: 'nothing unused', command: ['knip'] },
  ];
  return all.filter(({ command }) => command[0] !== 'tsc' || existsSync(join(root, command[2] ?? '')));
}

/** Runs a check; `output` is what the tool said. */
export async function runCheck({ command }: Check): Promise<{ passed: boolean; output: string }> {
  const [tool = '', ...args] = command;
  const child = spawn(tool, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
    child.once('error', (thrown) => {
      output += thrown.message;
      resolve(null);
    });
  });
  return { passed: code === 0, output: output.trim() };
}

/** Runs vitest with the given arguments, its output going to ours, and counts. */
export async function runTests(args: readonly string[]): Promise<Counts> {
  const directory = await mkdtemp(join(tmpdir(), 'bandeng-report-'));
  try {
    const file = join(directory, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const child = spawn('vitest', ['run', ...reporters, ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const code = await new Promise<number | null>((resolve) => {
      child.once('close', resolve);
      child.once('error', () => resolve(null));
    });
    const report = await readFile(file, 'utf8').then(JSON.parse, () => undefined);
    return countTests(report, code);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
