import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Mendable } from '../embedded/fault.ts';

/** Asks for words that nobody shall see, one after the other: without echo at a terminal, else a line of standard input each. */
export async function askSecretly(...questions: readonly string[]): Promise<string[]> {
  const atTerminal = process.stdin.isTTY === true;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: atTerminal });
  const typed = lines[Symbol.asyncIterator]();
  const answers: string[] = [];
  for (const question of questions) {
    if (atTerminal) process.stderr.write(`${question}: `);
    const { value, done } = await typed.next();
    if (atTerminal) process.stderr.write('\n');
    if (done === true || value === '') break;
    answers.push(value);
  }
  lines.close();
  if (answers.length === 0) throw new Mendable('nothing was typed: give it by standard input');
  return answers;
}
