import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { descriptors, events, rpcs } from './index.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): unknown => JSON.parse(readFileSync(join(root, 'proto', path), 'utf8'));

test('everything generated is as the contracts say', { timeout: 60_000 }, () => {
  execFileSync(process.execPath, [join(root, 'proto/generate.ts'), '--check'], { stdio: 'pipe' });
});

test('every RPC that is not internal is in the OpenAPI document, and every reference leads somewhere', () => {
  const text = readFileSync(join(root, 'proto/openapi.json'), 'utf8');
  const document = Object(read('openapi.json'));
  const operations = Object.values(document.paths).flatMap((path) => Object.values(Object(path)));
  const ids = operations.map((operation) => Object(operation).operationId);
  const open = rpcs.filter(({ http }) => http !== undefined).map(({ method }) => method);
  const streams = ['streamEvents', 'streamInbox'];
  const files = ['addEvidence', 'getEvidence', 'addFollowedEvidence', 'getFollowedEvidence'];
  const exported = ['listCategories', 'listPostings', 'listTickets', 'listUnits'];
  const exports = exported.flatMap((list) => [`${list}AsCsv`, `${list}AsExcel`]);
  expect(ids.toSorted()).toEqual([...open, ...streams, ...files, ...exports].toSorted());
  for (const [, path = ''] of text.matchAll(/"\$ref": "#\/([^"]+)"/g)) {
    const found = path.split('/').reduce((at, step) => Object(at)[step], document);
    expect(found, path).toBeTypeOf('object');
  }
});

test('every event has a schema that takes a whole event of that kind and no other', () => {
  const ajv = new Ajv2020({ strictTypes: false, formats: { 'date-time': true } });
  for (const [name, { type, service, messageType }] of Object.entries(events)) {
    const validate = ajv.compile(Object(read(`schemas/${name}.v1.json`)));
    const contract = descriptors().events.find((event) => event.name === name);
    expect(contract?.descriptor.typeName).toBe(messageType);
    const event = {
      specversion: '1.0',
      id: 'a:1',
      source: `/bandeng/${service}`,
      type,
      subject: 'a',
      time: '2026-11-24T08:00:00.000Z',
      datacontenttype: 'application/json',
      dataschema: `urn:bandeng:schema:${type}`,
      sequence: '1',
      sequencetype: 'Integer',
      territory: '4599',
    };
    expect(validate(event)).toBe(false);
    expect(validate.errors?.[0]?.params).toEqual({ missingProperty: 'data' });
    expect(validate({ ...event, type: 'bandeng.tickets.other.v1', data: {} })).toBe(false);
  }
});

test('a ticket that was ordered fits the schema of its event', () => {
  const ajv = new Ajv2020({ strictTypes: false, formats: { 'date-time': true } });
  const data = ajv.compile(Object(read('schemas/ticket-ordered.v1.json')).properties.data);
  const { codec } = events['ticket-ordered'];
  const ordered = codec.fromPartial({
    number: '459902-20261124-000001',
    territory: '4599',
    urgency: 'URGENT',
    source: 'GUEST',
  });
  expect(data(codec.toJSON(ordered))).toBe(true);
  expect(data(codec.toJSON(codec.fromPartial({})))).toBe(false);
});
