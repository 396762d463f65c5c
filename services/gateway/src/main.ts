import { rawClient } from '@bandeng/rpc';
import { addressOf, defineService, runService } from '@bandeng/service';
import { type Configuration, configure } from './config.ts';
import { buildGateway } from './gateway.ts';

/** The gateway: the one door to everything else. It keeps nothing. */
export const gateway = defineService<Configuration>({
  name: 'gateway',
  database: false,
  configure,
  async start(foundation, configuration) {
    const { environment, tokens, log } = foundation;
    const services = rawClient({ address: (service) => addressOf(service, environment), token: tokens });
    const { app, ready, stop } = await buildGateway({ ...foundation, services }, configuration);
    const leave = async () => {
      await stop();
      services.close();
    };
    try {
      const address = await app.listen({ host: configuration.host, port: configuration.port });
      log.info({ at: address }, 'the gateway listens');
    } catch (fault) {
      await leave();
      throw fault;
    }
    return { ready, stop: leave };
  },
});

if (import.meta.main) await runService(gateway);
