import type { DomainEvent } from '@bandeng/decider';
import type { Entry } from './documents.ts';
import type { Lease } from './lease.ts';

/** An aggregate with entries after `published` that the bus has not got yet. */
export interface UnpublishedDocument {
  readonly collection: string;
  readonly id: string;
  readonly version: number;
  readonly published: number;
  readonly territories: readonly string[];
  readonly state: unknown;
  /** As in the document: earlier entries too, so that the public entry before can be told. */
  readonly history: readonly Entry<DomainEvent>[];
}

/** Says that the entries of one aggregate up to a seq are on the bus for good. */
export interface Mark {
  readonly collection: string;
  readonly id: string;
  readonly upTo: number;
}

/** What the relay needs of the documents. */
export interface Outbox {
  readonly collections: readonly string[];
  /** Those that wait longest first. */
  unpublished(limit: number): Promise<UnpublishedDocument[]>;
  markPublished(marks: readonly Mark[]): Promise<void>;
  backlog(): Promise<{ documents: number; oldestSeconds: number }>;
  lease(name: string, holder: string): Lease;
}
