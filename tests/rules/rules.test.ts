import { describe, expect, test } from 'vitest';
import {
  documentedLibs,
  gatedSystems,
  honestTypes,
  noCycles,
  nounNames,
  pages,
  pureDomains,
  type Rule,
  separateServices,
  shortFiles,
} from './rules.ts';
import { handWritten, readSource } from './sources.ts';

const tree = handWritten();

/** Each rule, with a fixture that must break it: a check that cannot fail checks nothing. */
const rules: {
  readonly [rule: string]: { readonly rule: Rule; readonly broken: readonly [path: string, text: string][] };
} = {
  'a domain imports only itself, the decider and temporal-polyfill': {
    rule: pureDomains,
    broken: [
      ['services/tickets/src/domain/ticket.ts', "import { randomUUID } from 'node:crypto';\nexport { randomUUID };\n"],
    ],
  },
  'a service never imports another service': {
    rule: separateServices,
    broken: [
      ['services/tickets/src/rpc.ts', "export { identity } from '@bandeng/identity';\n"],
      ['services/identity/src/main.ts', 'export const identity = 1;\n'],
    ],
  },
  'gRPC, NATS, the tracing SDK and MongoDB are each reached through one lib': {
    rule: gatedSystems,
    broken: [
      ['services/tickets/src/rpc.ts', "import { MongoClient } from 'mongodb';\nexport const client = MongoClient;\n"],
    ],
  },
  'imports make no cycle': {
    rule: noCycles,
    broken: [
      ['libs/access/src/one.ts', "export { two } from './two.ts';\nexport const one = 1;\n"],
      ['libs/access/src/two.ts', "import { one } from './one.ts';\nexport const two = one;\n"],
    ],
  },
  'a file has at most 400 lines, a main.ts 40': {
    rule: shortFiles,
    broken: [['services/tickets/src/main.ts', '// one more\n'.repeat(41)]],
  },
  'only adapters assert types': {
    rule: honestTypes,
    broken: [['services/tickets/src/rpc.ts', 'export const number = JSON.parse("1") as number;\n']],
  },
  'what a lib exports has a doc comment': {
    rule: documentedLibs,
    broken: [['libs/access/src/one.ts', '/* of one */\nexport const one = 1;\n']],
  },
  'files are named by nouns of the field': {
    rule: nounNames,
    broken: [['libs/access/src/utils.ts', 'export const one = 1;\n']],
  },
  'every package has its page': {
    rule: pages,
    broken: [['libs/nowhere/src/index.ts', 'export const one = 1;\n']],
  },
};

describe.each(Object.entries(rules))('%s', (_name, { rule, broken }) => {
  test('the tree keeps it', () => {
    expect(rule(tree)).toEqual([]);
  });
  test('a fixture that breaks it is found', () => {
    expect(rule(broken.map(([path, text]) => readSource(path, text)))).not.toEqual([]);
  });
});

test('type-only imports, re-exports and dynamic imports are all seen', () => {
  const source = readSource(
    'libs/a/src/a.ts',
    "import type { A } from 'a';\nexport { b } from 'b';\nexport const c = import('c');\nexport type D = A;\n",
  );
  expect(source.imports.map(({ from, typeOnly }) => `${from}${typeOnly ? ' type' : ''}`).sort()).toEqual([
    'a type',
    'b',
    'c',
  ]);
});
