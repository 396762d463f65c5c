/** How the contract spells what the domain says. */
import type {
  NoticeChannel_Value as ChannelMessage,
  Delivery as DeliveryMessage,
  FailedDelivery,
  NoticeKind_Value as KindMessage,
  NoticeChoice,
  NoticePreferences,
  NoticePace_Value as PaceMessage,
  DeliveryStatus_Value as StatusMessage,
} from '@bandeng/contracts/notifications';
import type { Delivery } from './domain/delivery.ts';
import {
  type Channel,
  type Choice,
  channels,
  type Kind,
  kinds,
  type Pace,
  type Preferences,
} from './domain/preferences.ts';
import type { StoredDelivery } from './queries.ts';

export const spelledChannel: { readonly [C in Channel | 'inbox']: ChannelMessage } = { email: 'EMAIL', inbox: 'INBOX' };
const spelledKind: { readonly [K in Kind]: KindMessage } = {
  task: 'TASK',
  call: 'CALL',
  progress: 'PROGRESS',
  result: 'RESULT',
};
const spelledPace: { readonly [P in Pace]: PaceMessage } = { off: 'OFF', 'at-once': 'AT_ONCE', digest: 'DIGEST' };
/** What is being sent has not arrived: for others it waits. */
const spelledStatus: { readonly [S in Delivery['status']]: StatusMessage } = {
  waiting: 'WAITING',
  sending: 'WAITING',
  sent: 'SENT',
  failed: 'FAILED',
  dropped: 'DROPPED',
};

const meantPace: { readonly [P in PaceMessage]: Pace } = {
  UNSPECIFIED: 'off',
  UNRECOGNIZED: 'off',
  OFF: 'off',
  AT_ONCE: 'at-once',
  DIGEST: 'digest',
};

/** The channel that a message names; undefined for the inbox, and for none. */
export function channelMeant(message: ChannelMessage): Channel | undefined {
  return channels.find((channel) => spelledChannel[channel] === message);
}

/** What a person said, in our words. The server has refused what is not in the contract. */
export function choicesSaid(messages: readonly NoticeChoice[]): Choice[] {
  return messages.flatMap((message) => {
    const kind = kinds.find((one) => spelledKind[one] === message.kind);
    if (kind === undefined) return [];
    return [{ kind, channel: channelMeant(message.channel) ?? 'inbox', pace: meantPace[message.pace] }];
  });
}

export function preferencesMessage(
  { choices, language, quietHours, digestHour }: Preferences,
  version: number,
  offered: readonly Channel[],
): NoticePreferences {
  return {
    version,
    choices: channels.flatMap((channel) =>
      kinds.map((kind) => ({
        kind: spelledKind[kind],
        channel: spelledChannel[channel],
        pace: spelledPace[choices[channel][kind]],
      })),
    ),
    language: language ?? '',
    quietHours: quietHours === undefined ? undefined : { ...quietHours },
    digestHour,
    channels: ['INBOX', ...offered.map((channel) => spelledChannel[channel])],
  };
}

export function deliveryMessage({ id, state }: StoredDelivery): DeliveryMessage {
  const { notice, ticket, channel, kind, status, plannedAt, due, endedAt, tries, reason, next } = state;
  return {
    id,
    notice,
    ticket,
    channel: spelledChannel[channel],
    kind: spelledKind[kind],
    status: spelledStatus[status],
    plannedAt: new Date(plannedAt),
    due: due === undefined ? undefined : new Date(due),
    endedAt: endedAt === undefined ? undefined : new Date(endedAt),
    tries,
    reason: reason ?? '',
    nextChannel: next === undefined ? undefined : spelledChannel[next],
  };
}

/** For those who keep the system: whom it did not reach and why, and nothing of what it said. */
export function failureMessage({ id, state }: StoredDelivery): FailedDelivery {
  const { person, channel, reason, endedAt, tries } = state;
  return {
    id,
    person,
    channel: spelledChannel[channel],
    reason: reason ?? '',
    failedAt: endedAt === undefined ? undefined : new Date(endedAt),
    tries,
  };
}
