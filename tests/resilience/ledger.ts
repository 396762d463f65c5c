import { appendFileSync, readFileSync } from 'node:fs';

/** What was answered to a command: done on this ticket, which then had this version. */
export interface Answered {
  readonly id: string;
  readonly version: number;
}

/** What was asked for and what was answered, written down as it happens: the witness after a fault. */
export interface Ledger {
  /** Before the call; the key is its Idempotency-Key. */
  intend(key: string): void;
  /** After the answer that counts. */
  answered(key: string, id: string, version: number): void;
  /** After an answer that says that nothing was done. */
  refused(key: string): void;
  /** Everything that was written down. */
  lines(): {
    readonly intended: ReadonlySet<string>;
    readonly answered: ReadonlyMap<string, Answered>;
    readonly refused: ReadonlySet<string>;
  };
}

/** A ledger in a file, so that it outlives whatever is killed. */
export function openLedger(file: string): Ledger {
  appendFileSync(file, '');
  const write = (line: object): void => appendFileSync(file, `${JSON.stringify(line)}\n`);
  return {
    intend: (key) => write({ key }),
    answered: (key, id, version) => write({ key, id, version }),
    refused: (key) => write({ key, refused: true }),
    lines() {
      const intended = new Set<string>();
      const answered = new Map<string, Answered>();
      const refused = new Set<string>();
      for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
        const { key, id, version, refused: was } = JSON.parse(line);
        if (was === true) refused.add(key);
        else if (id === undefined) intended.add(key);
        else answered.set(key, { id, version });
      }
      return { intended, answered, refused };
    },
  };
}
