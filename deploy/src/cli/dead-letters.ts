import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceName } from '@bandeng/contracts';
import { type DeadLetter, type DeadLetters, openDeadLetters } from '@bandeng/events';
import { Mendable } from '../embedded/fault.ts';
import { type Databases, installationOf, isKeeper, keepers, openDatabases } from '../installation.ts';
import { type Command, readArguments, WrongUse } from './command.ts';
import { plain, table } from './table.ts';

const flags = {
  service: { type: 'string' },
  status: { type: 'string', default: 'open' },
  all: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const statuses = ['open', 'requeued', 'handled'] as const;
const PAGE = 200;
const HANDLED_WITHIN_MS = 15_000;

type Status = DeadLetter['status'];
type Found = DeadLetter & { readonly service: ServiceName };
type Shelf = { readonly service: ServiceName; readonly letters: DeadLetters };

/** Exit codes of `requeue`: 0 when everything that was handed over is handled or waits for its service, 1 when it failed again. */
export const command: Command = {
  usage:
    'dead-letters list [--status open|requeued|handled|any] [--service NAME] | dead-letters show ID [--service NAME] | dead-letters requeue ID|--all [--service NAME]   (each with --json)',
  async run(args) {
    const { values, positionals } = readArguments(args, flags, { least: 1, most: 2 });
    const { service, json } = values;
    if (service !== undefined && !isKeeper(service)) throw new WrongUse(`there is no service '${service}'`);
    await using databases = openDatabases(await installationOf(process.env));
    const shelves = await shelvesOf(databases, service === undefined ? keepers : [service]);
    const [what, id] = positionals;
    switch (what) {
      case 'list':
        if (id !== undefined) throw new WrongUse(`'${id}' is not understood here`);
        return await list(shelves, statusOf(values.status), json);
      case 'show':
        return show(await find(shelves, id), json);
      case 'requeue':
        if (values.all && id !== undefined) throw new WrongUse('either one or all');
        return await requeue(shelves, values.all ? await read(shelves, 'open') : [await find(shelves, id)], json);
      default:
        throw new WrongUse(`'${what}' is not understood here`);
    }
  },
};

function statusOf(word: string): Status | undefined {
  const status = statuses.find((one) => one === word);
  if (status === undefined && word !== 'any') throw new WrongUse(`there is no status '${word}'`);
  return status;
}

/** Of services that have started once; looking makes nothing. */
async function shelvesOf(databases: Databases, names: readonly ServiceName[]): Promise<Shelf[]> {
  const shelves = await Promise.all(
    names.map(async (service) => {
      const database = await databases.of(service);
      const there = await database.listCollections({ name: 'dead_letters' }).hasNext();
      return there ? [{ service, letters: await openDeadLetters(database) }] : [];
    }),
  );
  return shelves.flat();
}

/** All of them, the newest first. */
async function read(shelves: readonly Shelf[], status: Status | undefined): Promise<Found[]> {
  const found: Found[] = [];
  for (const { service, letters } of shelves) {
    let after: string | undefined;
    for (;;) {
      const page = await letters.list({
        limit: PAGE,
        ...(status === undefined ? {} : { status }),
        ...(after === undefined ? {} : { after }),
      });
      found.push(...page.map((letter) => ({ ...letter, service })));
      after = page.at(-1)?.id;
      if (page.length < PAGE) break;
    }
  }
  return found.sort((one, other) => other.at.localeCompare(one.at));
}

async function find(shelves: readonly Shelf[], id: string | undefined): Promise<Found> {
  if (id === undefined) throw new WrongUse('which one? its id is missing');
  for (const { service, letters } of shelves) {
    const letter = await letters.show(id);
    if (letter !== undefined) return { ...letter, service };
  }
  throw new Mendable(`there is no dead letter ${id}; './bandeng dead-letters list --status any' shows all`);
}

async function list(shelves: readonly Shelf[], status: Status | undefined, json: boolean): Promise<number> {
  const letters = await read(shelves, status);
  if (json) {
    console.log(JSON.stringify(letters, null, 2));
    return 0;
  }
  if (letters.length === 0) {
    console.log(status === undefined ? 'no dead letters' : `no ${status} dead letters`);
    return 0;
  }
  const rows = letters.map(({ id, service, reaction, reason, type, aggregate, tries, at, status: its }) => [
    ...[id, service, its, reason, plain(reaction)],
    ...[plain(type.replace(/^bandeng\./, '')), plain(aggregate), String(tries), at.slice(0, 19).replace('T', ' ')],
  ]);
  const head = ['ID', 'SERVICE', 'STATUS', 'REASON', 'REACTION', 'EVENT', 'OF', 'TRIES', 'AT (UTC)'];
  console.log(table([head, ...rows]));
  console.log(
    "\n'./bandeng dead-letters show ID' says why; once the cause is gone: './bandeng dead-letters requeue ID'",
  );
  return 0;
}

function show(letter: Found, json: boolean): number {
  if (json) {
    console.log(JSON.stringify(letter, null, 2));
    return 0;
  }
  const { id, service, status, reason, problem, reaction, event, type, aggregate, stream, sequence, tries, at, raw } =
    letter;
  const rows = [
    ['id', id],
    ['service', service],
    ['status', status],
    ['reason', reason],
    ['problem', problem],
    ['reaction', reaction],
    ['event', event],
    ['type', type],
    ['aggregate', aggregate],
    ['in the stream', `${stream} ${sequence}`],
    ['tries', String(tries)],
    ['at', at],
  ];
  console.log(table(rows.map(([name = '', value = '']) => [name, plain(value)])));
  console.log(`\n${readable(raw)}`);
  return 0;
}

/** An event as people read it; what is none as it came, without what a terminal would obey. */
function readable(raw: string): string {
  try {
    return JSON.stringify(JSON.parse(raw), null, 2);
  } catch {
    return plain(raw.slice(0, 4_000));
  }
}

async function requeue(shelves: readonly Shelf[], letters: readonly Found[], json: boolean): Promise<number> {
  const shelfOf = new Map(shelves.map((shelf) => [shelf.service, shelf.letters]));
  const handedOver: { letter: Found; done: boolean }[] = [];
  for (const letter of letters) {
    const done = (await shelfOf.get(letter.service)?.requeue(letter.id)) ?? false;
    handedOver.push({ letter, done: done || letter.status === 'requeued' });
  }
  const until = performance.now() + HANDLED_WITHIN_MS;
  const outcomes: (Outcome & { letter: Found })[] = [];
  for (const { letter, done } of handedOver) {
    const shelf = shelfOf.get(letter.service);
    const outcome = done && shelf ? await outcomeOf(shelf, letter.id, until) : notOpen(letter);
    outcomes.push({ ...outcome, letter });
  }
  if (json) {
    console.log(
      JSON.stringify(
        outcomes.map(({ letter: { id, service }, outcome, says }) => ({ id, service, outcome, says })),
        null,
        2,
      ),
    );
  } else if (outcomes.length === 0) {
    console.log('no open dead letters');
  } else {
    console.log(table(outcomes.map(({ letter, says }) => [letter.id, letter.service, plain(says)])));
  }
  return outcomes.some(({ outcome }) => outcome === 'failed' || outcome === 'not-open') ? 1 : 0;
}

type Outcome = { readonly outcome: 'handled' | 'waits' | 'failed' | 'not-open'; readonly says: string };

const notOpen = ({ status }: DeadLetter): Outcome => ({ outcome: 'not-open', says: `it is ${status}` });

/** Waits for a while to see what comes of it. */
async function outcomeOf(letters: DeadLetters, id: string, until: number): Promise<Outcome> {
  for (;;) {
    const now = await letters.show(id);
    if (now?.status === 'handled') return { outcome: 'handled', says: 'handled' };
    if (now?.status === 'open') return { outcome: 'failed', says: `failed again: ${now.problem}` };
    if (performance.now() > until) break;
    await pause(200);
  }
  return { outcome: 'waits', says: 'handed over; it is handled as soon as the service runs and its neighbours answer' };
}
