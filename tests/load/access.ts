/**
 * One check of rights over a graph of five levels, as a service makes it for a row: may the caller do this to it, what else may
 * they, and the filter of a list; by postings looked up in the directory. In this process: nothing of it waits for anything.
 */
import type { AccessObject } from '@bandeng/access';
import { type CityPlan, planCity } from '@bandeng/city';
import { ListChangesResponse } from '@bandeng/contracts/orggraph';
import { type Directory, kindOf, openDirectory } from '@bandeng/directory';
import type { Call } from '@bandeng/rpc';
import { bindAccess } from '@bandeng/service';
import { figureLine, type Result } from './pairs.ts';

/** People at work within a minute, and the tickets before them, whatever the size of the city. */
const people = 500;
const objects = 2_000;
const asked = ['tickets.dispatch', 'tickets.read', 'tickets.accept', 'tickets.resolve'] as const;

/** Who asks what of what, in a city of some size. */
interface Questions {
  /** Makes all checks once; answers microseconds for one. */
  ask(): number;
  close(): Promise<void>;
}

/** A city with so many communities, of which the same number of people work and ask. */
export async function questionsOf(communities: number): Promise<Questions> {
  const now = new Date();
  const plan = planCity({ communities, scale: 0.05, now });
  const directory = await directoryOf(plan, now);
  const access = bindAccess(directory, () => now);
  // A stride that is prime to everything: every role is there as often as in the city, whatever its size.
  const workers = Array.from({ length: people }, (_, index) => plan.postings[(index * 7_919) % plan.postings.length]);
  const calls = workers.map((worker, index) => callOf(worker?.person ?? '', asked[index % asked.length], now));
  const buildings = plan.territories.filter(({ code }) => kindOf(code) === 'building');
  const documents = Array.from({ length: objects }, (_, index): AccessObject => {
    // Of four tickets three lie where the caller is, as those of a list do.
    const place = workers[index % workers.length]?.territory ?? '';
    const near = buildings.find(({ code }) => code.startsWith(place.slice(0, 12)))?.code ?? '';
    const code = index % 4 === 0 ? (buildings[(index * 7_919) % buildings.length]?.code ?? '') : near;
    const handler = [undefined, `grid:${code.slice(0, 12)}001`, `open_call:${code.slice(0, 12)}`][index % 3];
    // Read from a database each has its own text, however many lie in one place.
    const territories = directory.ancestors(code).map((one) => Buffer.from(one).toString('latin1'));
    return { territories, handler, orderer: `person-${index}` };
  });
  return {
    ask() {
      const started = performance.now();
      for (const [index, object] of documents.entries()) {
        const asking = calls[index % calls.length];
        if (asking === undefined) continue;
        const call = { ...asking };
        access.permit(call, object);
        access.permitted(call, object);
        access.filter(call, 'tickets.read');
      }
      return ((performance.now() - started) * 1_000) / documents.length;
    },
    close: () => directory.close(),
  };
}

/** The directory of a service, fed by a plan instead of the organization graph. */
async function directoryOf({ territories, units, postings }: CityPlan, now: Date): Promise<Directory> {
  const validFrom = new Date(now.getTime() - 86_400_000).toISOString();
  const answer = ListChangesResponse.fromJSON({
    asOf: now.toISOString(),
    units: units.map((unit) => ({ ...unit, version: 1, kind: unit.kind.toUpperCase() })),
    territories: territories.map(({ code, name, covers }) => {
      return { id: code, version: 1, name, kind: kindOf(code)?.toUpperCase(), covers, validFrom };
    }),
    postings: postings.map((posting) => ({ ...posting, version: 1, role: posting.role.toUpperCase() })),
  });
  const still = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const silent = { ready: Promise.resolve(), position: () => '', silent: () => false, close: async () => {} };
  const directory = await openDirectory({
    orggraph: { listChanges: async () => answer },
    bus: { connected: () => true, onConnected: () => () => {}, live: () => silent },
    log: still,
  });
  await directory.whenReady();
  return directory;
}

function callOf(person: string, action: Call['action'], now: Date): Call {
  return {
    caller: { kind: 'person', id: person },
    rpc: 'bench.Check',
    ...(action === undefined ? {} : { action }),
    language: 'zh-CN',
    deadline: new Date(now.getTime() + 3_000),
    signal: new AbortController().signal,
    trace: '',
    requestHash: '',
    commandId: '',
    replayed: () => {},
  };
}

export async function access(): Promise<Result> {
  const questions = await questionsOf(12);
  for (let round = 0; round < 20; round++) questions.ask();
  const rounds = Array.from({ length: 50 }, () => questions.ask());
  await questions.close();
  return figureLine('access', rounds, { must: 20, aim: 5, unit: 'µs', digits: 2 });
}
