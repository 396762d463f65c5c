/** What else a bench has to tell, on standard error: standard output has the one line of the figure. */
import { loadavg } from 'node:os';
import { type Pair, ratios, summary } from './pairs.ts';

export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The rates behind the ratios. */
export function detail(name: string, pairs: readonly Pair[], unit: string): void {
  const middle = (values: number[]): string => Math.round(summary(values).median).toLocaleString('en');
  const ours = middle(pairs.map((pair) => pair.ours));
  const baseline = middle(pairs.map((pair) => pair.baseline));
  const each = ratios(pairs).map((ratio) => ratio.toFixed(2));
  tell(`${name}: ours ${ours}, baseline ${baseline} ${unit}; pair by pair ${each.join(' ')}`);
}

/** What else ran on the machine when the bench began: figures of a busy machine are worth less. */
export function tellLoad(): void {
  tell(`load of the machine before: ${loadavg()[0]?.toFixed(1)}`);
}
