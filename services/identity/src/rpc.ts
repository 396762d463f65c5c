/** The contract of identity, and what answers each of its RPCs. */
import { type Implementation, implement, type JsonWebKeySet } from '@bandeng/rpc';
import { accounts } from './accounts.ts';
import { clients } from './clients.ts';
import { contacts } from './contacts.ts';
import { erasing } from './erasing.ts';
import { me } from './me.ts';
import type { Office } from './office.ts';
import { personalData } from './personal-data.ts';
import { refusals } from './refusals.ts';

export function identityRpc(office: Office, keySet: () => Promise<JsonWebKeySet>): Implementation {
  const handlers = {
    ...me(office),
    ...accounts(office),
    ...contacts(office),
    ...personalData(office),
    ...erasing(office),
    ...clients(office),
    getKeySet: async () => ({ json: JSON.stringify(await keySet()) }),
  };
  return implement('identity', handlers, refusals);
}
