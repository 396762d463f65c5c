import { rpcs } from '@bandeng/contracts';
import { Ticket } from '@bandeng/contracts/tickets';
import { ScalarType } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonFormOf } from './answers.ts';
import { type MessageShape, routesOf } from './routes.ts';

const routes = routesOf(rpcs);

function written(name: string, message: object): Record<string, unknown> {
  const route = routes.find(({ rpc }) => rpc.name === name);
  if (route === undefined) throw new Error(`no route ${name}`);
  jsonFormOf(route.response)(message);
  return JSON.parse(JSON.stringify(message));
}

describe('an answer', () => {
  test('never holds an enum value that says nothing, at any depth', () => {
    const ticket = Ticket.fromPartial({ id: 'x', status: 'ORDERED', allowedActions: ['DISPATCH', 'UNSPECIFIED'] });
    const page: { tickets?: unknown[] } = written('ListTickets', { tickets: [ticket], nextPageToken: '' });
    expect(JSON.stringify(page)).not.toContain('UNSPECIFIED');
    expect(page.tickets?.[0]).toMatchObject({ id: 'x', status: 'ORDERED', allowedActions: ['DISPATCH'] });
    expect(page.tickets?.[0]).not.toHaveProperty('urgency');
    expect(page.tickets?.[0]).not.toHaveProperty('rating');
  });

  test('leaves out what has no value and keeps defaults that say something', () => {
    const ticket = Ticket.fromPartial({ id: 'x', handler: { handler: { $case: 'unit', value: 'u' } } });
    const json = written('GetTicket', ticket);
    expect(json).toMatchObject({ overdue: false, reopened: 0, handler: { unit: 'u' } });
    expect(json).not.toHaveProperty('deadlines');
  });
});

type Field = MessageShape['fields'][number];

/** Messages of a type in the form of their codec. */
function messagesOf(shape: MessageShape): fc.Arbitrary<unknown> {
  const fields = shape.fields.filter(({ oneof }) => oneof === undefined);
  const choices = shape.oneofs.map(({ localName, fields: cases }) => [
    localName,
    fc.oneof(
      fc.constant(undefined),
      ...cases.map((field) => valuesOf(field).map((value) => ({ $case: field.localName, value }))),
    ),
  ]);
  return fc.record(Object.fromEntries([...fields.map((field) => [field.localName, fieldsOf(field)]), ...choices]));
}

function fieldsOf(field: Field): fc.Arbitrary<unknown> {
  if (field.fieldKind === 'list') return fc.array(valuesOf(field), { maxLength: 2 });
  if (field.fieldKind === 'map')
    return fc.dictionary(fc.constantFrom('a', 'b'), valuesOf(field), { noNullPrototype: true });
  return field.message === undefined ? valuesOf(field) : fc.option(valuesOf(field), { nil: undefined });
}

function valuesOf(field: Field): fc.Arbitrary<unknown> {
  if (field.enum !== undefined) return fc.constantFrom(...field.enum.values.map(({ localName }) => localName));
  if (field.message?.typeName === 'google.protobuf.Timestamp')
    return fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true });
  if (field.message !== undefined) return messagesOf(field.message);
  if (field.scalar === ScalarType.BOOL) return fc.boolean();
  if (field.scalar === ScalarType.UINT32) return fc.nat();
  return field.scalar === ScalarType.BYTES
    ? fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes))
    : fc.string();
}

/** Without what is never sent. */
function sent(json: unknown): unknown {
  if (Array.isArray(json)) return json.filter((item) => item !== 'UNSPECIFIED').map(sent);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries(json).flatMap(([name, value]) => (value === 'UNSPECIFIED' ? [] : [[name, sent(value)]])),
  );
}

test('every answer is written as its codec would, without copying it', () => {
  for (const { rpc, response } of routes) {
    const form = jsonFormOf(response);
    const property = fc.property(messagesOf(response), (value) => {
      const bytes = rpc.response.encode(value).finish();
      const message = Object(rpc.response.decode(bytes));
      form(message);
      const asCodec = JSON.parse(JSON.stringify(rpc.response.toJSON(rpc.response.decode(bytes))));
      expect(JSON.parse(JSON.stringify(message)), rpc.name).toEqual(sent(asCodec));
    });
    fc.assert(property, { numRuns: 20 });
  }
});
