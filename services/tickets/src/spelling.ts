/** How the contract spells the words of the domain, both ways; every table is complete or does not compile. */
import type {
  TicketAction_Value as ActionMessage,
  EvidenceKind_Value as EvidenceMessage,
  Handler as HandlerMessage,
  NoteAudience_Value as NoteAudience,
  RejectionReason_Value as RejectionMessage,
  Satisfaction_Value as SatisfactionMessage,
  TicketSource_Value as SourceMessage,
  TicketStatus_Value as StatusMessage,
  Urgency_Value as UrgencyMessage,
} from '@bandeng/contracts/tickets';
import type { Urgency } from './domain/deadlines.ts';
import type { Dispatchable, Handler } from './domain/handler.ts';
import type { Action, Evidence, RejectionReason, Satisfaction, Source, Status } from './domain/ticket.ts';

type Spelling<Word extends string | number, Message extends string> = { readonly [W in Word]: Message };
type Reading<Message extends string, Word> = { readonly [M in Message]: Word | undefined };

const unsaid = { UNSPECIFIED: undefined, UNRECOGNIZED: undefined } as const;

export const spelledStatus: Spelling<Status, StatusMessage> = {
  ordered: 'ORDERED',
  dispatched: 'DISPATCHED',
  in_progress: 'IN_PROGRESS',
  suspended: 'SUSPENDED',
  resolved: 'RESOLVED',
  rated: 'RATED',
  closed: 'CLOSED',
  rejected: 'REJECTED',
  withdrawn: 'WITHDRAWN',
};
export const readStatus: Reading<StatusMessage, Status> = {
  ...unsaid,
  ORDERED: 'ordered',
  DISPATCHED: 'dispatched',
  IN_PROGRESS: 'in_progress',
  SUSPENDED: 'suspended',
  RESOLVED: 'resolved',
  RATED: 'rated',
  CLOSED: 'closed',
  REJECTED: 'rejected',
  WITHDRAWN: 'withdrawn',
};

export const spelledUrgency: Spelling<Urgency, UrgencyMessage> = { ordinary: 'ORDINARY', urgent: 'URGENT' };
export const readUrgency: Reading<UrgencyMessage, Urgency> = { ...unsaid, ORDINARY: 'ordinary', URGENT: 'urgent' };

export const spelledSource: Spelling<Source, SourceMessage> = {
  resident: 'RESIDENT',
  guest: 'GUEST',
  on_behalf: 'ON_BEHALF',
  system: 'SYSTEM',
  import: 'IMPORT',
};

export const spelledSatisfaction: Spelling<Satisfaction, SatisfactionMessage> = {
  1: 'VERY_DISSATISFIED',
  2: 'DISSATISFIED',
  3: 'BASICALLY_SATISFIED',
  4: 'SATISFIED',
  5: 'VERY_SATISFIED',
};
export const readSatisfaction: Reading<SatisfactionMessage, Satisfaction> = {
  ...unsaid,
  VERY_DISSATISFIED: 1,
  DISSATISFIED: 2,
  BASICALLY_SATISFIED: 3,
  SATISFIED: 4,
  VERY_SATISFIED: 5,
};

export const spelledRejection: Spelling<RejectionReason, RejectionMessage> = {
  not_ours: 'NOT_OURS',
  duplicate: 'DUPLICATE',
  legal_procedure: 'LEGAL_PROCEDURE',
  unclear: 'UNCLEAR',
  not_permitted: 'NOT_PERMITTED',
  will_not_do: 'WILL_NOT_DO',
};
export const readRejection: Reading<RejectionMessage, RejectionReason> = {
  ...unsaid,
  NOT_OURS: 'not_ours',
  DUPLICATE: 'duplicate',
  LEGAL_PROCEDURE: 'legal_procedure',
  UNCLEAR: 'unclear',
  NOT_PERMITTED: 'not_permitted',
  WILL_NOT_DO: 'will_not_do',
};

export const readAudience: Reading<NoteAudience, 'resident' | 'internal'> = {
  ...unsaid,
  RESIDENT: 'resident',
  INTERNAL: 'internal',
};

export const spelledKind: Spelling<Evidence['kind'], EvidenceMessage> = { photo: 'PHOTO', document: 'DOCUMENT' };
export const spelledAction: Spelling<Action, ActionMessage> = {
  dispatch: 'DISPATCH',
  accept: 'ACCEPT',
  decline: 'DECLINE',
  note: 'NOTE',
  attach: 'ATTACH',
  resolve: 'RESOLVE',
  rate: 'RATE',
  reject: 'REJECT',
  withdraw: 'WITHDRAW',
  suspend: 'SUSPEND',
  resume: 'RESUME',
};

/** `unit:<id>` as the contract's choice of one. */
export function spelledHandler(handler: Handler): HandlerMessage {
  const colon = handler.indexOf(':');
  const value = handler.slice(colon + 1);
  if (handler.startsWith('unit:')) return { handler: { $case: 'unit', value } };
  if (handler.startsWith('grid:')) return { handler: { $case: 'grid', value } };
  if (handler.startsWith('open_call:')) return { handler: { $case: 'openCall', value } };
  return { handler: { $case: 'person', value } };
}

/** To whom a request dispatches; nothing when it names nobody, or a person. */
export function readDispatchable(message: HandlerMessage | undefined): Dispatchable | undefined {
  const choice = message?.handler;
  switch (choice?.$case) {
    case 'unit':
      return `unit:${choice.value}`;
    case 'grid':
      return `grid:${choice.value}`;
    case 'openCall':
      return `open_call:${choice.value}`;
    case 'person':
    case undefined:
      return undefined;
  }
}
