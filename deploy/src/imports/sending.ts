import { setTimeout as pause } from 'node:timers/promises';
import { Mendable, messageOf } from '../embedded/fault.ts';
import type { Fault, Order, Plan } from './rows.ts';

export interface SendOptions {
  /** The gateway's address. */
  readonly gateway: string;
  /** A valid access token; asked again when one was refused. */
  token(fresh: boolean): Promise<string>;
  readonly concurrency?: number;
  /** Only asks what would come of each row. */
  readonly dryRun?: boolean;
  /** Told after each row. */
  progress(done: number, all: number): void;
}

export interface Sent {
  readonly imported: number;
  readonly alreadyThere: number;
  readonly faults: readonly Fault[];
}

type Outcome = 'imported' | 'already there' | Fault;

const TRIES = 12;
/** Refusals that every row would meet, unless it names its own place. */
const hopeless = new Set(['unknown-territory', 'not-permitted', 'sign-in-needed', 'token-invalid', 'not-found']);

/** Sends the orders of a plan, several at once. Throws `Mendable` when none can get through. */
export async function sendAll(plan: Plan, options: SendOptions): Promise<Sent> {
  const outcomes: Outcome[] = [];
  const waiting = plan.orders.values(); // one iterator for all workers: each takes what is next
  const stopping = new AbortController();
  const worker = async (): Promise<void> => {
    for (const order of waiting) {
      if (stopping.signal.aborted) return;
      outcomes.push(await send(plan, order, options));
      options.progress(outcomes.length, plan.orders.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: options.concurrency ?? 16 }, worker));
  } finally {
    stopping.abort();
  }
  const faults = outcomes.filter((outcome) => typeof outcome !== 'string');
  const count = (wanted: Outcome): number => outcomes.filter((outcome) => outcome === wanted).length;
  return { imported: count('imported'), alreadyThere: count('already there'), faults };
}

async function send(plan: Plan, order: Order, options: SendOptions): Promise<Outcome> {
  let freshToken = false;
  for (let tries = 1; ; tries++) {
    const token = await options.token(freshToken);
    const answer = await fetch(options.gateway + plan.path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'accept-language': 'en',
        // What is only tried is no command, so it has no key.
        ...(options.dryRun ? {} : { 'idempotency-key': order.key }),
      },
      body: JSON.stringify(options.dryRun ? { ...order.body, dryRun: true } : order.body),
      signal: AbortSignal.timeout(30_000),
    }).catch((thrown: unknown) => messageOf(thrown));
    if (typeof answer === 'string') {
      if (tries === TRIES)
        throw new Mendable(`${options.gateway} does not answer (${answer}); what is missing comes with the next try`);
      await pause(backoff(tries));
      continue;
    }
    const text = await answer.text();
    if (answer.ok) return answer.headers.get('idempotency-replayed') === 'true' ? 'already there' : 'imported';
    const problem = problemOf(text);
    if (answer.status === 401 && !freshToken) {
      freshToken = true;
    } else if ((answer.status === 429 || answer.status >= 500 || problem.reason === 'busy') && tries < TRIES) {
      await pause(Math.max(backoff(tries), 1000 * Number(answer.headers.get('retry-after') ?? 0)));
    } else {
      return faultOf(plan, order, answer.status, problem);
    }
  }
}

// With chance in it, so that sixteen do not come back at once.
const backoff = (tries: number): number => Math.min(10_000, 100 * 2 ** tries) * (0.5 + Math.random() / 2);

interface Problem {
  readonly reason: string;
  readonly title: string;
  readonly detail: string;
  readonly fields: readonly { readonly field: string; readonly message: string }[];
}

function problemOf(text: string): Problem {
  try {
    const { type = '', title = '', detail = '', fields = [] } = JSON.parse(text);
    return { reason: String(type).split(':').at(-1) ?? '', title, detail, fields };
  } catch {
    return { reason: '', title: text.slice(0, 200), detail: '', fields: [] };
  }
}

function faultOf(plan: Plan, { row }: Order, status: number, problem: Problem): Fault {
  const { reason, title, detail, fields } = problem;
  const said = [title, detail].filter((part) => part !== '').join(': ') || `the answer was ${status}`;
  const ofTheRow = reason === 'unknown-territory' && plan.columnOf('territory') !== '';
  if (hopeless.has(reason) && !ofTheRow) throw new Mendable(`${said} (${reason})`);
  const field = fields[0];
  if (field) return { row, column: plan.columnOf(field.field), reason: field.message };
  return { row, column: '', reason: said };
}
