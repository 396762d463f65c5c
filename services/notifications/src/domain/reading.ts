import type { Decider } from '@bandeng/decider';

/** That one person has read a notice which is for many. */
export interface Reading {
  readonly notice: string;
  readonly person: string;
  readonly readAt: string;
}

export interface ReadingEvent {
  readonly type: 'read';
  readonly data: Reading;
}

/** Reading a notice for many: one small document for each reader, so that the notice stays bounded. */
export const reading: Decider<Reading, Reading, ReadingEvent, never> = {
  decide: (state, command) => (state === undefined ? [{ type: 'read', data: command }] : []),
  evolve: (_state, event) => event.data,
};
