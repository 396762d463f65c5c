import { describe, expect, it } from 'vitest';
import { contentOf, difference, open } from './contents.ts';

interface Errand {
  readonly place: string;
  readonly openedAt: string;
  readonly territories?: readonly string[];
  readonly due?: string;
}

const errand: Errand = { place: '459902001001', openedAt: '2026-03-01T08:00:00.000Z' };
const plain = { name: 'errands' };

describe('the fields of a document that follow from the state', () => {
  it('are the state itself when nothing is derived', () => {
    expect(contentOf(plain, errand)).toStrictEqual({ ...errand });
  });

  it('name what is derived, so that reading takes it away again', () => {
    const definition = {
      ...plain,
      territories: ({ place }: Errand) => [place.slice(0, 4), place],
      keys: ({ place }: Errand) => ({ length: place.length, nothing: undefined }),
    };
    const content = contentOf(definition, errand);
    expect(content).toStrictEqual({
      ...errand,
      territories: ['4599', '459902001001'],
      length: 12,
      derived: ['territories', 'length'],
    });
    const { stored } = open({ _id: 'e1', version: 1, history: [], ...content });
    expect(stored.state).toStrictEqual({ ...errand });
    expect(stored.territories).toStrictEqual(['4599', '459902001001']);
  });

  it('leave territories to the state when it has them itself', () => {
    const state = { ...errand, territories: ['4599'] };
    const definition = { ...plain, territories: (one: Errand) => one.territories ?? [] };
    const content = contentOf(definition, state);
    expect(content).toStrictEqual({ ...state });
    expect(open({ _id: 'e1', version: 1, history: [], ...content }).stored.state).toStrictEqual(state);
  });

  it('carry the earliest deadline, which is an instant', () => {
    const due = '2026-03-02T08:00:00.000Z';
    const definition = { ...plain, nextDue: (state: Errand) => state.due };
    expect(contentOf(definition, { ...errand, due })).toStrictEqual({ ...errand, due, nextDue: due });
    expect(contentOf(definition, errand)).not.toHaveProperty('nextDue');
    expect(() => contentOf(definition, { ...errand, due: 'tomorrow' })).toThrow(TypeError);
  });

  it.each(['version', 'history', 'nextDue', 'words', '_id'])('are never called %s', (name) => {
    expect(() => contentOf(plain, { [name]: 1 })).toThrow(/reserved/);
    expect(() => contentOf({ ...plain, keys: () => ({ [name]: 1 }) }, errand)).toThrow(/reserved/);
  });

  it('are not of the state and a key at once', () => {
    expect(() => contentOf({ ...plain, keys: () => ({ place: 'elsewhere' }) }, errand)).toThrow(/cannot be a key/);
    const twice = { ...plain, territories: () => ['45'], keys: () => ({ territories: ['46'] }) };
    expect(() => contentOf(twice, errand)).toThrow(/cannot be a key/);
  });
});

describe('the difference of two contents', () => {
  it('is what has changed, as the database has it, and what is gone', () => {
    const before = { place: 'a', openedAt: '2026-03-01T08:00:00.000Z', tags: ['x', { y: 1 }], gone: 1 };
    const after = {
      place: 'b',
      openedAt: '2026-03-01T08:00:00.000Z',
      tags: ['x', { y: 1 }],
      at: '2026-03-01T09:00:00.000Z',
    };
    expect(difference(before, after)).toStrictEqual({
      changed: { place: 'b', at: new Date('2026-03-01T09:00:00.000Z') },
      gone: ['gone'],
    });
  });

  it('is nothing when nothing has changed', () => {
    expect(difference({ a: [1], b: { c: null } }, { a: [1], b: { c: null } })).toStrictEqual({ changed: {}, gone: [] });
  });
});
