import { createInterface } from 'node:readline/promises';
import { Mendable } from '../embedded/fault.ts';

/** Says what will happen and waits for a yes. Throws `Mendable` where nobody can be asked. */
export async function confirmed(what: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Mendable(`this ${what}: say --yes, for nobody can be asked here`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`This ${what}. Type yes to go on: `);
  terminal.close();
  return answer.trim().toLowerCase() === 'yes';
}
