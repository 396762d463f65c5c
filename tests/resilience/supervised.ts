import { join } from 'node:path';
import { demoPassword } from '@bandeng/city';
import { type ServiceProcess, startingOrder } from '@bandeng/deploy';
import { startChild } from '@bandeng/deploy/child';
import { signIn } from '@bandeng/deploy/sign-in';
import { parts as borrow, eventually, type Parts } from '@bandeng/testing';
import { readState } from '../../deploy/src/state.ts';
import { untilReady } from './city.ts';
import { oneGateway } from './gateways.ts';
import { breakGround, type Ground, root } from './ground.ts';
import type { Street } from './load.ts';

/** A city as `./bandeng up --processes` keeps it: a process for each service, and one that starts them again. */
export interface SupervisedCity extends Ground<Parts>, AsyncDisposable {
  /** SIGKILL to the process of a service. */
  kill(service: ServiceProcess): Promise<void>;
  /** Waits until the process of a service is another one than the last that was killed, and all are ready. */
  restored(): Promise<void>;
  street(): Promise<Street>;
}

/** Starts it and waits until it serves. */
export async function supervisedCity(): Promise<SupervisedCity> {
  const ground = await breakGround(await borrow());
  const { parts, plan, ledger, environment } = ground;
  const run = environment.BANDENG_RUN ?? '';
  const address = `http://127.0.0.1:${environment.BANDENG_PORT}`;
  const supervisor = startChild({
    command: process.execPath,
    arguments: [
      '--disable-warning=ExperimentalWarning',
      join(root, 'deploy/src/supervisor.ts'),
      JSON.stringify({ processes: true, demo: 'none' }),
    ],
    log: join(parts.directory, 'supervisor.log'),
    environment: { ...environment, BANDENG_LOG: join(parts.directory, 'log') },
    workingDirectory: root,
    whenOrphaned: 'SIGTERM',
  });
  const killed = new Map<string, number>();
  const pidOf = async (service: string): Promise<number> => {
    const pid = (await readState(run))?.processes[service]?.pid;
    if (pid === undefined || pid === killed.get(service)) throw new Error(`${service} does not run`);
    return pid;
  };
  await untilReady(address);
  return {
    ...ground,
    async kill(service) {
      const pid = await eventually(() => pidOf(service), { within: 20_000 });
      killed.set(service, pid);
      process.kill(pid, 'SIGKILL');
    },
    async restored() {
      await eventually(() => Promise.all(startingOrder.map(pidOf)), { within: 30_000 });
      await untilReady(address);
    },
    async street() {
      const token = await signIn(`${address}/oidc`, 'resident', demoPassword);
      return { gateways: oneGateway(address), plan, ledger, token };
    },
    async [Symbol.asyncDispose]() {
      await supervisor.stop(30_000);
      await parts.dispose();
    },
  };
}
