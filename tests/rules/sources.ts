import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

/** A source file as the rules see it. */
export interface Source {
  /** Path from the root of the project. */
  readonly path: string;
  readonly lines: number;
  /** What it imports or re-exports, as written; type-only imports too. */
  readonly imports: readonly { readonly from: string; readonly typeOnly: boolean }[];
  /** Lines with a type assertion other than `as const`, or with `any`. */
  readonly loose: readonly { readonly line: number; readonly what: 'as' | 'any' }[];
  /** Exported declarations that no doc comment stands before. */
  readonly undocumented: readonly { readonly line: number; readonly name: string }[];
}

/** Root of the project. */
export const root = normalize(join(import.meta.dirname, '../..'));

/** Reads a source by its text. */
export function readSource(path: string, text: string): Source {
  const { program, module, errors, comments } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`);
  const imports = [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({
      from: moduleRequest.value,
      typeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
    })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) =>
        moduleRequest ? [{ from: moduleRequest.value, typeOnly: isType }] : [],
      ),
    ),
    ...module.dynamicImports.map(({ moduleRequest }) => ({
      from: text.slice(moduleRequest.start, moduleRequest.end).replaceAll(/^['"`]|['"`]$/g, ''),
      typeOnly: false,
    })),
  ];
  const loose: { line: number; what: 'as' | 'any' }[] = [];
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  new Visitor({
    TSAsExpression({ typeAnnotation, start }) {
      const constant =
        typeAnnotation.type === 'TSTypeReference' && text.slice(typeAnnotation.start, typeAnnotation.end) === 'const';
      if (!constant) loose.push({ line: lineAt(start), what: 'as' });
    },
    TSAnyKeyword({ start }) {
      loose.push({ line: lineAt(start), what: 'any' });
    },
  }).visit(program);
  const docs = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'));
  const documented = new Set<string>(); // the first signature of a function speaks for all
  const undocumented = program.body.flatMap((statement) => {
    const exported = statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportDefaultDeclaration';
    if (!exported || statement.declaration === null) return [];
    const before = docs.find(({ end }) => text.slice(end, statement.start) === '\n');
    const [, name = 'default'] =
      /\b(?:function|interface|type|const|let|class)\b\*? (\w+)/.exec(text.slice(statement.start)) ?? [];
    if (before !== undefined) documented.add(name);
    return documented.has(name) ? [] : [{ line: lineAt(statement.start), name }];
  });
  return { path, lines: text.split('\n').length - 1, imports, loose, undocumented };
}

/** Every hand-written TypeScript file that git tracks or could track. */
export function handWritten(): Source[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  return [...new Set(listed.split('\n'))]
    .filter((path) => path !== '' && !path.includes('/gen/') && !path.includes('/fixtures/') && !path.endsWith('.d.ts'))
    .flatMap((path) => {
      const text = readIfThere(join(root, path));
      return text === undefined ? [] : [readSource(path, text)];
    });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // deleted, but not yet committed
  }
}

/** Path of the file that a relative import names; undefined for a package. */
export function resolved(source: Source, from: string): string | undefined {
  return from.startsWith('.') ? normalize(join(dirname(source.path), from)) : undefined;
}
