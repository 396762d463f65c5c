import type { DomainEvent } from '@bandeng/decider';
import type { Aggregates } from './aggregates.ts';
import type { Words } from './documents.ts';
import { readTime } from './mongo.ts';

/** Finds aggregates by who wrote their words; for definitions whose `search` has `by: authorsOf(words)`. */
export const authorsIndex = { name: 'written-by', key: { 'search.by': 1, _id: 1 } } as const;

/** Who wrote these words, each once; who was erased no more. */
export function authorsOf(words: Words): string[] {
  return [...new Set(Object.values(words).flatMap(({ by, erased }) => (erased === true ? [] : [by])))];
}

/** The words of these authors among others as they are when they are erased; empty when there are none. */
export function erasedWords(words: Words, ...authors: readonly string[]): Words {
  const theirs = Object.entries(words).filter(([, { by, erased }]) => authors.includes(by) && erased !== true);
  return Object.fromEntries(theirs.map(([id, { by }]) => [id, { by, text: '', erased: true }]));
}

/** Ids of all aggregates with words of any of these authors. */
export async function writtenBy<S extends object, C, E extends DomainEvent, R extends string>(
  { collection }: Pick<Aggregates<S, C, E, R>, 'collection'>,
  ...authors: readonly string[]
): Promise<string[]> {
  const found = collection.find(
    { 'search.by': { $in: [...authors] } },
    { projection: { _id: 1 }, maxTimeMS: 10 * readTime },
  );
  return (await found.toArray()).map(({ _id }) => _id);
}
