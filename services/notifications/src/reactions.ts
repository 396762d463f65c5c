import type { EventType } from '@bandeng/contracts';
import type { Handler, Urgency_Value } from '@bandeng/contracts/tickets';
import { isRefused } from '@bandeng/decider';
import { communityOf, type Directory } from '@bandeng/directory';
import { type CloudEvent, on, type Reaction, type ReactionDefinition, type Skipped, skip } from '@bandeng/events';
import {
  type Addressee,
  addressees,
  byAsking,
  type Concern,
  type Holders,
  type TicketHandler,
  type ToldEvent,
  toldOf,
} from './domain/concerned.ts';
import { type Channel, channels, usualDigestHour } from './domain/preferences.ts';
import { dueAt } from './domain/timing.ts';
import { preferencesOf } from './queries.ts';
import { ids, type Kept } from './records.ts';

/** What the reactions stand on. */
export interface Telling {
  readonly directory: Pick<Directory, 'holders' | 'ancestors'>;
  now(): Date;
  /** Says that somebody has something new to read. */
  hint(person: string): void;
  /** Channels that this installation has, beside the inbox. */
  readonly channels: readonly Channel[];
}

/** Whoever would hear so late has read it in the inbox; a stream made anew sends nothing old a second time. */
const oldest = 3 * 24 * 3_600_000;

/** A step that is handled again after so long, as when a stream is made anew, is news to nobody. */
const news = 60_000;

/** Each step of a ticket becomes a notice for all whom it concerns, and a delivery by each channel that they chose. */
export function reactions(kept: Kept, { directory, now, hint, channels: offered }: Telling): ReactionDefinition[] {
  const told = Object.keys(toldOf).filter(isTold);
  const posting = told.map((type) => on(type, 'tell-concerned', (event) => post(type, event)));
  const sending = told.map((type) => on(type, 'send-concerned', (event) => send(type, event)));
  const forgetting = on('bandeng.identity.account-erased.v1', 'forget-wishes', ({ data }) => forget(data.person));
  return [...posting, ...(offered.length === 0 ? [] : sending), forgetting];

  function ageOf({ time }: CloudEvent): number {
    return now().getTime() - Date.parse(time);
  }

  /** Those whom it concerned when it happened: whoever handles it again tells the same people. */
  function whom(type: ToldEvent, event: CloudEvent<Message>): Addressee[] {
    return addressees(type, concernOf(event.data), holdersFor(directory, event.territory, new Date(event.time)));
  }

  function post(type: ToldEvent, event: CloudEvent<Message>): readonly Reaction[] | Skipped {
    const recipients = whom(type, event).map(({ recipient }) => recipient);
    if (recipients.length === 0) return skip('concerns nobody who can be told');
    const { subject: ticket, time: postedAt } = event;
    const notice = { recipients, event: type, ticket, number: event.data.number, postedAt };
    return [
      {
        // New unless the event came twice: two reads less for each order.
        run: async (_commandId, context) => {
          const posted = await kept.notices.run(ids.notice(event.id), { ...context, expectNew: true }, () => ({
            command: { type: 'post', notice },
          }));
          const isNews = !isRefused(posted) && !(posted.replayed && ageOf(event) > news);
          if (isNews) for (const person of new Set(recipients.flatMap((one) => peopleOf(one, event)))) hint(person);
          return posted;
        },
      },
    ];
  }

  async function send(type: ToldEvent, event: CloudEvent<Message>): Promise<readonly Reaction[] | Skipped> {
    if (ageOf(event) > oldest) return skip('too old to be sent');
    const notice = ids.notice(event.id);
    const concerned = whom(type, event).flatMap(({ recipient, kind }) =>
      peopleOf(recipient, event).map((person) => ({ person, kind })),
    );
    const people = Map.groupBy(concerned, ({ person }) => person);
    const chosen = await preferencesOf(kept.wishes, [...people.keys()]);
    const urgent = type === 'bandeng.tickets.ticket-dispatched.v1' && event.data.urgency === 'URGENT';
    const deliveries = [...people].flatMap(([person, its]) => {
      const preferences = chosen.get(person);
      if (preferences === undefined) return [];
      // As when a stream is made anew: whoever chose e-mail since is not sent what they have read long ago.
      if (ageOf(event) > news && preferences.chosenAt > event.time) return [];
      return channels
        .filter((channel) => offered.includes(channel))
        .flatMap((channel) => {
          // To whom it is two things, it is what asks most of them among what they wish to be sent.
          const wished = its.toSorted(byAsking).flatMap(({ kind }) => {
            const due = dueAt(preferences, channel, { kind, urgent }, event.time);
            return due === undefined ? [] : [{ person, kind, notice, channel, due }];
          });
          return wished.slice(0, 1);
        });
    });
    if (deliveries.length === 0) return skip('nobody chose another way than the inbox');
    return deliveries.map(({ due, ...which }) => ({
      target: `${which.channel}:${which.kind}:${which.person}`,
      run: (_commandId, context) => {
        const { subject: ticket, time: postedAt, territory } = event;
        const about = { event: type, ticket, number: event.data.number, postedAt, plannedAt: context.at };
        const plan = { ...which, urgent, ...about, territories: directory.ancestors(territory) };
        const id = ids.delivery(which.notice, which.channel, which.person);
        return kept.deliveries.run(id, { ...context, expectNew: true }, () => ({
          command: { type: 'plan', plan, due },
        }));
      },
    }));
  }

  /** Whoever was erased wishes nothing any more; what still waits for them is dropped when it is due. */
  async function forget(person: string): Promise<readonly Reaction[] | Skipped> {
    const id = ids.preferences(person);
    if ((await kept.wishes.read(id)) === undefined) return skip('never chose');
    const command = { person, choices: [], digestHour: usualDigestHour };
    return [{ run: (_commandId, context) => kept.wishes.run(id, context, () => ({ command })) }];
  }

  /** An open call is one notice for all who are members then; those who chose so are sent it each. */
  function peopleOf(recipient: Addressee['recipient'], { time }: CloudEvent): readonly string[] {
    if ('person' in recipient) return [recipient.person];
    return directory.holders({ territory: recipient.territory, roles: [recipient.role], at: new Date(time) });
  }
}

const isTold = (type: string): type is ToldEvent & EventType => type in toldOf;

/** The fields of ticket events that say whom they concern; each event has some of them. */
interface Message {
  readonly number: string;
  readonly orderer?: string;
  readonly dispatcher?: string;
  readonly acceptor?: string;
  readonly handler?: Handler | undefined;
  readonly urgency?: Urgency_Value;
}

function concernOf({ orderer, dispatcher, acceptor, handler }: Message): Concern {
  const who = handlerOf(handler);
  return {
    ...(orderer ? { orderer } : {}),
    ...(dispatcher ? { dispatcher } : {}),
    ...(acceptor ? { acceptor } : {}),
    ...(who ? { handler: who } : {}),
  };
}

function handlerOf(message: Handler | undefined): TicketHandler | undefined {
  const handler = message?.handler;
  switch (handler?.$case) {
    case undefined:
      return undefined;
    case 'unit':
      return { kind: 'unit', id: handler.value };
    case 'grid':
      return { kind: 'grid', id: handler.value };
    case 'openCall':
      return { kind: 'open_call', id: handler.value };
    case 'person':
      return { kind: 'person', id: handler.value };
  }
}

function holdersFor(directory: Pick<Directory, 'holders'>, territory: string, at: Date): Holders {
  return {
    dispatchers() {
      const community = communityOf(territory);
      return community ? directory.holders({ territory: community, roles: ['community_dispatcher'], at }) : [];
    },
    at(handler) {
      switch (handler.kind) {
        case 'unit':
          return directory.holders({ unit: handler.id, roles: ['organ_liaison'], at });
        case 'grid':
          return directory.holders({ territory: handler.id, roles: ['grid_worker'], at });
        case 'person':
          return [handler.id];
        case 'open_call':
          return []; // the community's members read one notice on demand
      }
    },
  };
}
