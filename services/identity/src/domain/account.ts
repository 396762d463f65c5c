import { type Decider, type Refused, refuse } from '@bandeng/decider';

/**
 * A person known to the system. Name and login are words: they lie in `words` of the same document, once, and the state and
 * the history hold their ids alone. Contact and password are not part of the aggregate at all (vault.ts); the history only
 * says when they were changed.
 */
export interface Account {
  /** Id of the word that is the person's name. */
  readonly name: string;
  /** Id of the word by which the person signs in; left out for somebody who never signs in here. */
  readonly login?: string;
  /** Language of pages and notices. */
  readonly language: Language;
  readonly registeredAt: string;
  /** From then on the id stands for nobody. */
  readonly erasedAt?: string;
}

const languages = ['zh-CN', 'en'] as const;
export type Language = (typeof languages)[number];

/** Whether a word is a language that people can choose. */
export function isLanguage(word: string): word is Language {
  return languages.some((language) => language === word);
}

/** Why somebody else erases an account; a person gives no reason for their own. */
export type ErasureReason = 'asked_for' | 'purpose_ended' | 'no_ground';

export type AccountCommand = { readonly at: string } & (
  | { readonly type: 'register-account'; readonly name: string; readonly login?: string; readonly language: Language }
  | { readonly type: 'change-contact' }
  | { readonly type: 'change-password' }
  /** `own`: by the person, who may have come with a token of a city's own issuer and never have been registered here. */
  | { readonly type: 'erase-account'; readonly reason?: ErasureReason; readonly own?: true }
);

export type AccountEvent =
  | {
      readonly type: 'account-registered';
      readonly data: {
        readonly at: string;
        readonly name: string;
        readonly login?: string;
        readonly language: Language;
      };
    }
  | { readonly type: 'contact-changed'; readonly data: { readonly at: string } }
  | { readonly type: 'password-changed'; readonly data: { readonly at: string } }
  | { readonly type: 'account-erased'; readonly data: { readonly at: string; readonly reason?: ErasureReason } };

export type AccountRefusal =
  /** Somebody else signs in by that name: the unique index on the login says so. */
  | 'login-taken'
  /** That id is somebody already. */
  | 'already-registered'
  /** That id is nobody. */
  | 'not-found'
  /** Whoever changes their own has none: the city's own issuer knows them, and nobody registered them here. */
  | 'no-account'
  /** That id was somebody once. */
  | 'erased';

export const account: Decider<Account, AccountCommand, AccountEvent, AccountRefusal> = {
  decide(state, command) {
    const { at } = command;
    switch (command.type) {
      case 'register-account': {
        if (state !== undefined) return refuse('already-registered');
        const { name, login, language } = command;
        return [
          { type: 'account-registered', data: { at, name, ...(login === undefined ? {} : { login }), language } },
        ];
      }
      case 'change-contact':
        return whyNot(state) ?? [{ type: 'contact-changed', data: { at } }];
      case 'change-password':
        return whyNot(state) ?? [{ type: 'password-changed', data: { at } }];
      case 'erase-account': {
        const { reason, own } = command;
        if (state === undefined && own !== true) return refuse('not-found', { field: 'id' });
        if (state?.erasedAt !== undefined) return [];
        return [{ type: 'account-erased', data: { at, ...(reason === undefined ? {} : { reason }) } }];
      }
    }
  },
  evolve(state, event) {
    if (event.type === 'account-registered') {
      const { at, ...rest } = event.data;
      return { ...rest, registeredAt: at };
    }
    if (event.type === 'account-erased') {
      const erasedAt = event.data.at;
      return state === undefined
        ? { name: 'name', language: 'zh-CN', registeredAt: erasedAt, erasedAt }
        : { ...state, erasedAt };
    }
    if (state === undefined) throw new TypeError(`an account cannot begin with ${event.type}`);
    switch (event.type) {
      case 'contact-changed':
      case 'password-changed':
        return state;
    }
  },
};

/** Why nothing of this account can be changed; nothing when it can. */
export function whyNot(state: Account | undefined): Refused<'no-account' | 'erased'> | undefined {
  if (state === undefined) return refuse('no-account');
  return state.erasedAt === undefined ? undefined : refuse('erased');
}

/** A login as it is stored and compared: people type it in capitals and with blanks around it. */
export function normalLogin(typed: string): string {
  return typed.normalize('NFKC').trim().toLowerCase();
}
