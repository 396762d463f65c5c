import { type CityPlan, demoClients, demoPassword, type PlannedRole } from '@bandeng/city';
import { startAll } from '@bandeng/deploy/all-in-one';
import { type Answer, type Caller, callerAt } from '@bandeng/deploy/api';
import { seedCity } from '@bandeng/deploy/seeding';
import { signIn, signInSystem } from '@bandeng/deploy/sign-in';
import { eventually } from './eventually.ts';
import { type Parts, parts } from './parts.ts';

export type { Answer, Caller };

/** A small city that runs: all services in this process, on real servers, behind the gateway. */
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
  stop(): Promise<void>;
}

/** Starts a town at a fiftieth of a prefecture city's scale. */
export async function town(options: { scale?: number; environment?: Record<string, string> } = {}): Promise<Town> {
  const given = await parts();
  const environment = { ...given.environment, ...options.environment };
  const plan = await seedCity(environment, { scale: options.scale ?? 0.02, now: new Date() });
  if (plan === undefined) throw new Error('the database of a test is not empty');
  const running = await startAll(environment);
  const address = `http://127.0.0.1:${environment.BANDENG_PORT}`;
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
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (fault) {
    await stop();
    throw fault;
  }
}
