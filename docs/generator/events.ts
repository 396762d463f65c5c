import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contracts, EventContract } from '../../libs/contracts/src/index.ts';
import { eventSubject, streamOf } from '../../libs/events/src/subjects.ts';
import { code, page, root, table } from './pages.ts';

const day = '2026-03-09T01:30:00.000Z';
const later = '2026-03-10T01:30:00.000Z';
const person = '6cfce92d-1c0a-827f-abec-b83b232249df';
const subject = 'bfef5308-3bbc-8695-a92b-b148b3f6a3bd';
const compound = '459901001001500';

/** What stands in an example, by the name of its field; other fields follow from their schema. */
const values: Readonly<Record<string, unknown>> = {
  number: '459901-20260309-000201',
  territory: compound,
  code: '459901001001001',
  covers: [compound],
  category: '小区设施.楼道.照明',
  path: ['小区设施', '楼道', '照明'],
  externalCode: 'J1',
  handler: { grid: '459901001001001' },
  language: 'zh-CN',
  name: '灵峰社区党委',
  creditCode: '',
  parent: '459901001001',
  validUntil: later,
  acceptBy: later,
  resolveBy: later,
  until: later,
  version: 1,
};

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}

function exampleOf(name: string, schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const known = values[name];
  switch (schema.type) {
    case 'object':
      if (typeof known === 'object') return known;
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([property, inner]) => [property, exampleOf(property, inner)]),
      );
    case 'array':
      return Array.isArray(known) ? known : [exampleOf('', schema.items ?? {})];
    case 'integer':
    case 'number':
      return typeof known === 'number' ? known : (schema.minimum ?? 0);
    case 'boolean':
      return false;
    default:
      if (schema.format === 'date-time') return typeof known === 'string' ? known : day;
      return typeof known === 'string' ? known : person;
  }
}

/** Events that concern the whole city and carry its code. */
const ofTheCity = ['account-registered', 'account-erased', 'category-registered'];
const city = '4599';

/** A whole event as it stands on the bus, made from its schema. */
function exampleEvent({ name, service }: Pick<EventContract, 'name' | 'service'>): Record<string, unknown> {
  const schema: Schema = JSON.parse(readFileSync(join(root, `proto/schemas/${name}.v1.json`), 'utf8'));
  const made = exampleOf('', schema);
  return {
    ...(typeof made === 'object' ? made : {}),
    id: `${subject}:2`,
    source: `/bandeng/${service}`,
    subject,
    time: day,
    ...(ofTheCity.includes(name) ? { territory: city } : {}),
    sequence: '2',
    previous: '1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };
}

/** Each public event with an example. */
export function eventsPage({ events, services }: Contracts): string {
  const parts = services.flatMap(({ name: service }) => {
    const own = events.filter((event) => event.service === service);
    return own.length === 0 ? [] : [`## ${service} (stream \`${streamOf(service)}\`)`, ...own.map(partOf)];
  });
  return page(
    'Events',
    'What happens, for other systems: CloudEvents 1.0 as structured JSON. An event holds ids and facts, never a name, a phone or words of people; who may know more asks the API. How to listen: [events](../how-to/events.md).',
    table(
      ['attribute', 'meaning'],
      [
        [code('id'), '`<subject>:<sequence>`. The same event always has the same id: take an id once'],
        [code('sequence'), 'counts all that happens to the subject, also what is private; so there are gaps'],
        [
          code('previous'),
          'sequence of the public event before this one; left out in the first. By it you see that you missed none',
        ],
        [code('territory'), `code of the place it concerns; that of the city in ${ofTheCity.map(code).join(', ')}`],
        [code('dataschema'), 'names the schema in [proto/schemas](../../proto/schemas/)'],
      ],
    ),
    `On NATS the subject is \`ev.<service>.<event>.<province>.<city>.<district>.<street>.<community>.<cell>\`, with \`_\` where the code ends: \`${eventSubject('tickets', 'ticket-ordered', '459901001001')}\`.`,
    ...parts,
  );
}

function partOf(event: EventContract): string {
  const { name, type, comment } = event;
  const example = JSON.stringify(exampleEvent(event), undefined, 2);
  return `### ${name}\n\n${comment.replaceAll('\n', ' ')} Type \`${type}\`, schema [${name}.v1.json](../../proto/schemas/${name}.v1.json).\n\n\`\`\`json\n${example}\n\`\`\``;
}
