import type { Contracts, EventContract } from '../libs/contracts/src/descriptors.ts';
import { type JsonSchema, schemaOf } from '../libs/contracts/src/schema.ts';

const text = (description: string) => ({ type: 'string', minLength: 1, description });

/** JSON Schema of a whole event as it stands on the bus: the CloudEvent with its `data`. */
export function eventSchema(contracts: Contracts, event: EventContract): JsonSchema {
  const { type, service, comment, descriptor } = event;
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: schemaId(type),
    title: type,
    description: comment,
    type: 'object',
    properties: {
      specversion: { const: '1.0' },
      id: text('`<subject>:<sequence>`; the same event always has the same id.'),
      source: { const: `/bandeng/${service}` },
      type: { const: type },
      subject: text('Id of what it happened to.'),
      time: { type: 'string', format: 'date-time', description: 'When it happened.' },
      datacontenttype: { const: 'application/json' },
      dataschema: { const: schemaId(type) },
      sequence: {
        type: 'string',
        pattern: '^[1-9][0-9]*$',
        description: 'Counts everything that happened to the subject.',
      },
      sequencetype: { const: 'Integer' },
      previous: {
        type: 'string',
        pattern: '^[1-9][0-9]*$',
        description: 'Sequence of the public event before this one; left out in the first.',
      },
      territory: { type: 'string', pattern: '^[0-9]{2,18}$', description: 'Code of the territory it concerns.' },
      traceparent: { type: 'string', pattern: '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' },
      data: schemaOf(contracts, descriptor, { form: 'json', rules: false, sent: true, described: true }),
    },
    required: [
      'specversion',
      'id',
      'source',
      'type',
      'subject',
      'time',
      'datacontenttype',
      'dataschema',
      'sequence',
      'sequencetype',
      'territory',
      'data',
    ],
    additionalProperties: false,
  };
}

/** The `dataschema` of an event, and the `$id` of its schema. */
function schemaId(type: string): string {
  return `urn:bandeng:schema:${type}`;
}

/** The events as AsyncAPI 3: one channel for each, with its NATS subject and its schema beside this document. */
export function asyncapiDocument(contracts: Contracts): object {
  const { events } = contracts;
  const channelRef = (name: string) => ({ $ref: `#/channels/${name}` });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Bandeng',
      version: 'v1',
      description: `What happens, for other systems: CloudEvents 1.0 as structured JSON on NATS JetStream, one stream for each service.
The parts of the territory's code stand in the subject, so that the permissions of a NATS account say whose events it hears.
Every event of a subject has the next \`sequence\`; \`previous\` names the public one before. An event may come more than once,
with the same id.`,
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/cloudevents+json',
    channels: Object.fromEntries(
      events.map(({ service, name, comment }) => [
        name,
        {
          address: `ev.${service}.${name}.{province}.{city}.{district}.{street}.{community}.{cell}`,
          title: name,
          description: comment,
          parameters,
          messages: { [name]: { $ref: `#/components/messages/${name}` } },
          bindings: { nats: { bindingVersion: '0.1.0' } },
          'x-stream': `EV_${service.toUpperCase()}`,
        },
      ]),
    ),
    operations: Object.fromEntries(
      events.map(({ name, comment }) => [
        `publish-${name}`,
        {
          action: 'send',
          channel: channelRef(name),
          summary: comment,
          messages: [{ $ref: `#/channels/${name}/messages/${name}` }],
        },
      ]),
    ),
    components: {
      messages: Object.fromEntries(
        events.map(({ name, type, comment }) => [
          name,
          {
            name: type,
            title: name,
            summary: comment,
            contentType: 'application/cloudevents+json',
            payload: {
              schemaFormat: 'application/schema+json;version=draft-2020-12',
              schema: { $ref: `./schemas/${name}.v1.json` },
            },
          },
        ]),
      ),
    },
  };
}

const parts = {
  province: 'Two digits.',
  city: 'Two digits',
  district: 'Two digits',
  street: 'Three digits',
  community: 'Three digits',
  cell: "Three digits of a grid or compound; a building's events carry its compound's",
};

const parameters = Object.fromEntries(
  Object.entries(parts).map(([name, digits]) => [
    name,
    { description: name === 'province' ? digits : `${digits}; \`_\` when the code ends above it.` },
  ]),
);
