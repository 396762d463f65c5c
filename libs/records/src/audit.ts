import { type DomainEvent, fold } from '@bandeng/decider';
import type { Document } from 'mongodb';
import type { Aggregates } from './aggregates.ts';
import { type Content, contentOf, eventOf, open } from './contents.ts';
import { same } from './values.ts';

/** Something that must not be in a stored aggregate. */
export interface Fault {
  readonly collection: string;
  readonly id: string;
  readonly fault:
    | 'history-not-dense'
    | 'version-is-not-last-seq'
    | 'not-for-the-bus'
    | 'state-is-not-fold-of-history'
    | 'unreadable';
  /** Names of fields or numbers, never words of people. */
  readonly detail: string;
}

/** What an audit of one kind of aggregate has found. */
export interface Audit {
  readonly documents: number;
  readonly faultCount: number;
  /** The first of them. */
  readonly faults: readonly Fault[];
}

const mostFaults = 1_000;

/**
 * Reads every aggregate of one kind, or so many that chance picks, and says where it contradicts its own history. Changes
 * nothing.
 */
export async function audit<S extends object, C, E extends DomainEvent, R extends string>(
  aggregates: Aggregates<S, C, E, R>,
  options: { readonly sample?: number } = {},
): Promise<Audit> {
  const faults: Fault[] = [];
  let documents = 0;
  let faultCount = 0;
  const { collection } = aggregates;
  const found =
    options.sample === undefined
      ? collection.find({}, { projection: { words: 0 }, batchSize: 200 })
      : collection.aggregate([{ $sample: { size: options.sample } }, { $project: { words: 0 } }], { batchSize: 200 });
  for await (const document of found) {
    documents += 1;
    for (const [fault, detail] of await faultsOf(aggregates, document)) {
      faultCount += 1;
      if (faults.length < mostFaults) faults.push({ collection: aggregates.name, id: document._id, fault, detail });
    }
  }
  return { documents, faultCount, faults };
}

async function faultsOf<S extends object, C, E extends DomainEvent, R extends string>(
  aggregates: Aggregates<S, C, E, R>,
  document: Document,
): Promise<[Fault['fault'], string][]> {
  const { stored, content, written, historyFrom } = open<S, E>(document);
  const { id, version } = stored;
  const history = historyFrom === 1 ? stored.history : await aggregates.history(id);
  // It was written while what had moved out was read: the next audit sees it.
  if (history.length > 0 && historyFrom > 1 && history.at(-1)?.seq !== version) return [];

  const faults: [Fault['fault'], string][] = [];
  const gap = history.findIndex((entry, index) => entry.seq !== index + 1);
  if (gap >= 0) faults.push(['history-not-dense', `${history[gap]?.seq} at ${gap + 1}`]);
  const last = history.at(-1)?.seq ?? 0;
  if (last !== version) faults.push(['version-is-not-last-seq', `${version}, ${last}`]);
  const loud = history.findLast((entry) => entry.silent !== true);
  if (loud !== undefined && written === undefined && aggregates.definition.private !== true) {
    faults.push(['not-for-the-bus', String(loud.seq)]);
  }
  if (gap >= 0) return faults;
  try {
    const state = fold(aggregates.definition.decider.evolve, history.map(eventOf));
    const names = state === undefined ? ['everything'] : differing(content, contentOf(aggregates.definition, state));
    if (names.length > 0) faults.push(['state-is-not-fold-of-history', names.join(', ')]);
  } catch (error) {
    faults.push(['unreadable', error instanceof Error ? error.message : String(error)]);
  }
  return faults;
}

function differing(one: Content, other: Content): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => !same(one[name], other[name])).sort();
}
