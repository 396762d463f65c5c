/**
 * What an operation costs as data grows: two installations side by side that differ in nothing but how many tickets they hold, or
 * how large the graph is, measured in turns. A figure is what it costs in the large one for each of what it costs in the small.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { questionsOf } from './access.ts';
import { insertClones } from './clones.ts';
import { type Connection, expected, openConnections } from './connections.ts';
import { tell } from './detail.ts';
import { type Ground, onGround, orderOne, sceneOf } from './ground.ts';
import { closedLoop } from './loops.ts';
import { type Result, ratios, summary } from './pairs.ts';
import { insertPast } from './past.ts';
import { stopwatch } from './processor-time.ts';

const sizes = { small: 10_000, large: 1_000_000 };
const graphs = { small: 12, large: 5_000 };
const half = 2_500;
const pairs = 6;
const warmUp = 6_000;
/** Few at a time, so that nothing waits for anything else: this is about what it costs, not about how much fits. */
const width = 4;
const turned = 10;
/** What mongod of a city would have at least; the same for both. */
const cacheGigabytes = 1;

interface Operation {
  /** Makes what is used up, enough for so many milliseconds. */
  ready?(milliseconds: number): Promise<void>;
  /** Does it for some time; answers how often. */
  run(milliseconds: number): Promise<number>;
}
/** One request on a connection; false says that there is nothing left to do. */
type Step = (line: Connection) => Promise<boolean>;

type Operations = Readonly<Record<'create' | 'transition' | 'queue' | 'list', Operation>>;

/** Called before each part of some seconds. */
type Turn = () => Promise<void>;

export async function curves(turn: Turn = async () => {}): Promise<Result> {
  const checks = await checksCurve(turn);
  const others = await onGround((small) => onGround((large) => ticketCurves(small, large, turn), { cacheGigabytes }), {
    cacheGigabytes,
  });
  const all = [...others, checks];
  return { line: all.map(({ line }) => line).join('\n'), missed: all.some(({ missed }) => missed) };
}

async function ticketCurves(small: Ground, large: Ground, turn: Turn): Promise<Result[]> {
  await fill(small, sizes.small, turn);
  await fill(large, sizes.large, turn);
  const both = [await operationsOn(small), await operationsOn(large)] as const;
  const names = ['create', 'transition', 'queue', 'list'] as const;
  const most = { create: 1.25, transition: 1.25, queue: 1.3, list: 1.3 };
  const results: Result[] = [];
  for (const name of names) {
    const [one, other] = [both[0][name], both[1][name]];
    for (const operation of [one, other]) {
      await turn();
      await operation.ready?.(warmUp);
      await operation.run(warmUp);
    }
    const measured: { ours: number; baseline: number }[] = [];
    const rates: { ours: number; baseline: number }[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      await turn();
      const baseline = await costOf(small, one);
      const ours = await costOf(large, other);
      measured.push({ ours: ours.milliseconds, baseline: baseline.milliseconds });
      rates.push({ ours: ours.rate, baseline: baseline.rate });
    }
    const cost = (of: 'ours' | 'baseline'): string => summary(measured.map((pair) => pair[of])).median.toFixed(2);
    const rate = summary(ratios(rates)).median.toFixed(2);
    tell(`curve ${name}: processor ms each ${cost('baseline')} to ${cost('ours')}; rate ${rate}`);
    results.push(curveLine(name, ratios(measured), most[name]));
  }
  return results;
}

async function fill(ground: Ground, count: number, turn: Turn): Promise<void> {
  const started = performance.now();
  const { community } = sceneOf(ground.plan);
  const tickets = ticketsOf(ground);
  await insertPast(tickets, community, count, async (done) => {
    if (done % 100_000 === 0 || done === count) await turn();
  });
  tell(`curves: ${count} tickets written in ${((performance.now() - started) / 1_000).toFixed(0)} s`);
}

function ticketsOf(ground: Ground) {
  return ground.database('tickets').collection<{ _id: string }>('tickets');
}

/** What it costs everybody, with what follows from it. */
async function costOf(ground: Ground, operation: Operation): Promise<{ milliseconds: number; rate: number }> {
  await operation.ready?.(half);
  await ground.settle();
  const { load: _, ...processes } = ground.processes;
  const watch = stopwatch(processes);
  const started = performance.now();
  const times = await operation.run(half);
  const rate = (times * 1_000) / (performance.now() - started);
  await ground.settle();
  // What is handled is not yet acknowledged everywhere.
  await pause(100);
  const used = Object.values(watch()).reduce((sum, one) => sum + one, 0);
  return { milliseconds: used / Math.max(1, times), rate };
}

async function operationsOn(ground: Ground): Promise<Operations> {
  const { order, grid, community } = sceneOf(ground.plan);
  const resident = await ground.token('resident');
  const dispatcher = await ground.token('community_dispatcher');
  const supervisor = await ground.token('city_supervisor');
  const [line] = await openConnections(ground.port, 1);
  const ordered = await orderOne({ ...ground, lines: line === undefined ? [] : [line] }, order, resident);
  line?.close();
  const tickets = ticketsOf(ground);
  // So that there is something to turn the pages of also where few are waiting.
  await insertClones(tickets, ordered, 500);
  const body = JSON.stringify({ handler: { grid } });
  let fresh: string[] = [];

  const dispatch: Step = async (line) => {
    const id = fresh.pop();
    if (id === undefined) return false;
    expected(await line.ask('POST', `/v1/tickets/${id}:dispatch`, dispatcher, body, crypto.randomUUID()), 200);
    return true;
  };
  const create: Step = async (line) => {
    expected(await line.ask('POST', '/v1/tickets', resident, order, crypto.randomUUID()), 201);
    return true;
  };
  const pages = (path: string, token: string): Step => {
    const places = new WeakMap<Connection, { page: number; cursor: string }>();
    return async (line) => {
      const place = places.get(line) ?? { page: 0, cursor: '' };
      places.set(line, place);
      const next = place.cursor === '' ? path : `${path}&pageToken=${encodeURIComponent(place.cursor)}`;
      const answer = await line.ask('GET', next, token);
      const cursor = /"nextPageToken":"([^"]+)"/.exec(expected(answer, 200))?.[1] ?? '';
      place.page = cursor === '' ? 0 : (place.page + 1) % turned;
      place.cursor = place.page === 0 ? '' : cursor;
      return true;
    };
  };
  const counted = async (milliseconds: number, step: Step): Promise<number> => {
    // Fresh ones: those that were silent while tickets were written are closed by the gateway.
    const lines = await openConnections(ground.port, width);
    let times = 0;
    const one = async (connection: number): Promise<boolean> => {
      const line = lines[connection];
      const done = line !== undefined && (await step(line));
      if (done) times += 1;
      return done;
    };
    try {
      await closedLoop(milliseconds, one, width);
    } finally {
      for (const line of lines) line.close();
    }
    return times;
  };
  const waiting = pages(`/v1/tickets?territory=${community}&status=ORDERED&pageSize=20`, dispatcher);
  const latest = pages('/v1/tickets?pageSize=20', supervisor);
  return {
    create: { run: (milliseconds) => counted(milliseconds, create) },
    transition: {
      async ready(milliseconds) {
        fresh = await insertClones(tickets, ordered, Math.ceil(milliseconds / 2));
      },
      run: (milliseconds) => counted(milliseconds, dispatch),
    },
    queue: { run: (milliseconds) => counted(milliseconds, waiting) },
    list: { run: (milliseconds) => counted(milliseconds, latest) },
  };
}

async function checksCurve(turn: Turn): Promise<Result> {
  await turn();
  const small = await questionsOf(graphs.small);
  const large = await questionsOf(graphs.large);
  for (let round = 0; round < 20; round++) {
    small.ask();
    large.ask();
  }
  const measured = Array.from({ length: 40 }, () => ({ baseline: small.ask(), ours: large.ask() }));
  await small.close();
  await large.close();
  const middle = (of: 'ours' | 'baseline'): string => summary(measured.map((pair) => pair[of])).median.toFixed(2);
  tell(`curve checks: µs each ${middle('baseline')} to ${middle('ours')}`);
  return curveLine('checks', ratios(measured), 1.5);
}

/** `curve create 1.08 (must 1.25) spread 0.99-1.12` */
function curveLine(name: string, values: readonly number[], must: number): Result {
  const { median, least, most } = summary(values);
  const two = (value: number): string => value.toFixed(2);
  const line = `curve ${name} ${two(median)} (must ${two(must)}) spread ${two(least)}-${two(most)}`;
  return { line, missed: median > must };
}
