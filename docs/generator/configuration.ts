import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { code, foldersIn, page, root, type SourceText, sourcesBelow, table } from './pages.ts';
import { type Reader, type Setting, settings } from './settings.ts';

/** What runs in production or at an operator's hand. */
export function productionSources(): SourceText[] {
  const libs = foldersIn('libs').filter((name) => name !== 'testing');
  const folders = [
    ...libs.map((name) => `libs/${name}/src`),
    ...foldersIn('services').map((name) => `services/${name}/src`),
    'deploy/src',
  ];
  return [...sourcesBelow(...folders), { path: 'bandeng', text: readFileSync(join(root, 'bandeng'), 'utf8') }];
}

const name =
  /\b(?:BANDENG|OTEL|XDG)_(?:[A-Z][A-Z0-9_]*(?:\$\{[^}]+\}[A-Z0-9_]*)?|\$\{[^}]+\}[A-Z0-9_]+)|\b(?:MONGODB_URI|NATS_URL)\b/g;
const isRow = ({ name: row }: Setting, found: string): boolean =>
  new RegExp(`^${row.replaceAll(/<[A-Z]+>/g, '[A-Z0-9_]*')}$`).test(
    found.replaceAll(/\$\{[^}]+\}/g, 'X').replace(/_$/, '_X'),
  );

/** Names of variables in the sources that have no row, and rows that no source reads. */
export function undocumented(sources: readonly SourceText[], rows: readonly Setting[] = settings): string[] {
  const found = new Map<string, string>();
  for (const { path, text } of sources) for (const [word] of text.matchAll(name)) found.set(word, path);
  const words = [...found.keys()];
  // `BANDENG_KEY` alone is the beginning of a name that is put together.
  const missing = words.filter((word) => !rows.some((row) => isRow(row, word) || row.name.startsWith(`${word}_<`)));
  const unread = rows.filter((row) => !words.some((word) => isRow(row, word) || row.name.startsWith(`${word}_<`)));
  return [
    ...missing.map((word) => `${found.get(word)} reads ${word}, which has no row in docs/generator/settings.ts`),
    ...unread.map((row) => `docs/generator/settings.ts has ${row.name}, which nothing reads`),
  ];
}

/** The literal that the sources give as the default of a setting: `'NAME', 6000`. */
function literalOf(sources: readonly SourceText[], setting: string): string | undefined {
  const literal = new RegExp(
    `(?:'${setting}',\\s*|\\.${setting} \\?\\?= )(?:([0-9_]+)|'([^']+)'|(true|false))(?=[,);\\s])`,
  );
  for (const { text } of sources) {
    const [, number, word, flag] = literal.exec(text) ?? [];
    if (number !== undefined) return number.replaceAll('_', '');
    if (word !== undefined) return code(word);
    if (flag !== undefined) return flag === 'true' ? '`on`' : '`off`';
  }
  return undefined;
}

const readers: { readonly [R in Reader]: string } = {
  'every service': 'Read by every service.',
  gateway: 'Read by the gateway.',
  identity: 'Read by identity.',
  notifications: 'Read by notifications.',
  tickets: 'Read by tickets.',
  launcher: 'Read by `./bandeng`.',
  development: 'For development and tests.',
};

/** All variables of the environment. */
export function configurationPage(): string {
  const sources = productionSources();
  const parts = Object.entries(readers).flatMap(([reader, sentence]) => {
    const rows = settings.filter(({ by }) => by === reader);
    if (rows.length === 0) return [];
    const cells = rows.map((row) => {
      const standard = row.standard ?? literalOf(sources, row.name);
      if (standard === undefined) throw new Error(`docs/generator/settings.ts: ${row.name} says no default`);
      return [code(row.name), row.meaning, standard];
    });
    return [`## ${reader}`, sentence, table(['variable', 'meaning', 'default'], cells)];
  });
  return page(
    'Configuration',
    'All variables of the environment. An empty one counts as not set. A wrong one stops the service at its start with a line that names the variable, and exit code 78. How to use them: [configuration](../how-to/configuration.md).',
    ...parts,
  );
}
