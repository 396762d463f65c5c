import type { DomainEvent } from '@bandeng/decider';
import type { Entry, WrittenDocument } from '@bandeng/records';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_BATCH } from './batches.ts';
import { type PlanContext, plan, toldBy } from './plan.ts';
import { publish } from './publications.ts';

/** An aggregate whose entries are public where the letter is P, private where it is p, and broken where it is !. */
function aggregate(id: string, letters: string): WrittenDocument {
  const history = historyOf(id, letters);
  const entry = (seq: number) => history[seq - 1];
  const rest = { written: undefined, territories: [], state: {}, firstAfter: () => 1 };
  return { collection: 'errands', id, key: `errands/${id}`, version: letters.length, entry, ...rest };
}

function historyOf(id: string, letters: string): Entry<DomainEvent>[] {
  return [...letters].map((letter, index) => ({
    seq: index + 1,
    id: `${id}:${index + 1}`,
    at: '2026-03-01T08:00:00.000Z',
    actor: { system: 'test' },
    command: 'c',
    type: letter,
    data: {},
  }));
}

const context: PlanContext = {
  service: 'tickets',
  city: '4599',
  toldUpTo: () => 0,
  publishings: new Map([
    [
      'errands',
      {
        collection: 'errands',
        of({ type }) {
          if (type === '!') throw new Error('broken');
          return type === 'P' ? publish('ticket-noted', { number: '', orderer: '' }, '') : 'private';
        },
      },
    ],
  ]),
};

const idsOf = (documents: WrittenDocument[], more: Partial<PlanContext> = {}): string[] =>
  plan(documents, { ...context, ...more }).batches.flatMap(({ messages }) => messages.map(({ id }) => id));

it('sends the public entries that are not told', () => {
  expect(idsOf([aggregate('a', 'PpPP')], { toldUpTo: () => 1 })).toEqual(['a:3', 'a:4']);
  expect(idsOf([aggregate('a', 'PpPP')], { toldUpTo: () => 3 })).toEqual(['a:4']);
  expect(idsOf([aggregate('a', 'PP')], { toldUpTo: () => 2 })).toEqual([]);
});

it('sends once what was read twice, and nothing after what cannot be published', () => {
  expect(idsOf([aggregate('a', 'PP'), aggregate('b', 'P'), aggregate('a', 'PPP')])).toEqual([
    'a:1',
    'a:2',
    'b:1',
    'a:3',
  ]);
  const { batches, stuck } = plan([aggregate('a', 'P!'), aggregate('a', 'P!P')], context);
  expect(batches.flatMap(({ messages }) => messages.map(({ id }) => id))).toEqual(['a:1']);
  expect(stuck).toMatchObject([{ id: 'a', seq: 2 }]);
});

it('makes no batch of private entries alone', () => {
  expect(plan([aggregate('a', 'Pp')], { ...context, toldUpTo: () => 1 }).batches).toEqual([]);
});

it('says which public entry came before', () => {
  const { batches } = plan([aggregate('a', 'PppP')], { ...context, toldUpTo: () => 2 });
  const [message] = batches.flatMap(({ messages }) => messages);
  expect(JSON.parse(new TextDecoder().decode(message?.payload))).toMatchObject({ sequence: '4', previous: '1' });
});

it('stops an aggregate at an entry that cannot be published, and no other one', () => {
  const { batches, stuck } = plan([aggregate('a', 'P!P'), aggregate('b', 'PP')], context);
  expect(batches.flatMap(({ messages }) => messages.map(({ id }) => id))).toEqual(['a:1', 'b:1', 'b:2']);
  expect(batches[0]?.aggregates).toEqual(new Set(['errands/a', 'errands/b']));
  expect(stuck).toMatchObject([{ collection: 'errands', id: 'a', seq: 2 }]);
});

it('stops an aggregate whose event is too large, or of another service', () => {
  expect(plan([aggregate('a', 'P')], { ...context, maxBytes: 10 }).stuck).toHaveLength(1);
  expect(plan([aggregate('a', 'P')], { ...context, service: 'orggraph' }).stuck).toHaveLength(1);
  expect(plan([aggregate('a', 'P')], { ...context, publishings: new Map() }).stuck).toHaveLength(1);
});

it('stops an aggregate with a gap in its history', () => {
  const whole = aggregate('a', 'PPP');
  const { stuck } = plan([{ ...whole, entry: (seq) => (seq === 2 ? undefined : whole.entry(seq)) }], context);
  expect(stuck).toMatchObject([{ id: 'a', seq: 2 }]);
});

it('sends each public entry once and in order, and says whose they are', () => {
  const documents = fc.array(fc.stringMatching(/^[Pp]{1,150}$/), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(documents, (letters) => {
      const all = letters.map((its, index) => aggregate(`a${index}`, its));
      const entriesOf = (id: string) => historyOf(id, letters[Number(id.slice(1))] ?? '');
      const { batches, stuck } = plan(all, context);
      expect(stuck).toEqual([]);
      const expected = all.flatMap(({ id }) =>
        entriesOf(id)
          .filter(({ type }) => type === 'P')
          .map((entry) => entry.id),
      );
      expect(batches.flatMap(({ messages }) => messages.map(({ id }) => id))).toEqual(expected);
      for (const { messages, aggregates } of batches) {
        expect(messages.length).toBeLessThanOrEqual(MAX_BATCH);
        expect(aggregates).toEqual(new Set(messages.map(({ id }) => `errands/${id.slice(0, id.indexOf(':'))}`)));
      }
    }),
    { numRuns: 50 },
  );
});

it('knows of what a message tells by its headers', () => {
  expect(toldBy('errands', 'a:b:12')).toEqual({ key: 'errands/a:b', upTo: 12 });
  expect(toldBy(undefined, 'a:1')).toBeUndefined();
  expect(toldBy('errands', 'a')).toBeUndefined();
  expect(toldBy('errands', 'a:x')).toBeUndefined();
});
