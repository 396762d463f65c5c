/** A process that runs the services it is told to, as replicas of them run on a machine of their own. */
import { allServices } from '@bandeng/deploy/all-in-one';
import { untilSignal } from '@bandeng/service';

const wanted = process.argv.slice(2);
const services = (await allServices()).filter(({ name }) => wanted.includes(name));
const running = await Promise.all(services.map((service) => service.start(process.env)));
await untilSignal();
for (const service of running.toReversed()) await service.stop();
process.exit(0);
