import { type Publications, publish } from '@bandeng/events';
import type { Account, AccountEvent } from './domain/account.ts';
import type { ClientEvent, SystemClient } from './domain/client.ts';
import type { ContactReading, ContactReadingEvent } from './domain/contact-reading.ts';

export const accountPublications: Publications<AccountEvent, Account> = {
  'account-registered': ({ data: { language } }, { id }) => publish('account-registered', { person: id, language }, ''),
  'contact-changed': 'private',
  'password-changed': 'private',
  'account-erased': (_, { id }) => publish('account-erased', { person: id }, ''),
};

export const clientPublications: Publications<ClientEvent, SystemClient> = {
  'client-registered': 'private',
  'client-ended': (_, { id, state }) => publish('client-ended', { client: id }, state.territory),
};

export const contactReadingPublications: Publications<ContactReadingEvent, ContactReading> = {
  'contact-read': 'private',
  'words-erased': 'private',
};
