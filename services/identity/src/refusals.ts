/** What each refusal of the service means to its caller. */
import type { RefusalTable } from '@bandeng/rpc';
import { type CommonRefusal, commonRefusals } from '@bandeng/service';
import type { AccountRefusal } from './domain/account.ts';
import type { ClientRefusal } from './domain/client.ts';

export type Refusal =
  | AccountRefusal
  | ClientRefusal
  | CommonRefusal
  | 'people-only'
  | 'wrong-password'
  | 'too-many-attempts'
  | 'no-contact'
  | 'reading-over'
  | 'reason-needed'
  | 'unknown-territory';

export const refusals: RefusalTable<Refusal> = {
  ...commonRefusals,
  'login-taken': { kind: 'rule', title: 'Somebody else signs in by that login' },
  'already-registered': { kind: 'state', title: 'That is registered already' },
  'people-only': { kind: 'forbidden', title: 'Only people have a contact, a password and data of their own' },
  'no-account': { kind: 'state', title: 'You are not registered here' },
  erased: { kind: 'state', title: 'That person was erased' },
  'wrong-password': { kind: 'rule', title: 'The old password is another one' },
  'too-many-attempts': { kind: 'overload', title: 'Too many wrong passwords: wait before the next' },
  'no-contact': { kind: 'rule', title: 'Nothing is known by which that person could be reached' },
  'reading-over': { kind: 'rule', title: 'That reading is over: another one needs another Idempotency-Key' },
  'reason-needed': { kind: 'field', title: 'To erase the account of somebody else a reason is needed' },
  'unknown-scope': { kind: 'rule', title: 'There is no such scope' },
  'scope-needed': { kind: 'rule', title: 'A system needs at least one scope' },
  'already-ended': { kind: 'state', title: 'That system was ended before' },
  'unknown-territory': { kind: 'rule', title: 'There is no such territory' },
};
