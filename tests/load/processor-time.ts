/** Where the time goes: what each process has used of the processors. */
import { readFileSync } from 'node:fs';

/** Processes by a name for each. */
export type Processes = Readonly<Record<string, number>>;

/** Milliseconds of a processor that a process has used so far; 0 where the kernel does not tell. */
function used(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name in parentheses: the 12th and 13th field are user and system time in ticks of 10 ms.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

/** What is used from now on; the function answers milliseconds for each process. */
export function stopwatch(processes: Processes): () => Record<string, number> {
  const names = Object.keys(processes);
  const at = (name: string): number => used(processes[name] ?? 0);
  const before = new Map(names.map((name) => [name, at(name)]));
  return () => Object.fromEntries(names.map((name) => [name, at(name) - (before.get(name) ?? 0)]));
}

/** Sums of several halves. */
export function tally(): { add(used: Record<string, number>, steps: number): void; line(): string } {
  const sums = new Map<string, number>();
  let steps = 0;
  return {
    add(used, count) {
      steps += count;
      for (const [name, milliseconds] of Object.entries(used)) sums.set(name, (sums.get(name) ?? 0) + milliseconds);
    },
    line: () => [...sums].map(([name, sum]) => `${name} ${(sum / Math.max(1, steps)).toFixed(2)}`).join(', '),
  };
}
