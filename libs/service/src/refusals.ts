import type { Denied } from '@bandeng/access';
import type { RecordsRefusal } from '@bandeng/records';
import { accessRefusals, type PageRefusal, pageRefusals, type RefusalTable, recordsRefusals } from '@bandeng/rpc';

/** Refusals that every service can give. */
export type CommonRefusal = RecordsRefusal | Denied | PageRefusal | 'not-found';

/** How they are answered, whichever service gives them. */
export const commonRefusals: RefusalTable<CommonRefusal> = {
  ...recordsRefusals,
  ...accessRefusals,
  ...pageRefusals,
  'not-found': accessRefusals['not-visible'],
};
