import { type Lease, type Progress, progressField } from '@bandeng/records';

/** How far the relay is, as the lease document has it for whoever takes over. */
export interface Kept extends Progress {
  /** The incarnation of the stream, and its last sequence when everything up to `final` had been told. */
  readonly created: string;
  readonly sequence: number;
  /** The sequence that goes with kinds which whoever kept this did not know, as another release of the service may. */
  readonly unknown?: Readonly<Record<string, number>>;
}

/** What the relay before has kept; undefined when there was none. */
export function keptBy(lease: Lease): Promise<Kept | undefined> {
  return lease.read<Kept>(progressField);
}

/** Keeps it, while the lease is held; false when it is not. */
export function keep(lease: Lease, kept: Kept): Promise<boolean> {
  return lease.write({ [progressField]: kept });
}
