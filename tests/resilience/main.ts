/** The long forms, as `./bandeng soak` calls them: `node tests/resilience/main.ts '{"names":["nats-away"],"seed":1,"minutes":0}'`. */
import { table } from '../../deploy/src/cli/table.ts';
import { catalogue } from './catalogue.ts';
import { type Done, heading, isFaulty, rowOf, writePage } from './page.ts';
import type { Form, Run } from './run.ts';

interface Wishes {
  /** Of runs; none for all. */
  readonly names: readonly string[];
  readonly seed: number;
  /** So long all is done once more, each time with the next seed. */
  readonly minutes: number;
  /** The short form is what the test command does: for whoever changes a run. */
  readonly form?: Form;
}

const { names, seed, minutes, form = 'long' }: Wishes = JSON.parse(process.argv[2] ?? '{}');
// `exit` ends the servers and removes their directories; a signal alone would not come by there.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const unknown = names.filter((name) => !catalogue.some((run) => run.name === name));
if (unknown.length > 0) {
  process.stderr.write(`there is no run '${unknown[0]}'; there are: ${catalogue.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
const chosen = catalogue.filter(({ name }) => names.length === 0 || names.includes(name));
const started = performance.now();
const all: Done[] = [];
let page: string | undefined;
for (let turn = 0; turn === 0 || performance.now() - started < minutes * 60_000; turn++) {
  for (const run of chosen) {
    const done = await perform(run, seed + turn);
    all.push(done);
    // At once: whoever ends this early has what came of it so far.
    if (form === 'long') page = writePage(done);
  }
}
process.stdout.write(`\n${table([heading, ...all.map(rowOf)])}\n`);
if (page !== undefined) process.stdout.write(`\nwritten to ${page}\n`);
process.exit(all.some(isFaulty) ? 1 : 0);

async function perform(run: Run, drawn: number): Promise<Done> {
  const at = new Date();
  const since = performance.now();
  const seconds = (): number => Math.round((performance.now() - since) / 1_000);
  const tell = (line: string): void => void process.stdout.write(`${String(seconds()).padStart(5)} s  ${line}\n`);
  process.stdout.write(`\n${run.name}, seed ${drawn}: ${run.fault(form)}\n`);
  const result = await run.perform(form, { seed: drawn, tell }).catch((fault: unknown) => {
    tell(fault instanceof Error ? (fault.stack ?? fault.message) : String(fault));
    return { brokenOff: fault instanceof Error ? fault.message : String(fault) };
  });
  const done = { run, fault: run.fault(form), seed: drawn, at, seconds: seconds(), result };
  if ('judgement' in result) {
    for (const [what, wrong] of Object.entries(result.judgement)) {
      if (wrong.length > 0) tell(`${what}: ${wrong.slice(0, 5).join(', ')}${wrong.length > 5 ? ', …' : ''}`);
    }
  }
  tell(isFaulty(done) ? 'not as it must be' : 'well');
  return done;
}
