/** Time in the graph: when something counts is one thing, when that was written down another. */

/** From when on something counts, and from when no more. */
export interface Period {
  readonly validFrom: string;
  readonly validUntil?: string;
}

/** When something is written down, by the clock; it may count from long before. */
export interface Written {
  readonly recordedAt: string;
}

/** When something was written down first, and when last. */
export interface Kept {
  readonly createdAt: string;
  readonly changedAt: string;
}
