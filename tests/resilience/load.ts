import { setTimeout as pause } from 'node:timers/promises';
import { type CityPlan, chanceFrom } from '@bandeng/city';
import type { Gateways } from './gateways.ts';
import type { Ledger } from './ledger.ts';

/** Where is asked, and where it is written down. */
export interface Street {
  readonly gateways: Gateways;
  readonly plan: CityPlan;
  readonly ledger: Ledger;
  /** Of a resident, who orders and withdraws. */
  readonly token: string;
}

/** What came of the requests so far. */
export interface LoadFigures {
  /** Orders that are answered as done. */
  readonly orders: number;
  /** Requests that had to be sent again: no connection, a broken one, or an answer of 500 and above. */
  readonly sentAgain: number;
  /** Requests that nobody answered, however often they were sent. */
  readonly unanswered: number;
  /** How often a request had to be sent again for which reason. */
  readonly reasons: ReadonlyMap<string, number>;
}

/** Orders that go on and on, while something is done to the city. */
export interface Load {
  readonly figures: LoadFigures;
  /** Waits until so many more orders are answered. */
  more(orders: number): Promise<void>;
  /** Begins nothing new and waits for what was begun. Throws when the city answered what it must not answer. */
  stop(): Promise<LoadFigures>;
}

export interface LoadOptions {
  readonly seed: number;
  /** Orders a second at most. */
  readonly rate: number;
  /** Requests at a time. */
  readonly workers?: number;
}

const PATIENCE = 120_000;

/** Half of the orders are withdrawn as soon as they are answered, and every second time something is looked at. */
export function startLoad(street: Street, { seed, rate, workers = 16 }: LoadOptions): Load {
  const figures = { orders: 0, sentAgain: 0, unanswered: 0, reasons: new Map<string, number>() };
  const chance = chanceFrom(seed);
  const started = performance.now();
  let begun = 0;
  let stopped = false;
  let fault: unknown;

  const ask = asker(street, figures);
  const { community } = homeOf(street.plan);
  const work = async (): Promise<void> => {
    while (!stopped) {
      const number = begun++;
      const [withdraws, looks] = [chance.between(1, 2) === 1, chance.between(1, 8)];
      const early = started + (number * 1_000) / rate - performance.now();
      if (early > 0) await pause(early);
      if (stopped) return;
      const key = `order-${String(number).padStart(6, '0')}-of-the-ledger`;
      const ticket = await ask.command('/v1/tickets', orderOf(street.plan, key), key);
      if (ticket === undefined) continue;
      figures.orders += 1;
      // One in two looks at something, which every service is asked for in turn.
      const seen = [`/v1/tickets/${ticket}`, '/v1/inbox', '/v1/me', `/v1/territories/${community}`][looks - 1];
      if (seen !== undefined) await ask.look(seen);
      if (withdraws) await ask.command(`/v1/tickets/${ticket}:withdraw`, {}, key.replace('order', 'withdrawal'));
    }
  };
  const working = Promise.all(
    Array.from({ length: workers }, () =>
      work().catch((thrown: unknown) => {
        fault ??= thrown;
        stopped = true;
      }),
    ),
  );
  return {
    figures,
    async more(orders) {
      const wanted = figures.orders + orders;
      while (figures.orders < wanted && !stopped) await pause(20);
    },
    async stop() {
      stopped = true;
      await working;
      if (fault !== undefined) throw fault;
      return figures;
    },
  };
}

/** Orders so many tickets, 16 at a time, each asked again with the same key until it is answered as done. */
export async function orderMany(street: Street, count: number): Promise<void> {
  const ask = asker(street, { sentAgain: 0, unanswered: 0, reasons: new Map() });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const key = `order-${String(next++).padStart(6, '0')}-of-the-ledger`;
      if ((await ask.command('/v1/tickets', orderOf(street.plan, key), key)) === undefined) {
        throw new Error(`${key} is not answered`);
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** An order in the community where the plan's resident lives. */
export function orderOf(plan: CityPlan, words: string): object {
  const { territory } = homeOf(plan);
  return { text: `第${words}件事`, territory, category: plan.categories[0]?.join('.') };
}

function homeOf(plan: CityPlan): { territory: string; community: string } {
  const territory = plan.postings.find(({ role }) => role === 'resident')?.territory ?? '';
  return { territory, community: territory.slice(0, 12) };
}

interface Asking {
  /** Answers the ticket, or undefined when nobody answered. */
  command(path: string, body: object, key: string): Promise<string | undefined>;
  look(path: string): Promise<void>;
}

type Counted = { sentAgain: number; unanswered: number; reasons: Map<string, number> };

function asker({ gateways, ledger, token }: Street, figures: Counted): Asking {
  const authorization = `Bearer ${token}`;

  async function ask(path: string, request: RequestInit, what: string): Promise<string | undefined> {
    const giveUpAt = performance.now() + PATIENCE;
    for (;;) {
      const { status, text } = await once(gateways.next(), path, request);
      if (status !== undefined && status < 500) {
        if (status > 299) throw new Error(`${what} is answered ${status}: ${text}`);
        return text;
      }
      if (performance.now() > giveUpAt) {
        figures.unanswered += 1;
        return undefined;
      }
      figures.sentAgain += 1;
      const reason = status === undefined ? text : `${status} ${/urn:bandeng:problem:([a-z-]+)/.exec(text)?.[1]}`;
      figures.reasons.set(reason, (figures.reasons.get(reason) ?? 0) + 1);
      await pause(100);
    }
  }

  return {
    async command(path, body, key) {
      ledger.intend(key);
      const headers = { authorization, 'content-type': 'application/json', 'idempotency-key': key };
      const text = await ask(path, { method: 'POST', headers, body: JSON.stringify(body) }, key);
      if (text === undefined) return undefined;
      const { id, version } = JSON.parse(text);
      ledger.answered(key, id, version);
      return id;
    },
    look: async (path) => void (await ask(path, { headers: { authorization } }, path)),
  };
}

/** Status and text of an answer, or why there is none. */
async function once(
  address: string | undefined,
  path: string,
  request: RequestInit,
): Promise<{ status?: number; text: string }> {
  if (address === undefined) return { text: 'no gateway is ready' };
  try {
    const answer = await fetch(address + path, { ...request, signal: AbortSignal.timeout(15_000) });
    return { status: answer.status, text: await answer.text() };
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
    return { text: cause instanceof Error ? String(Reflect.get(cause, 'code') ?? cause.name) : 'broken' };
  }
}
