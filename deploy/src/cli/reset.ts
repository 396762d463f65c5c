import { rm } from 'node:fs/promises';
import { emptyGiven } from '../given-servers.ts';
import { layoutOf } from '../layout.ts';
import { type Command, readArguments } from './command.ts';
import { confirmed } from './confirm.ts';
import { stopAll } from './down.ts';

export const command: Command = {
  usage: 'reset [--yes]',
  async run(args) {
    const { values } = readArguments(args, { yes: { type: 'boolean' } });
    const { data, environment } = layoutOf(process.env);
    const prefix = environment.BANDENG_DATABASE_PREFIX || 'bandeng';
    const doomed = [`everything in ${data}, keys included`];
    if (environment.MONGODB_URI) doomed.push(`the databases ${prefix}_* of MONGODB_URI`);
    if (environment.NATS_URL) doomed.push('the streams EV_* of NATS_URL');
    if (!values.yes && !(await confirmed(`deletes ${doomed.join('; ')}`))) {
      console.log('nothing was deleted');
      return 1;
    }
    if (await stopAll()) console.log('stopped');
    await emptyGiven(environment, prefix);
    await rm(data, { recursive: true, force: true, maxRetries: 3 });
    console.log('all data is deleted');
    return 0;
  },
};
