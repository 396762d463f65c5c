/** What each refusal of the service means to its caller. */
import type { InspectionRefusal } from '@bandeng/files';
import type { RefusalTable } from '@bandeng/rpc';
import { type CommonRefusal, commonRefusals } from '@bandeng/service';
import type { TicketRefusal } from './domain/ticket.ts';

export type Refusal =
  | CommonRefusal
  | TicketRefusal
  | 'idempotency-key-needed'
  | 'source-id-reused'
  | 'not-dispatchable'
  | 'unknown-query'
  | 'words-too-short'
  | InspectionRefusal
  | 'file-too-large'
  | 'file-erased';

export const refusals: RefusalTable<Refusal> = {
  ...commonRefusals,
  'not-in-this-state': { kind: 'state', title: 'The ticket does not allow this where it stands now' },
  'unknown-territory': { kind: 'rule', title: 'There is no such territory, or it is not one that can be ordered for' },
  'unknown-category': { kind: 'rule', title: 'There is no such category and no such branch of the tree' },
  'unknown-unit': { kind: 'rule', title: 'There is no such unit' },
  'unknown-grid': { kind: 'rule', title: 'There is no such grid' },
  'unknown-community': { kind: 'rule', title: 'There is no such community' },
  'outside-this-territory': { kind: 'rule', title: 'The handler belongs to another city or community than the ticket' },
  'not-in-the-future': { kind: 'rule', title: 'A pause must end in the future' },
  'in-the-future': { kind: 'rule', title: 'A past order cannot have been ordered in the future' },
  'beyond-the-calendar': { kind: 'rule', title: 'The working calendar does not reach so far' },
  'idempotency-key-needed': {
    kind: 'field',
    title: 'An order without signing in needs an Idempotency-Key of at least 16 characters',
  },
  'source-id-reused': { kind: 'rule', title: 'The same id of this source came before with other content' },
  'not-dispatchable': { kind: 'field', title: 'A ticket is dispatched to a unit, a grid or an open call' },
  'unknown-query': { kind: 'field', title: 'The list does not offer this combination: name a territory or a handler' },
  'too-much-evidence': { kind: 'rule', title: 'A ticket has 20 photos and documents at most' },
  'file-type-not-taken': {
    kind: 'field',
    title: 'A file must be a JPEG, PNG or WebP photo, or a PDF, Word or Excel document',
  },
  'photo-unreadable': { kind: 'field', title: 'The photo is damaged' },
  'photo-too-large': {
    kind: 'field',
    title: 'The photo has too many pixels: 80 million at most, and 26 million as PNG, WebP or progressive JPEG',
  },
  'file-too-large': { kind: 'field', title: 'A file has at most 10 MB' },
  'file-erased': { kind: 'missing', title: 'This file was erased' },
  'words-too-short': { kind: 'field', title: 'A search needs a word of at least two characters' },
};
