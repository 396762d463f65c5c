import { join } from 'node:path';
import { type CityPlan, demoPassword } from '@bandeng/city';
import { startChild } from '@bandeng/deploy/child';
import { seedCity } from '@bandeng/deploy/seeding';
import { signIn } from '@bandeng/deploy/sign-in';
import { eventually, type KillableParts, killableParts, settled } from '@bandeng/testing';
import { type Ledger, openLedger } from './ledger.ts';
import { orderMany } from './orders.ts';

const root = join(import.meta.dirname, '../..');

/** A city in a process of its own that may be killed, on servers that may be killed. */
export interface FragileCity extends AsyncDisposable {
  readonly parts: KillableParts;
  readonly plan: CityPlan;
  readonly ledger: Ledger;
  readonly address: string;
  /** Starts the process and waits until it serves. */
  start(more?: Record<string, string>): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Resolves when the process is gone, by whatever hand. */
  gone(): Promise<void>;
  running(): boolean;
  token(login: string): Promise<string>;
  /** Orders so many tickets, 16 at a time, each asked again with the same key until it is answered as done. */
  order(token: string, count: number, each?: (number: number) => void): Promise<void>;
  /** Waits until nothing is left to publish or to react to. */
  drained(): Promise<void>;
}

/** Makes a small city; nothing runs until `start`. */
export async function fragileCity(): Promise<FragileCity> {
  const parts = await killableParts();
  const environment: Record<string, string> = {
    ...parts.environment,
    BANDENG_RATE_LIMIT: 'off',
    BANDENG_MOST_DELAY_MS: '0',
  };
  const plan = await seedCity(environment, { scale: 0.02, now: new Date() });
  if (plan === undefined) throw new Error('the demo city was not made');
  const ledger = openLedger(join(parts.directory, 'ledger.jsonl'));
  const address = `http://127.0.0.1:${environment.BANDENG_PORT}`;
  let child: ReturnType<typeof startChild> | undefined;

  const place = { address, plan, ledger };
  return {
    parts,
    plan,
    ledger,
    address,
    async start(more = {}) {
      child = startChild({
        command: process.execPath,
        arguments: ['--disable-warning=ExperimentalWarning', join(root, 'deploy/src/all-in-one.ts')],
        log: join(parts.directory, 'city.log'),
        environment: { ...environment, ...more },
        workingDirectory: root,
      });
      await eventually(
        async () => {
          if (!(await fetch(`${address}/readyz`)).ok) throw new Error('not ready');
        },
        { within: 60_000 },
      );
    },
    async kill() {
      child?.kill();
      await child?.ended;
    },
    async gone() {
      await child?.ended;
    },
    running: () => child?.alive() ?? false,
    token: (login) => signIn(`${address}/oidc`, login, demoPassword),
    order: (token, count, each) => orderMany(place, token, count, each),
    drained: async () => void (await settled(parts)),
    async [Symbol.asyncDispose]() {
      await child?.stop(10_000);
      await parts.dispose();
    },
  };
}
