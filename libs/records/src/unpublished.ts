import type { DomainEvent } from '@bandeng/decider';
import type { Opened } from './contents.ts';
import type { Entry } from './documents.ts';

/** An aggregate with entries after `published` that the bus has not got yet. */
export interface UnpublishedDocument {
  readonly collection: string;
  readonly id: string;
  readonly version: number;
  readonly published: number;
  readonly territories: readonly string[];
  readonly state: unknown;
  /** The entry of a seq, earlier ones too, so that the public entry before can be told; undefined when it is not in the document. */
  entry(seq: number): Entry<DomainEvent> | undefined;
}

/** A document as a publication sees it; `history` when more of it is known than the document has. */
export function unpublishedDocument(
  collection: string,
  { stored, published }: Opened<unknown, DomainEvent>,
  history: readonly Entry<DomainEvent>[] = stored.history,
): UnpublishedDocument {
  const { id, version, territories, state } = stored;
  return {
    ...{ collection, id, version, published, territories, state },
    entry(seq) {
      // The last one has the version, and there is none missing between.
      const entry = history[history.length - 1 - (version - seq)];
      return entry?.seq === seq ? entry : undefined;
    },
  };
}
