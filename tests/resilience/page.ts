import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from './catalogue.ts';
import { root } from './ground.ts';
import type { Outcome, Run } from './run.ts';

/** A run that was done, and what came of it; or why it did not come to its end. */
export interface Done {
  readonly run: Run;
  /** The fault in the form that was done. */
  readonly fault: string;
  readonly seed: number;
  readonly at: Date;
  readonly seconds: number;
  readonly result: Outcome | { readonly brokenOff: string };
}

const columns = [
  'date',
  'run',
  'fault',
  'seed',
  'orders',
  'seconds',
  'lost',
  'phantom',
  'event lost / doubled',
  'effect lost / doubled',
  'order',
  'stranded',
  'failed requests',
  'sent again',
] as const;

/** Whether anything is not as it must be. */
export function isFaulty({ result }: Done): boolean {
  if ('brokenOff' in result) return true;
  return result.failed > 0 || Object.values(result.judgement).some((wrong: readonly string[]) => wrong.length > 0);
}

/** The cells of a run that was done. */
export function rowOf({ run, fault, seed, at, seconds, result }: Done): string[] {
  const date = `${at.toISOString().slice(0, 16).replace('T', ' ')}Z`;
  const about = [date, run.name, fault, String(seed)];
  if ('brokenOff' in result) {
    const why = result.brokenOff.replaceAll(/[\s|]+/g, ' ').slice(0, 120);
    return [...about.with(2, `${fault}: broken off, ${why}`), '', String(seconds), ...Array<string>(8).fill('')];
  }
  const { judgement: wrong, orders, sentAgain, failed } = result;
  const both = (lost: readonly string[], doubled: readonly string[]): string => `${lost.length} / ${doubled.length}`;
  return [
    ...about,
    String(orders),
    String(seconds),
    String(wrong.lost.length),
    String(wrong.phantom.length),
    both(wrong.eventLost, wrong.eventDoubled),
    both(wrong.effectLost, wrong.effectDoubled),
    String(wrong.disorder.length),
    String(wrong.stranded.length),
    String(failed),
    String(sentAgain),
  ];
}

export const heading: readonly string[] = columns;

const file = join(root, 'docs/reference/resilience.md');

const words = `# Resilience

Written by \`./bandeng soak\`: the last long run of each kind. While residents order, withdraw and look, something is taken away; when it is back and everything is drained, a ledger of what was asked and answered is held against what is stored, published and told.

- **lost**: answered as done, not stored. **phantom**: stored, though nobody asked for it or it was refused, or stored twice.
- **event lost / doubled**: a step of a ticket without exactly one message in its stream.
- **effect lost / doubled**: somebody whom a step concerns was not told, or was told twice.
- **order**: a message or a notice that came after that of a later step of the same ticket.
- **stranded**: something that the relay has not come to yet.
- **failed requests**: requests that nobody answered within two minutes, sent again under the same Idempotency-Key. Where nobody may notice the fault (two replicas, NATS away, bad messages, races) every request that had to be sent again.
- **sent again**: requests that met no connection, a broken one, or an answer of 500 and above. That is what taking away the only one of its kind looks like from outside.

What the runs do, and how one is repeated: [tests/resilience](../../tests/resilience/README.md).
`;

/** Puts a run into the page in place of the earlier one of its name. Nothing is written outside a checkout. */
export function writePage(done: Done): string | undefined {
  if (!existsSync(join(root, '.git'))) return undefined;
  const rows = new Map(existsSync(file) ? rowsOf(readFileSync(file, 'utf8')) : []);
  rows.set(done.run.name, rowOf(done));
  const inOrder = catalogue.flatMap(({ name }) => [rows.get(name) ?? []]).filter((row) => row.length > 0);
  writeFileSync(file, `${words}\n${markdown([columns, ...inOrder])}`);
  return file;
}

function rowsOf(page: string): [name: string, row: string[]][] {
  const lines = page.split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(2).map((line) => {
    const row = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    return [row[1] ?? '', row];
  });
}

function markdown(rows: readonly (readonly string[])[]): string {
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map(
    (row) => `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`,
  );
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return `${[lines[0], rule, ...lines.slice(1)].join('\n')}\n`;
}
