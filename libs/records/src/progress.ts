import type { Db } from 'mongodb';
import { leaseOf } from './lease.ts';
import type { Place } from './written.ts';

/** How far the relay has come, as far as records need to know; it is kept with the lease of the service. */
export interface Progress {
  /** All that was to be seen up to here is on the bus. */
  readonly told: Place;
  /** All up to here is, and nothing can turn up any more. */
  readonly final: Place;
  /** But for these aggregates, of which an entry and what comes after it cannot be told, for a fault of ours. */
  readonly stuck: readonly StuckAt[];
}

/** An aggregate of which entries wait from a seq on, since an instant. */
export interface StuckAt {
  readonly collection: string;
  readonly id: string;
  readonly seq: number;
  readonly since: Date;
}

/** The lease under which relay, reactions and sweeps of a service work. */
export const serviceLease = 'service';
/** The field of its document in which the relay keeps its progress. */
export const progressField = 'relay';

/** How far the relay of a service has come, as it has kept it; undefined before it ever has. */
export function progressOf(database: Db): Promise<Progress | undefined> {
  return leaseOf(database, serviceLease, '').read<Progress>(progressField);
}
