import type { Notice as NoticeMessage } from '@bandeng/contracts/notifications';
import { isRefused, refuse } from '@bandeng/decider';
import { type Call, type Handlers, type Implementation, implement } from '@bandeng/rpc';
import { type CommonRefusal, commonRefusals, type House } from '@bandeng/service';
import { deliveryLog } from './delivery-log.ts';
import { isFor, readAtOf, recipientKey } from './domain/notice.ts';
import { type Channel, type PreferencesRefusal, unchosen, usualDigestHour } from './domain/preferences.ts';
import { dueAnew } from './domain/timing.ts';
import { type InboxKey, inboxPage, readingsOf, type StoredNotice, waitingFor } from './queries.ts';
import { ids, type Kept } from './records.ts';
import { choicesSaid, preferencesMessage, spelledChannel } from './spelling.ts';
import { standings } from './standing.ts';
import { isLanguage, wording } from './words.ts';

const person = ({ caller }: Call): string => (caller.kind === 'person' ? caller.id : '');

/** The inbox, the wishes and the delivery log over gRPC. */
export function notificationsRpc(house: House, kept: Kept, channels: readonly Channel[]): Implementation {
  return implement<'notifications', NotificationsRefusal>(
    'notifications',
    {
      ...inbox(house, kept),
      ...wishes(house, kept, channels),
      ...deliveryLog(house, kept.deliveries),
      async listChannels() {
        const known = await standings(house.database);
        return {
          channels: channels.map((channel) => {
            const { triedAt, fault = '' } = known.get(channel) ?? {};
            return {
              channel: spelledChannel[channel],
              triedAt: triedAt === undefined ? undefined : new Date(triedAt),
              fault,
            };
          }),
        };
      },
    },
    {
      ...commonRefusals,
      'people-only': { kind: 'forbidden', title: 'Only people choose how they are told' },
      'choice-repeated': { kind: 'rule', title: 'The same kind and channel are chosen twice' },
      'inbox-always': { kind: 'rule', title: 'The inbox is always there and cannot be chosen' },
      'quiet-hours-empty': { kind: 'rule', title: 'Quiet hours end when they begin' },
    },
  );
}

type NotificationsRefusal = CommonRefusal | PreferencesRefusal | 'people-only';
type Of<Name extends keyof Handlers<'notifications', NotificationsRefusal>> = Pick<
  Handlers<'notifications', NotificationsRefusal>,
  Name
>;

/** A person sees what is for them, and what is for those who hold a role that they hold. */
function inbox(house: House, { notices, readings }: Kept): Of<'listInbox' | 'getNotice' | 'readNotice'> {
  const { directory, pages, now, access } = house;

  function addresses(call: Call): string[] {
    const me = person(call);
    if (me === '') return [];
    const calls = directory.postingsOf(me, now()).filter(({ role }) => role === 'member');
    return [`person:${me}`, ...calls.map(({ role, territory }) => `${role}:${territory}`)];
  }

  function message(notice: StoredNotice, call: Call, readForMany: Map<string, string>): NoticeMessage {
    const { state, id } = notice;
    const readAt = readAtOf(state, person(call)) ?? readForMany.get(ids.reading(id, person(call)));
    return {
      id,
      at: new Date(state.postedAt),
      event: state.event,
      ...wording(state.event, state.number, call.language),
      ticket: state.ticket,
      readAt: readAt === undefined ? undefined : new Date(readAt),
    };
  }

  /** The notice if it is the caller's, and when they read it if it is for many. */
  async function mine(
    id: string,
    call: Call,
  ): Promise<{ notice: StoredNotice; read: Map<string, string> } | undefined> {
    const notice = await notices.read(id);
    const here = addresses(call);
    if (!notice?.state.recipients.some((recipient) => here.includes(recipientKey(recipient)))) return undefined;
    return { notice, read: await readingsOf(readings, [ids.reading(id, person(call))]) };
  }

  return {
    async listInbox(request, call) {
      const size = request.pageSize || 20;
      const query = `inbox:${request.unread}`;
      const after = pages.open<InboxKey>(query, person(call), request.pageToken);
      if (isRefused(after)) return after;
      const page = await inboxPage(notices, {
        to: addresses(call),
        unread: request.unread,
        size,
        after,
      });
      const forMany = page.filter(({ state }) => !isFor(state, person(call)));
      const read = await readingsOf(
        readings,
        forMany.map(({ id }) => ids.reading(id, person(call))),
      );
      const last = page.at(-1);
      const more = last !== undefined && page.length === size;
      const messages = page.map((notice) => message(notice, call, read));
      return {
        // What is for many is unread until this person has read it.
        notices: request.unread ? messages.filter(({ readAt }) => readAt === undefined) : messages,
        nextPageToken: more ? pages.seal(query, person(call), { postedAt: last.state.postedAt, id: last.id }) : '',
      };
    },

    async getNotice({ id }, call) {
      const found = await mine(id, call);
      return found === undefined ? refuse('not-found', { field: 'id' }) : message(found.notice, call, found.read);
    },

    async readNotice({ id }, call) {
      const found = await mine(id, call);
      if (found === undefined) return refuse('not-found', { field: 'id' });
      const context = access.context(call);
      const { at } = context;
      const reader = person(call);
      if (isFor(found.notice.state, reader)) {
        const outcome = await notices.run(id, context, () => ({ command: { type: 'read', person: reader, at } }));
        if (isRefused(outcome)) return outcome;
        if (outcome.replayed) call.replayed();
        return message(outcome.stored, call, found.read);
      }
      const outcome = await readings.run(ids.reading(id, reader), context, () => ({
        command: { notice: id, person: reader, readAt: at },
      }));
      if (isRefused(outcome)) return outcome;
      return message(found.notice, call, new Map([[outcome.stored.id, outcome.stored.state.readAt]]));
    },
  };
}

/** How a person wants to be told. */
function wishes(
  { access }: House,
  { wishes, deliveries }: Kept,
  channels: readonly Channel[],
): Of<'getNoticePreferences' | 'setNoticePreferences'> {
  return {
    async getNoticePreferences(_request, call) {
      const me = person(call);
      const stored = me === '' ? undefined : await wishes.read(ids.preferences(me));
      return preferencesMessage(stored?.state ?? unchosen(me), stored?.version ?? 0, channels);
    },

    async setNoticePreferences({ choices, language, quietHours, digestHour }, call) {
      const me = person(call);
      if (me === '') return refuse('people-only');
      const context = access.context(call);
      const command = {
        person: me,
        choices: choicesSaid(choices),
        digestHour: digestHour ?? usualDigestHour,
        ...(isLanguage(language) ? { language } : {}),
        ...(quietHours === undefined ? {} : { quietHours: { from: quietHours.from, until: quietHours.until } }),
      };
      const outcome = await wishes.run(ids.preferences(me), context, () => ({ command }));
      if (isRefused(outcome)) return outcome;
      if (outcome.replayed) call.replayed();
      const { at, actor } = context;
      const { state, version } = outcome.stored;
      // Each for itself: whoever asks again after a fault goes on where this ended.
      for (const delivery of await waitingFor(deliveries, me)) {
        const due = dueAnew(state, delivery.state.channel, delivery.state, at);
        if (due === undefined) continue;
        await deliveries.run(delivery.id, { id: `chosen:${version}`, at, actor }, () => ({
          command: { type: 'hold', at, due },
        }));
      }
      return preferencesMessage(outcome.stored.state, outcome.stored.version, channels);
    },
  };
}
