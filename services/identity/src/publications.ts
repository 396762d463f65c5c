import { type Publications, publish } from '@bandeng/events';
import type { Account, AccountEvent } from './domain/account.ts';
import type { ClientEvent, SystemClient } from './domain/client.ts';

export const accountPublications: Publications<AccountEvent, Account> = {
  'account-registered': ({ data: { language } }, { id }) => publish('account-registered', { person: id, language }, ''),
};

export const clientPublications: Publications<ClientEvent, SystemClient> = { 'client-registered': 'private' };
