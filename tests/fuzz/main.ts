/** Fuzzes a town of its own for long: `node tests/fuzz/main.ts MINUTES SEED`. Ends with 1 when something was found. */
import { Mendable } from '@bandeng/deploy';
import { fuzzDocument } from './document.ts';
import { fuzzEvents } from './events.ts';
import { fuzzFrames } from './frames.ts';
import { fuzzedTown } from './ground.ts';

const [minutes, seed] = process.argv.slice(2).map(Number);
const say = (line: string) => process.stderr.write(`${line}\n`);

// `exit` ends the servers and removes the directory; a signal alone would not come by there.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** One kind of fuzzing in its share of the time; what it finds does not keep the others from running. */
async function part(name: string, run: () => Promise<number>): Promise<boolean> {
  say(`${name} …`);
  try {
    process.stdout.write(`${name}: ${await run()} sent, nothing found\n`);
    return true;
  } catch (fault) {
    if (fault instanceof Mendable) throw fault;
    const about = fault instanceof Error && fault.cause instanceof Error ? `${fault}\n${fault.cause}` : String(fault);
    process.stdout.write(`${name}: FOUND\n${about}\n`);
    return false;
  }
}

try {
  const seconds = Math.max(10, Math.round((minutes ?? 10) * 60));
  const start = seed ?? 1;
  say(`seed ${start}, ${seconds} s`);
  const city = await fuzzedTown();
  const passed = [
    await part('events', () => fuzzEvents(city, { seed: start, seconds: seconds * 0.15 })),
    await part('frames', () => fuzzFrames(city, { seed: start, seconds: seconds * 0.15 })),
    await part('document', () => fuzzDocument(city, { seed: start, seconds: Math.round(seconds * 0.7), say })),
  ];
  await city.stop();
  process.exit(passed.every(Boolean) ? 0 : 1);
} catch (fault) {
  say(fault instanceof Mendable ? fault.message : String(fault instanceof Error ? fault.stack : fault));
  process.exit(1);
}
