import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudEvent } from '@bandeng/events';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** Every event in the streams of these services, as it lies there. */
export async function publishedEvents(url: string, services: readonly string[]): Promise<CloudEvent[]> {
  const { username: user, password: pass, host } = new URL(url);
  const connection = await connect({ servers: host, ...(user ? { user, pass } : {}) });
  try {
    const manager = await jetstreamManager(connection);
    const events: CloudEvent[] = [];
    for (const service of services) {
      const stream = `EV_${service}`;
      const { state } = await manager.streams.info(stream);
      if (state.messages === 0) continue;
      const consumer = await jetstream(connection).consumers.get(stream);
      for await (const message of await consumer.consume()) {
        events.push(message.json());
        if (message.info.pending === 0) break;
      }
    }
    return events;
  } finally {
    await connection.close();
  }
}

const ajv = new Ajv2020({ allErrors: true, strict: false });
addFormats.default(ajv);
const schemas = join(import.meta.dirname, '../../proto/schemas');
const validators = new Map<string, ReturnType<typeof ajv.compile>>();

/** What is wrong with an event by the schema that is published for its type. */
export function schemaFaults(event: CloudEvent): string[] {
  const name = /^bandeng\.\w+\.([a-z-]+\.v1)$/.exec(event.type)?.[1];
  if (name === undefined) return [`${event.type} is no type of ours`];
  const validate = validators.get(name) ?? ajv.compile(JSON.parse(readFileSync(join(schemas, `${name}.json`), 'utf8')));
  validators.set(name, validate);
  return validate(event) ? [] : [`${event.type} ${event.id}: ${ajv.errorsText(validate.errors)}`];
}
