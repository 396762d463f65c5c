import { join } from 'node:path';
import { demoPassword } from '@bandeng/city';
import { startChild } from '@bandeng/deploy/child';
import { signIn } from '@bandeng/deploy/sign-in';
import { eventually, type KillableParts, killableParts, type Parts } from '@bandeng/testing';
import { oneGateway } from './gateways.ts';
import { breakGround, type Ground, root } from './ground.ts';
import { orderMany, type Street } from './load.ts';

/** A city in a process of its own that may be killed, on servers that may be killed. */
export interface FragileCity<P extends Parts = KillableParts> extends Ground<P>, AsyncDisposable {
  readonly address: string;
  /** Starts the process and waits until it serves. */
  start(more?: Record<string, string>): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Resolves when the process is gone, by whatever hand. */
  gone(): Promise<void>;
  running(): boolean;
  token(login: string): Promise<string>;
  /** Where a resident orders. */
  street(): Promise<Street>;
  /** Orders so many tickets, 16 at a time, each asked again with the same key until it is answered as done. */
  order(token: string, count: number): Promise<void>;
}

/** Makes a small city; nothing runs until `start`. */
export async function fragileCity(): Promise<FragileCity> {
  return cityOn(await killableParts());
}

/** The same on other servers. */
export async function cityOn<P extends Parts>(parts: P): Promise<FragileCity<P>> {
  const ground = await breakGround(parts);
  const { environment, plan, ledger } = ground;
  const address = `http://127.0.0.1:${environment.BANDENG_PORT}`;
  let child: ReturnType<typeof startChild> | undefined;
  const streetOf = (token: string): Street => ({ gateways: oneGateway(address), plan, ledger, token });
  const token = (login: string): Promise<string> => signIn(`${address}/oidc`, login, demoPassword);
  return {
    ...ground,
    address,
    async start(more = {}) {
      child = startChild({
        command: process.execPath,
        arguments: ['--disable-warning=ExperimentalWarning', join(root, 'deploy/src/all-in-one.ts')],
        log: join(parts.directory, 'city.log'),
        environment: { ...environment, ...more },
        workingDirectory: root,
      });
      await untilReady(address);
    },
    async kill() {
      child?.kill();
      await child?.ended;
    },
    async gone() {
      await child?.ended;
    },
    running: () => child?.alive() ?? false,
    token,
    street: async () => streetOf(await token('resident')),
    order: (given, count) => orderMany(streetOf(given), count),
    async [Symbol.asyncDispose]() {
      await child?.stop(10_000);
      await parts.dispose();
    },
  };
}

/** Waits until the gateway and all behind it are ready. */
export async function untilReady(address: string): Promise<void> {
  const ready = async (): Promise<void> => {
    const answer = await fetch(`${address}/readyz`);
    const said = await answer.text();
    if (!answer.ok) throw new Error(`not ready: ${said}`);
  };
  await eventually(ready, { within: 60_000 });
}
