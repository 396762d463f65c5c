import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { root } from './sources.ts';

const run = promisify(execFile);
/** Within the project, so that its packages are found. */
const fixtures = join(root, 'tests/rules/fixtures');

/** What the compiler says of a source under one of the project's configurations. */
async function complaints(configuration: string, text: string): Promise<string> {
  mkdirSync(fixtures, { recursive: true }); // git keeps no empty folder
  const folder = mkdtempSync(join(fixtures, 'case-'));
  try {
    writeFileSync(join(folder, 'case.ts'), text);
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, configuration),
        include: [
          'case.ts',
          ...(configuration === 'tsconfig.domain.json' ? [join(root, 'tests/rules/no-clock.d.ts')] : []),
        ],
        exclude: [],
      }),
    );
    await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder]);
    return '';
  } catch (fault) {
    return fault instanceof Error && 'stdout' in fault ? String(fault.stdout) : String(fault);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const decider = `
  import type { Decider, DomainEvent } from '@bandeng/decider';
  type Event = { type: 'ordered'; data: { at: string } } | { type: 'closed'; data: object };
`;

describe('what a domain may not do does not compile', () => {
  test.each([
    ['ask the clock', 'export const at: number = Date.now();'],
    ['ask the clock for today', 'export const at: string = new Date().toISOString();'],
    ['draw a number', 'export const drawn: number = Math.random();'],
    ['fetch', "export const page = fetch('http://localhost');"],
    ['read the environment', 'export const home = process.env;'],
  ])('%s', async (_name, text) => {
    expect(await complaints('tsconfig.domain.json', text)).toContain('error TS');
  });

  test('an instant that comes in with the command is read', async () => {
    expect(
      await complaints(
        'tsconfig.domain.json',
        'export const at = (instant: string): number => new Date(instant).getTime();',
      ),
    ).toBe('');
  });
});

describe('what was forgotten does not compile', () => {
  test.each([
    [
      'an event that is not folded',
      `${decider} export function evolve(_: number | undefined, event: Event): number { switch (event.type) { case 'ordered': return 1; } }`,
    ],
    [
      'a command that is not decided',
      `${decider} type Command = { type: 'order' } | { type: 'close' };
       export const decider: Decider<number, Command, Event & DomainEvent, never> = {
         decide(_, command) { switch (command.type) { case 'order': return []; } }, evolve: () => 1 };`,
    ],
    [
      'an event that is neither published nor private',
      `${decider} import type { Publications } from '@bandeng/events';
       export const publications: Publications<Event, object> = { ordered: 'private' };`,
    ],
    [
      'a refusal without an answer',
      `import type { RefusalTable } from '@bandeng/rpc';
       export const table: RefusalTable<'one' | 'two'> = { one: { kind: 'state', title: 'One' } };`,
    ],
    ['an enum, which would need a build step', 'export enum Colour { Red }'],
    ['a parameter property', 'export class Place { constructor(readonly code: string) {} }'],
  ])('%s', async (_name, text) => {
    const said = await complaints('tsconfig.json', text);
    expect(said).toContain('error TS');
    expect(said).not.toContain('TS2307'); // a module that is missing would prove nothing
  });
});
