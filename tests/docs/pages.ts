import { readFileSync } from 'node:fs';

/** A block of commands on a page, and what the page says they print. */
export interface Step {
  /** The heading it stands under. */
  readonly heading: string;
  readonly commands: string;
  /** Left out when the page promises nothing. */
  readonly prints?: string;
}

/** The `sh` blocks of a page, each with the `text` block right behind it. */
export function stepsOf(file: string): Step[] {
  const page = readFileSync(file, 'utf8');
  const steps: Step[] = [];
  let heading = '';
  const part = /^## (?<heading>.+)$|^```sh\n(?<commands>[\s\S]*?)^```$(?:\n+```text\n(?<prints>[\s\S]*?)^```$)?/gm;
  for (const { groups } of page.matchAll(part)) {
    if (groups?.heading !== undefined) heading = groups.heading;
    const { commands, prints } = groups ?? {};
    if (commands !== undefined) steps.push({ heading, commands, ...(prints === undefined ? {} : { prints }) });
  }
  return steps;
}

/** The `csv` blocks of a page, by the names of the files that its commands read, in the same order. */
export function sheetsOf(file: string): [name: string, rows: string][] {
  const page = readFileSync(file, 'utf8');
  const names = [...new Set(page.match(/\b\w+\.csv\b/g))];
  return [...page.matchAll(/^```csv\n([\s\S]*?)^```$/gm)].map(([, rows = ''], index) => [names[index] ?? '', rows]);
}

/** Whether something was printed as a page promises: `…` stands for anything, in a line of its own for any lines. */
export function isPrinted(promised: string, printed: string): boolean {
  const lines = promised
    .trimEnd()
    .split('\n')
    .map((line) => (line === '…' ? '[\\s\\S]*' : line.split('…').map(literal).join('.*')));
  return new RegExp(`^${lines.join('\n')}$`).test(printed.trimEnd());
}

/** A text as a regular expression that matches it alone. */
function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
