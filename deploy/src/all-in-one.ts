import { flushCompileCache } from 'node:module';
import { type Environment, type RunningService, type Service, untilSignal } from '@bandeng/service';
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
  const services = await allServices();
  const started = await Promise.allSettled(services.map((service) => service.start(environment)));
  const running = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    // The gateway first, so that nothing new comes in while the others finish.
    for (const service of running.toReversed()) await service.stop();
  };
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return {
    name: 'bandeng',
    ready: async () => (await Promise.all(running.map((service) => service.ready()))).every(Boolean),
    stop,
  };
}

if (import.meta.main) {
  const running = await startAll(process.env);
  flushCompileCache(); // also for a process that is killed later
  await untilSignal();
  setTimeout(() => process.exit(1), 20_000).unref();
  await running.stop();
  await endTelemetry();
  process.exit(0);
}
