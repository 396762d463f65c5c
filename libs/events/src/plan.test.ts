import type { DomainEvent } from '@bandeng/decider';
import type { Entry, UnpublishedDocument } from '@bandeng/records';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_BATCH } from './batches.ts';
import { markOf, type PlanContext, plan } from './plan.ts';
import { publish } from './publications.ts';

/** An aggregate whose entries are public where the letter is P, private where it is p, and broken where it is !. */
function aggregate(id: string, letters: string, published = 0): UnpublishedDocument {
  const history = historyOf(id, letters);
  const entry = (seq: number) => history[seq - 1];
  return { collection: 'errands', id, version: letters.length, published, territories: [], state: {}, entry };
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
  sent: () => 0,
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

const idsOf = (documents: UnpublishedDocument[], more: Partial<PlanContext> = {}): string[] =>
  plan(documents, { ...context, ...more }).batches.flatMap(({ messages }) => messages.map(({ id }) => id));

it('sends the public entries that are neither marked nor sent', () => {
  expect(idsOf([aggregate('a', 'PpPP', 1)])).toEqual(['a:3', 'a:4']);
  expect(idsOf([aggregate('a', 'PpPP', 1)], { sent: () => 3 })).toEqual(['a:4']);
  expect(idsOf([aggregate('a', 'PP', 2)])).toEqual([]);
});

it('marks private entries without a message', () => {
  const { batches } = plan([aggregate('a', 'Pp', 1)], context);
  expect(batches).toEqual([{ messages: [], marks: [{ collection: 'errands', id: 'a', upTo: 2 }] }]);
});

it('says which public entry came before', () => {
  const { batches } = plan([aggregate('a', 'PppP', 2)], context);
  const [message] = batches.flatMap(({ messages }) => messages);
  expect(JSON.parse(new TextDecoder().decode(message?.payload))).toMatchObject({ sequence: '4', previous: '1' });
});

it('stops an aggregate at an entry that cannot be published, and no other one', () => {
  const { batches, stuck } = plan([aggregate('a', 'P!P'), aggregate('b', 'PP')], context);
  expect(batches.flatMap(({ messages }) => messages.map(({ id }) => id))).toEqual(['a:1', 'b:1', 'b:2']);
  expect(batches[0]?.marks).toEqual([
    { collection: 'errands', id: 'a', upTo: 1 },
    { collection: 'errands', id: 'b', upTo: 2 },
  ]);
  expect(stuck.map(({ entry }) => entry)).toEqual(['a:2']);
});

it('stops an aggregate whose event is too large, or of another service', () => {
  expect(plan([aggregate('a', 'P')], { ...context, maxBytes: 10 }).stuck).toHaveLength(1);
  expect(plan([aggregate('a', 'P')], { ...context, service: 'orggraph' }).stuck).toHaveLength(1);
  expect(plan([aggregate('a', 'P')], { ...context, publishings: new Map() }).stuck).toHaveLength(1);
});

it('stops an aggregate with a gap in its history', () => {
  const whole = aggregate('a', 'PPP');
  const { stuck } = plan([{ ...whole, entry: (seq) => (seq === 2 ? undefined : whole.entry(seq)) }], context);
  expect(stuck.map(({ entry }) => entry)).toEqual(['a:2']);
});

it('sends each public entry once and in order, and marks only what is in a batch that is out', () => {
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
      const out = new Set<string>();
      for (const { messages, marks } of batches) {
        expect(messages.length).toBeLessThanOrEqual(MAX_BATCH);
        for (const { id } of messages) out.add(id);
        for (const { id, upTo } of marks) {
          for (const entry of entriesOf(id))
            if (entry.seq <= upTo && entry.type === 'P') expect(out.has(entry.id)).toBe(true);
        }
      }
      for (const { id, version } of all) {
        const reached = batches.flatMap(({ marks }) => marks.filter((mark) => mark.id === id).map(({ upTo }) => upTo));
        expect(Math.max(...reached)).toBe(version);
      }
    }),
    { numRuns: 50 },
  );
});

it('finds the mark of a message by its headers', () => {
  expect(markOf('errands', 'a:b:12')).toEqual({ collection: 'errands', id: 'a:b', upTo: 12 });
  expect(markOf(undefined, 'a:1')).toBeUndefined();
  expect(markOf('errands', 'a')).toBeUndefined();
  expect(markOf('errands', 'a:x')).toBeUndefined();
});
