import type { Decider } from '@bandeng/decider';

/** That somebody read the contact of a person: who, in which capacity, when and why. The contact itself is not in it. */
export interface ContactReading {
  /** Whose contact. */
  readonly person: string;
  readonly reader: string;
  /** The posting in which it was read. */
  readonly posting: string;
  /** Id of the word that says why. */
  readonly reason: string;
  readonly readAt: string;
}

export type ContactReadingCommand =
  | ({ readonly type: 'record' } & ContactReading)
  /** The reader or the person was erased: why it was read is said in words of one about the other. */
  | { readonly type: 'erase-words'; readonly at: string; readonly words: readonly string[] };

export type ContactReadingEvent =
  | { readonly type: 'contact-read'; readonly data: ContactReading }
  | { readonly type: 'words-erased'; readonly data: { readonly at: string; readonly words: readonly string[] } };

/** A reading is recorded once and never changes; only the words of it can go. */
export const contactReading: Decider<ContactReading, ContactReadingCommand, ContactReadingEvent, never> = {
  decide(state, command) {
    switch (command.type) {
      case 'record': {
        const { type: _, ...data } = command;
        return state === undefined ? [{ type: 'contact-read', data }] : [];
      }
      case 'erase-words': {
        const { at, words } = command;
        return state === undefined || words.length === 0 ? [] : [{ type: 'words-erased', data: { at, words } }];
      }
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'contact-read':
        return event.data;
      case 'words-erased':
        if (state === undefined) throw new TypeError('words of a reading that was not recorded');
        return state;
    }
  },
};
