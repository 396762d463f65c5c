import type { StreamState } from './streams.ts';

/** Where a reader stands in one stream: behind this sequence of this incarnation of it. */
export interface StreamPosition {
  /** Short form of the instant at which the stream was made; undefined in a position that does not tell. */
  readonly incarnation: string | undefined;
  readonly sequence: number;
}

/** The incarnation of a stream, as it stands in a position. */
export function incarnationOf(created: string): string {
  return Date.parse(created).toString(36);
}

/** `<stream>@<incarnation>:<sequence>`, of several streams joined by comma. */
export function writePosition(positions: ReadonlyMap<string, StreamPosition>): string {
  return [...positions]
    .map(
      ([stream, { incarnation, sequence }]) =>
        `${stream}${incarnation === undefined ? '' : `@${incarnation}`}:${sequence}`,
    )
    .join(',');
}

/** Undefined for what is no position. */
export function readPosition(text: string): Map<string, StreamPosition> | undefined {
  const positions = new Map<string, StreamPosition>();
  for (const part of text.split(',')) {
    const match = /^(EV_[A-Z_]{1,40})(?:@([\da-z]{1,12}))?:(\d{1,15})$/.exec(part);
    if (match?.[1] === undefined) return undefined;
    positions.set(match[1], { incarnation: match[2], sequence: Number(match[3]) });
  }
  return positions;
}

/** Whether a stream can be read on from there without missing anything. */
export function canResume(position: StreamPosition, state: StreamState): boolean {
  const same = position.incarnation === undefined || position.incarnation === incarnationOf(state.created);
  return same && position.sequence <= state.last && position.sequence + 1 >= state.first;
}
