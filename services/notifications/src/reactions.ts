import type { EventType } from '@bandeng/contracts';
import type { Handler } from '@bandeng/contracts/tickets';
import { communityOf, type Directory } from '@bandeng/directory';
import { type CloudEvent, on, type Reaction, type ReactionDefinition, skip } from '@bandeng/events';
import { derivedId } from '@bandeng/records';
import {
  type Concern,
  type Holders,
  recipients,
  type TicketHandler,
  type ToldEvent,
  toldOf,
} from './domain/concerned.ts';
import { recipientKey } from './domain/notice.ts';
import type { Notices } from './records.ts';

/** Each step of a ticket becomes a notice for everyone whom it concerns. */
export function reactions(notices: Notices, directory: Directory, now: () => Date): ReactionDefinition[] {
  const told = Object.keys(toldOf).filter(isTold);
  return told.map((type) => on(type, 'tell-concerned', (event) => tell(type, event)));

  function tell(type: ToldEvent, event: CloudEvent<Message>): readonly Reaction[] | ReturnType<typeof skip> {
    const { number, ...concern } = concernOf(event.data);
    const to = recipients(type, concern, holdersFor(directory, event.territory, now()));
    if (to.length === 0) return skip('concerns nobody who can be told');
    return to.map((recipient) => {
      const target = recipientKey(recipient);
      const notice = { recipient, event: type, ticket: event.subject, number, postedAt: event.time };
      return {
        target,
        // New unless the event came twice: two reads less for each order.
        run: (_commandId, context) =>
          notices.run(derivedId('notice', event.id, target), { ...context, expectNew: true }, () => ({
            command: { type: 'post', notice },
          })),
      };
    });
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
}

function concernOf({ number, orderer, dispatcher, acceptor, handler }: Message): Concern & { number: string } {
  const who = handlerOf(handler);
  return {
    number,
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

function holdersFor(directory: Directory, territory: string, at: Date): Holders {
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
