import { type Decider, refuse } from '@bandeng/decider';

/** Who is told: one person, or everybody who holds a role at a territory, read on demand. */
export type Recipient = { readonly person: string } | { readonly role: 'member'; readonly territory: string };

/** What a step of a ticket says to those whom it concerns: one notice for all of them. */
export interface Notice {
  /** Each once. */
  readonly recipients: readonly Recipient[];
  /** Type of the event that it tells of. */
  readonly event: string;
  readonly ticket: string;
  /** Number of the ticket, which its words name. */
  readonly number: string;
  readonly postedAt: string;
  /** Which of the people among the recipients have read it. Of those who hold a role there is a reading for each. */
  readonly readBy: readonly ReadBy[];
}

export interface ReadBy {
  readonly person: string;
  readonly readAt: string;
}

type Posted = Omit<Notice, 'readBy'>;

export type NoticeEvent =
  | { readonly type: 'posted'; readonly data: Posted }
  | { readonly type: 'read'; readonly data: ReadBy };

export type NoticeCommand =
  | { readonly type: 'post'; readonly notice: Posted }
  | { readonly type: 'read'; readonly person: string; readonly at: string };

export type NoticeRefusal = 'not-found';

/** A notice is posted once, and read once by each; telling or reading again changes nothing. */
export const notice: Decider<Notice, NoticeCommand, NoticeEvent, NoticeRefusal> = {
  decide(state, command) {
    switch (command.type) {
      case 'post':
        return state === undefined ? [{ type: 'posted', data: command.notice }] : [];
      case 'read': {
        const { person, at: readAt } = command;
        if (state === undefined || !isFor(state, person)) return refuse('not-found');
        return readAtOf(state, person) === undefined ? [{ type: 'read', data: { person, readAt } }] : [];
      }
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'posted':
        return { ...event.data, readBy: [] };
      case 'read':
        if (state === undefined) throw new TypeError('a notice is read before it is posted');
        return { ...state, readBy: [...state.readBy, event.data] };
    }
  },
};

/** Whether a person is among the recipients by name, not by a role. */
export function isFor({ recipients }: Pick<Notice, 'recipients'>, person: string): boolean {
  return recipients.some((recipient) => 'person' in recipient && recipient.person === person);
}

/** When a person whom it is for by name has read it. */
export function readAtOf({ readBy }: Pick<Notice, 'readBy'>, person: string): string | undefined {
  return readBy.find((one) => one.person === person)?.readAt;
}

/** The recipient as one word: the address of an inbox. */
export function recipientKey(recipient: Recipient): string {
  return 'person' in recipient ? `person:${recipient.person}` : `${recipient.role}:${recipient.territory}`;
}
