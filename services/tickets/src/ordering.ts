/** Ordering, and taking over past orders. */
import type { Granted } from '@bandeng/access';
import { ImportTicketRequest, type OrderTicketRequest, type Ticket as TicketMessage } from '@bandeng/contracts/tickets';
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import { communityOf, normalize } from '@bandeng/directory';
import { derivedId, type Words } from '@bandeng/records';
import { type Call, requestHash } from '@bandeng/rpc';
import { chinaCalendar } from './calendar-data.ts';
import { callerKey, type Desk, present } from './desk.ts';
import { dayOf } from './domain/calendar.ts';
import { ticketNumber } from './domain/number.ts';
import type { Instant, Ordering, Source } from './domain/ticket.ts';
import { followCode, followHash } from './follow-codes.ts';
import type { Refusal } from './refusals.ts';
import { sightOf } from './sight.ts';
import { readUrgency } from './spelling.ts';

type Answer = Promise<TicketMessage | Refused<Refusal>>;

/** Shorter keys than this could be met by another guest's. */
const guestKeyLength = 16;

/** A territory as it was asked for: its code without padding, and under which codes it is found; none when there is no such. */
export function placeOf({ house }: Pick<Desk, 'house'>, code: string): { territory: string; territories?: string[] } {
  const territory = normalize(code) ?? code;
  if (house.directory.territory(territory) === undefined) return { territory };
  return { territory, territories: house.directory.ancestors(territory) };
}

/** The texts of an order and how the order points to them. */
export function wordsOfOrder(
  by: string,
  texts: { readonly text: string; readonly place: string; readonly displayName: string },
): { words: Words; ids: Pick<Ordering, 'text' | 'place' | 'displayName'> } {
  const { text, place, displayName } = texts;
  return {
    words: {
      text: { by, text },
      ...(place === '' ? {} : { place: { by, text: place } }),
      ...(displayName === '' ? {} : { 'display-name': { by, text: displayName } }),
    },
    ids: {
      text: 'text',
      ...(place === '' ? {} : { place: 'place' }),
      ...(displayName === '' ? {} : { displayName: 'display-name' }),
    },
  };
}

/** Everything about a new ticket that does not depend on who orders it. */
export async function factsOf(
  desk: Pick<Desk, 'branches' | 'serials'>,
  code: string,
  place: { territory: string; territories?: string[] },
  category: string,
  orderedAt: Instant,
) {
  const branches = await desk.branches(category);
  const serial = await desk.serials.next();
  return {
    ...place,
    category,
    ...(branches === undefined ? {} : { branches }),
    number: ticketNumber(place.territory, dayOf(chinaCalendar, orderedAt), serial),
    followHash: followHash(code),
  };
}

/** A dry run takes no number away. */
const noSerials = { next: async () => 0 };

/** A dry run is compared with what was asked for in earnest. */
function rehearsalOf(request: ImportTicketRequest): { rehearsal?: true; request?: string } {
  if (!request.dryRun) return {};
  return { rehearsal: true, request: requestHash(ImportTicketRequest, { ...request, dryRun: false }) };
}

export function ordering(desk: Desk) {
  const { house, tickets } = desk;

  /** By which way an order comes in, and by what right. */
  function admit(
    request: OrderTicketRequest,
    call: Call,
    territories: string[],
  ): { source: Source; granted?: Granted } | Refused<Refusal> {
    const { caller } = call;
    if (caller.kind === 'guest') return { source: 'guest' };
    if (caller.kind === 'person' && !request.onBehalf) return { source: 'resident', granted: { own: true } };
    const granted = house.access.permit(call, { territories }, 'tickets.order');
    if (isRefused(granted)) return granted;
    return { source: caller.kind === 'person' ? 'on_behalf' : 'system', granted };
  }

  return {
    async orderTicket(request: OrderTicketRequest, call: Call): Answer {
      const { caller, commandId, idempotencyKey = '' } = call;
      if (caller.kind === 'guest' && idempotencyKey.length < guestKeyLength) {
        return refuse('idempotency-key-needed', { field: 'idempotencyKey' });
      }
      const place = placeOf(desk, request.territory);
      // One orders where somebody can be sent: in a community or in what lies in it.
      if (place.territories === undefined || communityOf(place.territory) === undefined) {
        return refuse('unknown-territory', { field: 'territory' });
      }
      const admitted = admit(request, call, place.territories);
      if (isRefused(admitted)) return admitted;
      const { source, granted } = admitted;
      const by = callerKey(call);
      const id = derivedId(by, call.rpc, commandId);
      const context = { ...house.access.context(call, granted), expectNew: true };
      const { words, ids } = wordsOfOrder(by, request);
      const code = followCode(desk.followKey, id);
      const outcome = await tickets.run(id, context, async () => {
        const facts = await factsOf(desk, code, place, request.category, context.at);
        const orderer = source === 'resident' ? { orderer: by } : {};
        const urgency = readUrgency[request.urgency] ?? 'ordinary';
        return { command: { type: 'order', at: context.at, ...facts, ...ids, ...orderer, urgency, source }, words };
      });
      if (isRefused(outcome)) return outcome;
      if (outcome.replayed) call.replayed();
      const { stored } = outcome;
      const sight = { ...sightOf(house, call, stored.state), own: true };
      return { ...present(desk, call, stored, sight), followCode: code };
    },

    async importTicket(request: ImportTicketRequest, call: Call): Answer {
      const { source, sourceId, category } = request;
      const place = placeOf(desk, request.territory);
      if (place.territories === undefined) return refuse('unknown-territory', { field: 'territory' });
      const granted = house.access.permit(call, { territories: place.territories });
      if (isRefused(granted)) return granted;
      const id = derivedId('import', source, sourceId);
      const command = `import:${source}:${sourceId}`;
      const context = { ...house.access.context(call, granted), id: command, expectNew: true, ...rehearsalOf(request) };
      const facing = request.dryRun ? { ...desk, serials: noSerials } : desk;
      const { words, ids } = wordsOfOrder(callerKey(call), request);
      const orderedAt = (request.orderedAt ?? house.now()).toISOString();
      const code = followCode(desk.followKey, id);
      const outcome = await tickets.run(id, context, async () => {
        const facts = await factsOf(facing, code, place, category, orderedAt);
        const order = { ...facts, ...ids, urgency: 'ordinary', source: 'import' } as const;
        return { command: { type: 'import', at: context.at, orderedAt, ...order }, words };
      });
      if (isRefused(outcome)) {
        return outcome.refused === 'key-reused' ? refuse('source-id-reused', { field: 'sourceId' }) : outcome;
      }
      if (outcome.replayed) call.replayed();
      return present(desk, call, outcome.stored);
    },
  };
}
