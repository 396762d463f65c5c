/** Settings that every service reads. */
import { serversOf } from '@bandeng/events';
import { isMongoAddress } from '@bandeng/records';
import { ConfigurationFault, type Environment, numberSetting, textSetting } from './environment.ts';

/** Address of the OpenID Connect issuer whose tokens count: BANDENG_ISSUER, else the embedded one behind the gateway. */
export function issuerOf(environment: Environment): string {
  const port = numberSetting(environment, 'BANDENG_PORT', 8080, { least: 0, most: 65_535 });
  const issuer = textSetting(environment, 'BANDENG_ISSUER', `http://localhost:${port}/oidc`);
  if (/^https?:$/.test(URL.parse(issuer)?.protocol ?? '')) return issuer;
  throw new ConfigurationFault(`BANDENG_ISSUER is '${issuer}': a whole address, https://… or http://…, is needed`);
}

/** Code of the city that this installation serves. */
export function cityOf(environment: Environment): string {
  const city = textSetting(environment, 'BANDENG_CITY', '4599');
  if (/^\d{4}$/.test(city)) return city;
  throw new ConfigurationFault(
    `BANDENG_CITY is '${city}': the first four digits of the city's national code are needed`,
  );
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** What is logged at least. */
export function logLevelOf(environment: Environment): string {
  const level = textSetting(environment, 'BANDENG_LOG_LEVEL', 'info');
  if (levels.includes(level)) return level;
  throw new ConfigurationFault(`BANDENG_LOG_LEVEL is '${level}': one of ${levels.join(', ')} is needed`);
}

/** Where NATS is. The address may hold a password: a fault never repeats it. */
export function natsOf(environment: Environment): string {
  const url = textSetting(environment, 'NATS_URL', 'nats://127.0.0.1:4222');
  try {
    serversOf(url);
    return url;
  } catch {
    throw new ConfigurationFault('NATS_URL cannot be read: nats://<user>:<password>@<host>:<port> is needed');
  }
}

/** Where the database of a service is: BANDENG_<SERVICE>_MONGODB_URI, else MONGODB_URI. A fault never repeats it either. */
export function mongoOf(service: string, environment: Environment): string {
  const own = `BANDENG_${service.toUpperCase()}_MONGODB_URI`;
  const name = textSetting(environment, own, '') === '' ? 'MONGODB_URI' : own;
  const uri = textSetting(environment, name, 'mongodb://127.0.0.1:27017/?replicaSet=bandeng');
  if (isMongoAddress(uri)) return uri;
  throw new ConfigurationFault(
    `${name} cannot be read: mongodb://<user>:<password>@<host>:<port>/?replicaSet=<name> is needed`,
  );
}
