import { flushCompileCache } from 'node:module';
import {
  ConfigurationFault,
  type Environment,
  exitsWhenWrong,
  type RunningService,
  type Service,
  untilSignal,
} from '@bandeng/service';
import { endTelemetry } from '@bandeng/telemetry';

/** Every service, in the order of starting: the others learn who may do what from the first two. */
export async function allServices(): Promise<Service[]> {
  const [{ orggraph }, { identity }, { tickets }, { notifications }, { gateway }] = await Promise.all([
    import('@bandeng/orggraph'),
    import('@bandeng/identity'),
    import('@bandeng/tickets'),
    import('@bandeng/notifications'),
    import('@bandeng/gateway'),
  ]);
  return [orggraph, identity, tickets, notifications, gateway];
}

/** Starts all services in this process, each with its own server and socket; they find each other as they come up. */
export async function startAll(environment: Environment): Promise<RunningService> {
  const starting = (await allServices()).map((service) => service.start(environment));
  const settled = Promise.allSettled(starting);
  const stop = async (): Promise<void> => {
    const running = (await settled).flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    // The gateway first, so that nothing new comes in while the others finish.
    for (const service of running.toReversed()) await service.stop();
  };
  try {
    const running = await Promise.all(starting);
    return {
      name: 'bandeng',
      ready: async () => (await Promise.all(running.map((service) => service.ready()))).every(Boolean),
      stop,
    };
  } catch (fault) {
    const stopped = stop();
    // The others may still wait for MongoDB: what is set wrong is told at once.
    if (!(fault instanceof ConfigurationFault)) await stopped;
    throw fault;
  }
}

if (import.meta.main) {
  const running = await exitsWhenWrong(startAll(process.env));
  flushCompileCache(); // also for a process that is killed later
  await untilSignal();
  setTimeout(() => process.exit(1), 20_000).unref();
  await running.stop();
  await endTelemetry();
  process.exit(0);
}
