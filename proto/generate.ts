/**
 * Makes everything that follows from the contracts: `node proto/generate.ts` writes it, `--check` compares it with what is
 * there and names the files that drifted. Needs the workspace's own tools only, and no network.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { readContracts } from '../libs/contracts/src/descriptors.ts';
import { catalogueSource, packageSources } from './catalogue.ts';
import { asyncapiDocument, eventSchema } from './event-schemas.ts';
import { faultsOf } from './faults.ts';
import { openapiDocument } from './openapi.ts';

const root = join(import.meta.dirname, '..');
const generated = 'libs/contracts/src/gen';
const schemas = 'proto/schemas';
const documents = ['proto/openapi.json', 'proto/asyncapi.json'];
/** Made from what the contracts import, but used by no code of ours. */
const unused = ['google/api', 'google/protobuf/descriptor.ts', 'bandeng/options'];

/** Writes everything below `target`, which is laid out like the root of the repository. */
function generate(target: string): void {
  const folder = join(target, generated);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  buf('generate', '--output', target);
  for (const path of unused) rmSync(join(folder, path), { recursive: true, force: true });
  for (const name of filesBelow(folder)) sayEmptyLists(join(folder, name));
  const set = join(folder, 'descriptors.binpb');
  buf('build', '--as-file-descriptor-set', '--output', set);
  const contracts = readContracts(readFileSync(set));
  const faults = faultsOf(contracts);
  if (faults.length > 0) throw new Error(`the contracts are not as they must be:\n${faults.join('\n')}`);
  write(target, `${generated}/catalogue.ts`, catalogueSource(contracts));
  for (const [name, source] of packageSources(contracts)) write(target, `${generated}/${name}.ts`, source);
  write(target, 'proto/openapi.json', json(openapiDocument(contracts)));
  write(target, 'proto/asyncapi.json', json(asyncapiDocument(contracts)));
  for (const event of contracts.events) {
    write(target, `${schemas}/${event.name}.v1.json`, json(eventSchema(contracts, event)));
  }
}

function buf(...parameters: string[]): void {
  const tools = join(root, 'node_modules/.bin');
  const path = [tools, dirname(process.execPath), process.env.PATH].join(delimiter);
  execFileSync(join(tools, 'buf'), parameters, { cwd: root, env: { ...process.env, PATH: path }, stdio: 'inherit' });
}

/**
 * Lets proto JSON hold every list, also an empty one: a reader need not guess whether it is missing. ts-proto has an
 * option for scalars alone, so this is done to the code it makes.
 */
function sayEmptyLists(file: string): void {
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replaceAll(/if \(message\.(\w+)\?\.length\) \{/g, 'if (message.$1) {'),
  );
}

function write(target: string, path: string, content: string): void {
  const file = join(target, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function json(document: object): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** Everything that is generated and is there, relative to a root. */
function outputs(base: string): string[] {
  const below = [generated, schemas].flatMap((folder) =>
    filesBelow(join(base, folder)).map((name) => join(folder, name)),
  );
  return [...below, ...documents];
}

/** Files that differ, are missing or are left over, relative to the root. */
function drifted(fresh: string): string[] {
  const content = (base: string, name: string) => {
    const file = join(base, name);
    return existsSync(file) ? readFileSync(file) : undefined;
  };
  return [...new Set([...outputs(fresh), ...outputs(root)])].sort().filter((name) => {
    const made = content(fresh, name);
    return made === undefined || content(root, name)?.equals(made) !== true;
  });
}

const fresh = mkdtempSync(join(tmpdir(), 'bandeng-contracts-'));
try {
  generate(fresh);
  const files = drifted(fresh);
  if (!process.argv.includes('--check')) {
    for (const name of files) {
      rmSync(join(root, name), { force: true });
      if (existsSync(join(fresh, name))) cpSync(join(fresh, name), join(root, name));
    }
    console.log(files.length === 0 ? 'nothing changed' : `written: ${files.join(', ')}`);
  } else if (files.length > 0) {
    console.error(`not as the contracts say (run node proto/generate.ts):\n${files.join('\n')}`);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
