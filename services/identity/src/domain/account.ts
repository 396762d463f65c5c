import { type Decider, refuse } from '@bandeng/decider';

/**
 * A person known to the system. Name and login are words: they lie in `words` of the same document, once, and the state and
 * the history hold their ids alone. Contact and password are not part of the aggregate at all (vault.ts).
 */
export interface Account {
  /** Id of the word that is the person's name. */
  readonly name: string;
  /** Id of the word by which the person signs in; left out for somebody who never signs in here. */
  readonly login?: string;
  /** Language of pages and notices. */
  readonly language: Language;
  readonly registeredAt: string;
}

const languages = ['zh-CN', 'en'] as const;
export type Language = (typeof languages)[number];

/** Whether a word is a language that people can choose. */
export function isLanguage(word: string): word is Language {
  return languages.some((language) => language === word);
}

export type AccountCommand = {
  readonly type: 'register-account';
  readonly at: string;
  readonly name: string;
  readonly login?: string;
  readonly language: Language;
};

export type AccountEvent = {
  readonly type: 'account-registered';
  readonly data: { readonly at: string; readonly name: string; readonly login?: string; readonly language: Language };
};

export type AccountRefusal =
  /** Somebody else signs in by that name: the unique index on the login says so. */
  | 'login-taken'
  /** That id is somebody already. */
  | 'already-registered';

export const account: Decider<Account, AccountCommand, AccountEvent, AccountRefusal> = {
  decide(state, { at, name, login, language }) {
    if (state !== undefined) return refuse('already-registered');
    return [{ type: 'account-registered', data: { at, name, ...(login === undefined ? {} : { login }), language } }];
  },
  evolve(_state, { data: { at, ...rest } }) {
    return { ...rest, registeredAt: at };
  },
};

/** A login as it is stored and compared: people type it in capitals and with blanks around it. */
export function normalLogin(typed: string): string {
  return typed.normalize('NFKC').trim().toLowerCase();
}
