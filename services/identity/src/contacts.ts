/** Contacts of people: one's own, and others' for a reason that is recorded. */
import { type AccessObject, belonging } from '@bandeng/access';
import type * as contract from '@bandeng/contracts/identity';
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import { derivedId, type Stored } from '@bandeng/records';
import type { Call } from '@bandeng/rpc';
import { type House, hidden } from '@bandeng/service';
import { whyNot } from './domain/account.ts';
import type { ContactReading, ContactReadingEvent } from './domain/contact-reading.ts';
import { contactMessage, contextOf, type Office, personOf, placeNameOf, spelledRole } from './office.ts';
import { namesOf, type PageKey, readingsPage } from './queries.ts';
import type { Refusal } from './refusals.ts';

const usualPage = 20;

/** How long a repeated call gets the contact again under the same record, for an answer that was lost on its way. */
const readingLasts = 5 * 60_000;

/** The service that reaches people; no other gets their contacts. */
const sender = 'notifications';

/**
 * A contact is where its person lives or is checked in, and nowhere else: working somewhere opens it to nobody there. It is in
 * each of these places, which is safe because nobody is taken in somewhere over the heads of those who have them already.
 */
function contactObject({ directory, now }: House, person: string): AccessObject {
  const places = directory
    .postingsOf(person, now())
    .flatMap(({ role, territory }) =>
      belonging.has(role) && territory !== undefined ? directory.ancestors(territory) : [],
    );
  return { person, territories: [...new Set(places)] };
}

/** One page of the readings of a person's contact, or of those by a reader, as that person sees them. */
export async function contactReadings(
  { house, registry }: Pick<Office, 'house' | 'registry'>,
  whose: Parameters<typeof readingsPage>[1],
  size: number,
  after: PageKey | undefined,
): Promise<{ messages: contract.ContactReading[]; last: PageKey | undefined }> {
  const { items, last } = await readingsPage(registry.readings, whose, size, after);
  const names = await namesOf(
    registry,
    items.map(({ state }) => state.reader),
  );
  const message = ({ id, state, words }: Stored<ContactReading, ContactReadingEvent>): contract.ContactReading => {
    const held = house.directory.posting(state.posting)?.held;
    return {
      id,
      at: new Date(state.readAt),
      person: state.person,
      reader: state.reader,
      readerName: names.get(state.reader) ?? '',
      posting: state.posting,
      role: held === undefined ? 'UNSPECIFIED' : spelledRole[held.role],
      place: held === undefined ? '' : placeNameOf(house, held),
      reason: words[state.reason]?.text ?? '',
    };
  };
  return { messages: items.map(message), last };
}

export function contacts(office: Office) {
  const { house, registry } = office;
  const { access } = house;
  const { vault } = registry;
  return {
    async getMyContact(_: contract.GetMyContactRequest, call: Call): Promise<contract.Contact | Refused<Refusal>> {
      const person = personOf(call);
      return person === undefined ? refuse('people-only') : contactMessage(await vault.contact(person));
    },

    async changeMyContact(
      request: contract.ChangeMyContactRequest,
      call: Call,
    ): Promise<contract.Contact | Refused<Refusal>> {
      const person = personOf(call);
      if (person === undefined) return refuse('people-only');
      const { phone, email } = request;
      const context = contextOf(office, call);
      const outcome = await registry.accounts.run<Refusal>(person, context, async (current) => {
        const hindrance = whyNot(current?.state);
        if (hindrance !== undefined) return hindrance;
        // Compared before anything is kept, for the vault is not part of the one write.
        if (context.ifMatch !== undefined && context.ifMatch !== current?.version) return refuse('stale-version');
        await vault.change({ owner: person, contact: { phone, email } });
        return { command: { type: 'change-contact', at: context.at } };
      });
      if (isRefused(outcome)) return outcome;
      if (outcome.replayed) call.replayed();
      return contactMessage(await vault.contact(person));
    },

    async listMyContactReadings(
      { pageSize, pageToken }: contract.ListMyContactReadingsRequest,
      call: Call,
    ): Promise<contract.ListMyContactReadingsResponse | Refused<Refusal>> {
      const person = personOf(call) ?? '';
      const query = 'contact-readings';
      const after = house.pages.open<PageKey>(query, person, pageToken);
      if (isRefused(after)) return after;
      const { messages, last } = await contactReadings(office, { person }, pageSize || usualPage, after);
      return { contactReadings: messages, nextPageToken: house.pages.seal(query, person, last) };
    },

    async readContact(
      { id, reason }: contract.ReadContactRequest,
      call: Call,
    ): Promise<contract.Contact | Refused<Refusal>> {
      const granted = access.permit(call, contactObject(house, id));
      if (isRefused(granted)) return hidden(granted, 'not-found');
      const reader = personOf(call);
      const { posting } = granted;
      // The right follows from a posting and from nothing else.
      if (reader === undefined || posting === undefined) return refuse('not-permitted');
      const account = await registry.accounts.read(id);
      if (account === undefined || account.state.erasedAt !== undefined) return refuse('not-found', { field: 'id' });
      if ((await vault.contact(id)) === undefined) return refuse('no-contact', { field: 'id' });
      const context = { ...contextOf(office, call, granted), expectNew: true };
      const outcome = await registry.readings.run(derivedId('contact-reading', call.commandId), context, () => ({
        command: { type: 'record', person: id, reader, posting, reason: 'reason', readAt: context.at },
        words: { reason: { by: reader, text: reason } },
      }));
      if (isRefused(outcome)) return outcome;
      if (outcome.replayed) {
        const age = house.now().getTime() - Date.parse(outcome.stored.state.readAt);
        if (age > readingLasts) return refuse('reading-over', { field: 'idempotencyKey' });
        call.replayed();
      }
      // Only now: what is answered has been recorded.
      return contactMessage(await vault.contact(id));
    },

    async getContactForDelivery(
      { person }: contract.GetContactForDeliveryRequest,
      { caller }: Call,
    ): Promise<contract.ContactForDelivery | Refused<Refusal>> {
      if (caller.kind !== 'service' || caller.name !== sender) return refuse('not-permitted');
      const [stored, contact] = await Promise.all([registry.accounts.read(person), vault.contact(person)]);
      return { email: contact?.email ?? '', language: stored?.state.language ?? '' };
    },
  };
}
