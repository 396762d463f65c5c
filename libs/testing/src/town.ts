import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CityPlan, demoClients, demoPassword, type PlannedRole } from '@bandeng/city';
import { startAll } from '@bandeng/deploy/all-in-one';
import { type Answer, type Caller, callerAt } from '@bandeng/deploy/api';
import { startChild } from '@bandeng/deploy/child';
import { seedCity } from '@bandeng/deploy/seeding';
import { signIn, signInSystem } from '@bandeng/deploy/sign-in';
import type { RunningService } from '@bandeng/service';
import { eventually } from './eventually.ts';
import { type Parts, parts } from './parts.ts';

export type { Answer, Caller };

/** A small city that runs: all services in one process, on real servers, behind the gateway. */
export interface Town extends AsyncDisposable {
  readonly plan: CityPlan;
  readonly parts: Parts;
  /** `http://127.0.0.1:<port>` */
  readonly address: string;
  /** The demo login of a role, signed in through the provider's own form; once for each role. */
  as(role: PlannedRole): Promise<Caller>;
  /** A demo client, signed in by its secret. */
  system(id: 'demo-system' | 'demo-import'): Promise<Caller>;
  /** Whoever sends this token, or none. */
  with(token: string | undefined): Caller;
  /** All that a town apart has written to its log so far. */
  log(): string;
  stop(): Promise<void>;
}

/** How a town is started. */
export interface TownOptions {
  readonly scale?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** In a process of its own, whose log is kept; else in this one. */
  readonly apart?: boolean;
  /** Servers of the test's own, given back when the town stops. */
  readonly parts?: Parts;
}

/** Starts a town at a fiftieth of a prefecture city's scale. */
export async function town(options: TownOptions = {}): Promise<Town> {
  const given = options.parts ?? (await parts());
  const environment = { ...given.environment, ...options.environment };
  const plan = await seedCity(environment, { scale: options.scale ?? 0.02, now: new Date() });
  if (plan === undefined) throw new Error('the database of a test is not empty');
  const address = `http://127.0.0.1:${environment.BANDENG_PORT}`;
  const logFile = join(given.directory, 'town.log');
  const running = options.apart === true ? startApart(environment, address, logFile) : await startAll(environment);
  const stop = async (): Promise<void> => {
    await running.stop();
    await given.dispose();
  };
  try {
    const ready = async (): Promise<void> => {
      if (!(await running.ready())) throw new Error('not every service is ready');
    };
    await eventually(ready, { within: 20_000 });
    const issuer = `${address}/oidc`;
    const signedIn = new Map<string, Promise<Caller>>();
    const once = (key: string, token: () => Promise<string>): Promise<Caller> => {
      const known = signedIn.get(key) ?? token().then((fresh) => callerAt(address, fresh));
      signedIn.set(key, known);
      return known;
    };
    return {
      plan,
      parts: given,
      address,
      as: (role) => once(role, () => signIn(issuer, role, demoPassword)),
      system: (id) =>
        once(id, () => signInSystem(issuer, id, demoClients.find((client) => client.id === id)?.secret ?? '')),
      with: (token) => callerAt(address, token),
      log: () => (options.apart === true ? readFileSync(logFile, 'utf8') : ''),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

/** All services in a process of their own. */
function startApart(
  environment: Record<string, string>,
  address: string,
  log: string,
): Pick<RunningService, 'ready' | 'stop'> {
  const program = join(import.meta.dirname, '../../../deploy/src/all-in-one.ts');
  const child = startChild({
    command: process.execPath,
    arguments: ['--disable-warning=ExperimentalWarning', program],
    log,
    environment,
  });
  return {
    ready: async () => (await fetch(`${address}/readyz`)).ok,
    stop: () => child.stop(10_000),
  };
}
