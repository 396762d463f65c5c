/** Time in the graph: when something counts is one thing, when that was written down another. */

/** From when on something counts, and from when no more. */
export interface Period {
  readonly validFrom: string;
  readonly validUntil?: string;
}

/** Whether both count at some instant. What ends where it begins counts at none. */
export function overlap(one: Period, other: Period): boolean {
  return [one, other].every(
    ({ validUntil }) => validUntil === undefined || (one.validFrom < validUntil && other.validFrom < validUntil),
  );
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
