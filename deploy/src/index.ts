export { Mendable } from './embedded/fault.ts';
export { cityCache, type MongodOptions, REPLICA_SET, type RunningMongod, startMongod } from './embedded/mongod.ts';
export { type NatsServerOptions, type RunningNatsServer, startNatsServer } from './embedded/nats.ts';
export { cacheDirectory, locate, type PartName } from './embedded/parts.ts';
export { freePort, portAnswers, portIsFree } from './embedded/ports.ts';
export { type ServiceProcess, startingOrder } from './starting-order.ts';
