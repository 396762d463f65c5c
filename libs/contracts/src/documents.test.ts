import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import specifications from '@asyncapi/specs';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { descriptors, events, isPaged, leavesAsTable, rpcs, withoutTable } from './index.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): unknown => JSON.parse(readFileSync(join(root, 'proto', path), 'utf8'));
const at = (document: unknown, path: string): unknown =>
  path.split('/').reduce((part, step) => Object(part)[step], document);

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
  const lists = descriptors().rpcs.filter(leavesAsTable);
  const exports = lists.flatMap(({ method }) => [`${method}AsCsv`, `${method}AsExcel`]);
  expect(ids.toSorted()).toEqual([...open, ...streams, ...files, ...exports].toSorted());
  for (const [, path = ''] of text.matchAll(/"\$ref": "#\/([^"]+)"/g)) {
    expect(at(document, path), path).toBeTypeOf('object');
  }
});

test('the AsyncAPI document is one by the schema of its version, says every event once, and every reference leads somewhere', () => {
  const document = Object(read('asyncapi.json'));
  // Without a meta-schema of its own: the official schema brings draft 7 along.
  const official = new Ajv({ strict: false, meta: false, validateSchema: false });
  addFormats.default(official);
  const fits = official.compile(Object(specifications.schemas)[document.asyncapi]);
  expect(fits(document), JSON.stringify(fits.errors?.slice(0, 5))).toBe(true);

  const names = Object.keys(events).toSorted();
  for (const part of ['channels', 'components/messages']) {
    expect(Object.keys(Object(at(document, part))).toSorted(), part).toEqual(names);
  }
  const sent = Object.values(document.operations).map((operation) => Object(operation).channel.$ref);
  expect(sent.toSorted()).toEqual(names.map((name) => `#/channels/${name}`));
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
    ([, reference = '']) => reference,
  );
  expect(references.length).toBeGreaterThan(names.length);
  for (const reference of references) {
    const [file = '', path = ''] = reference.split('#/');
    expect(file === '' ? at(document, path) : read(file), reference).toBeTypeOf('object');
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

test('every list that answers by pages leaves as a table, or a reason is given why not', () => {
  const paged = descriptors().rpcs.filter(isPaged);
  const names = paged.map(({ service, name }) => `${service}.${name}`);
  // A reason that is given for nothing is forgotten.
  expect(names).toEqual(expect.arrayContaining(Object.keys(withoutTable)));
  const { paths } = Object(read('openapi.json'));
  const missing = paged
    .filter((rpc) => !(`${rpc.service}.${rpc.name}` in withoutTable))
    .flatMap(({ http }) => [`${http?.path}.csv`, `${http?.path}.xlsx`])
    .filter((path) => !(path in paths));
  expect(missing).toEqual([]);
  expect(paged.length).toBeGreaterThan(9);
});
