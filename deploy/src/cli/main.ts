import { isMendable, messageOf } from '../embedded/fault.ts';
import { type Command, WrongUse } from './command.ts';

const commands: Record<string, [help: string, load: () => Promise<{ command: Command }>]> = {
  up: ['starts everything, and the demo city when the database is empty', () => import('./up.ts')],
  down: ['stops it', () => import('./down.ts')],
  status: ['says what runs and whether it is ready', () => import('./status.ts')],
  reset: ['deletes all data (asks first)', () => import('./reset.ts')],
  administrator: ['makes the first administrator of an installation', () => import('./administrator.ts')],
  token: ['signs in and prints the access token', () => import('./token.ts')],
  demo: ['plays one order from the text to the rating', () => import('./demo.ts')],
  import: ['takes over categories or tickets from a CSV file', () => import('./import.ts')],
  doctor: ['looks whether everything is as it should be', () => import('./doctor.ts')],
  'dead-letters': ['shows messages that were given up, and hands them over again', () => import('./dead-letters.ts')],
  events: ['makes a stream anew, or has events handled again', () => import('./events.ts')],
  bench: ['measures speed against the least that could do the same', () => import('./bench.ts')],
  fuzz: ['asks anything of a town of its own, for long', () => import('./fuzz.ts')],
  soak: ['takes away what a city stands on, for long, and judges what came of it', () => import('./soak.ts')],
  test: ['runs all checks and tests', () => import('./test.ts')],
};

function help(): string {
  const lines = Object.entries(commands).map(([name, [line]]) => `  ${name.padEnd(15)}${line}`);
  return ['usage: ./bandeng COMMAND ...', '', ...lines].join('\n');
}

process.stdout.on('error', () => process.exit()); // whoever read on has gone, as `head` does

const [name = 'help', ...args] = process.argv.slice(2);
const found = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (found) {
  const { command } = await found[1]();
  try {
    if (args.includes('--help')) console.log(`usage: ./bandeng ${command.usage}`);
    else process.exitCode = await command.run(args);
  } catch (thrown) {
    process.exitCode = thrown instanceof WrongUse ? 2 : 1;
    const known = isMendable(thrown) || thrown instanceof WrongUse;
    console.error(`bandeng ${name}: ${known || !(thrown instanceof Error) ? messageOf(thrown) : thrown.stack}`);
    if (thrown instanceof WrongUse) console.error(`usage: ./bandeng ${command.usage}`);
  }
} else if (['help', '--help', '-h'].includes(name)) {
  console.log(help());
} else {
  console.error(`bandeng: there is no command '${name}'\n\n${help()}`);
  process.exitCode = 2;
}
