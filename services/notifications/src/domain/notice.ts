import { type Decider, refuse } from '@bandeng/decider';

/** Who is told: one person, or everybody who holds a role at a territory, read on demand. */
export type Recipient = { readonly person: string } | { readonly role: 'member'; readonly territory: string };

/** Something that somebody is told. */
export interface Notice {
  readonly recipient: Recipient;
  /** Type of the event that it tells of. */
  readonly event: string;
  readonly ticket: string;
  /** Number of the ticket, which its words name. */
  readonly number: string;
  readonly postedAt: string;
  readonly readAt?: string;
}

export type NoticeEvent =
  | { readonly type: 'posted'; readonly data: Omit<Notice, 'readAt'> }
  | { readonly type: 'read'; readonly data: { readonly readAt: string } };

export type NoticeCommand =
  | { readonly type: 'post'; readonly notice: Omit<Notice, 'readAt'> }
  | { readonly type: 'read'; readonly at: string };

export type NoticeRefusal = 'not-found';

/** A notice is posted once and read once; telling or reading again changes nothing. */
export const notice: Decider<Notice, NoticeCommand, NoticeEvent, NoticeRefusal> = {
  decide(state, command) {
    switch (command.type) {
      case 'post':
        return state === undefined ? [{ type: 'posted', data: command.notice }] : [];
      case 'read':
        if (state === undefined) return refuse('not-found');
        return state.readAt === undefined ? [{ type: 'read', data: { readAt: command.at } }] : [];
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'posted':
        return event.data;
      case 'read':
        if (state === undefined) throw new TypeError('a notice is read before it is posted');
        return { ...state, readAt: event.data.readAt };
    }
  },
};

/** The recipient as one word, by which an inbox finds its notices. */
export function recipientKey(recipient: Recipient): string {
  return 'person' in recipient ? `person:${recipient.person}` : `${recipient.role}:${recipient.territory}`;
}
