import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { code, root, type SourceText, sourcesBelow, table } from './pages.ts';

/** A refusal as a table in the code has it. */
export interface Refusal {
  readonly name: string;
  readonly status: string;
  readonly title: string;
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** HTTP status of each kind of refusal, from the table in libs/rpc. */
function statuses(): Map<string, string> {
  const rows = read('libs/rpc/src/problems.ts').matchAll(/^ {2}'?([a-z-]+)'?: \{ code: status\.\w+, status: (\d+)/gm);
  return new Map([...rows].map(([, kind = '', status = '']) => [kind, status]));
}

/** Rows `'name': { kind: 'rule', title: '…' }` of the sources, each name once. */
function rowsIn(sources: readonly SourceText[]): Refusal[] {
  const status = statuses();
  const row = /'?([a-z][a-z-]*)'?: \{\s*kind: '([a-z-]+)',\s*title:\s*(?:'([^']*)'|"([^"]*)"),?\s*\}/g;
  const found = new Map<string, Refusal>();
  for (const { text } of sources) {
    for (const [, name = '', kind = '', single, double] of text.matchAll(row)) {
      found.set(name, { name, status: status.get(kind) ?? kind, title: single ?? double ?? '' });
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What a service refuses, beyond what every service can. */
export function refusalsOf(service: string): Refusal[] {
  return rowsIn(sourcesBelow(`services/${service}/src`));
}

/** What every service can refuse. */
export function commonRefusals(): Refusal[] {
  return rowsIn(sourcesBelow('libs/rpc/src'));
}

/** The gateway's own refusals. */
export function gatewayRefusals(): Refusal[] {
  const rows = read('services/gateway/src/problems.ts').matchAll(/^ {2}'?([a-z-]+)'?: \[(\d+), '([^']*)'\]/gm);
  return [...rows].map(([, name = '', status = '', title = '']) => ({ name, status, title }));
}

/** Refusals as a table. */
export function refusalTable(refusals: readonly Refusal[]): string {
  return table(
    ['refusal', 'status', 'meaning'],
    refusals.map(({ name, status, title }) => [code(name), status, title]),
  );
}
