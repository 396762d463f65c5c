import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** How a call of `./bandeng` ended. */
export interface Called {
  readonly code: number | null;
  /** Standard output, and standard error. */
  readonly said: string;
  readonly complained: string;
  /** What `--json` wrote. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever it holds
  json(): any;
}

type Environment = Readonly<Record<string, string>>;

/** Calls `./bandeng` as an operator does, over the servers that an environment names. */
export function bandeng(environment: Environment, ...args: string[]): Promise<Called> {
  return bandengTold('', environment, ...args);
}

/** The same, with what it reads from standard input. */
export async function bandengTold(input: string, environment: Environment, ...args: string[]): Promise<Called> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, 'deploy/src/cli/main.ts'), ...args],
    { cwd: root, env: { ...environment }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  child.stdin.end(input);
  let said = '';
  let complained = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complained += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, said, complained, json: () => JSON.parse(said) };
}
