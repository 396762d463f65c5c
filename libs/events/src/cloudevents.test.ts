import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cloudEvent, parseCloudEvent } from './cloudevents.ts';

const entry = { seq: 7, id: 'e1:7', at: '2026-03-01T08:00:00.000Z' };
const about = { service: 'tickets', type: 'bandeng.tickets.ticket-noted.v1', aggregate: 'e1', territory: '4599' };
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

it('carries what an entry is', () => {
  expect(cloudEvent(entry, { ...about, data: { number: '1' }, previous: 5 })).toEqual({
    specversion: '1.0',
    id: 'e1:7',
    source: '/bandeng/tickets',
    type: 'bandeng.tickets.ticket-noted.v1',
    subject: 'e1',
    time: '2026-03-01T08:00:00.000Z',
    datacontenttype: 'application/json',
    dataschema: 'urn:bandeng:schema:bandeng.tickets.ticket-noted.v1',
    data: { number: '1' },
    sequence: '7',
    sequencetype: 'Integer',
    previous: '5',
    territory: '4599',
  });
});

it('hands on a trace that is one', () => {
  const traceOf = (trace: string) => cloudEvent({ ...entry, trace }, { ...about, data: {} }).traceparent;
  const whole = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  expect(traceOf(whole)).toBe(whole);
  expect(traceOf('c'.repeat(32))).toMatch(/^00-c{32}-[\da-f]{16}-01$/);
  expect(traceOf('nonsense')).toBeUndefined();
});

it('reads what it has written', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), fc.dictionary(fc.string(), fc.string()), (seq, data) => {
      const event = cloudEvent({ ...entry, seq, id: `e1:${seq}` }, { ...about, data });
      expect(parseCloudEvent(bytes(event))).toEqual(JSON.parse(JSON.stringify(event)));
    }),
  );
});

it('names what is wrong with a message that is none', () => {
  const event = cloudEvent(entry, { ...about, data: {} });
  expect(parseCloudEvent(new Uint8Array([0xff, 0xfe]))).toEqual({ malformed: 'not JSON in UTF-8' });
  expect(parseCloudEvent(bytes([event]))).toEqual({ malformed: 'not an object' });
  expect(parseCloudEvent(bytes({ ...event, specversion: '0.3' }))).toEqual({ malformed: 'specversion is not 1.0' });
  expect(parseCloudEvent(bytes({ ...event, subject: '' }))).toEqual({ malformed: 'subject is not a text' });
  expect(parseCloudEvent(bytes({ ...event, time: 'soon' }))).toEqual({ malformed: 'time is not an instant' });
  expect(parseCloudEvent(bytes({ ...event, sequence: '-1' }))).toEqual({ malformed: 'sequence is not a number' });
  expect(parseCloudEvent(bytes({ ...event, data: null }))).toEqual({ malformed: 'data is not an object' });
});

it('never throws, whatever comes', () => {
  fc.assert(fc.property(fc.uint8Array(), (message) => void parseCloudEvent(message)));
  fc.assert(fc.property(fc.json(), (message) => void parseCloudEvent(new TextEncoder().encode(message))));
});
