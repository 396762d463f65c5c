/** All that is known of a person, here and in the other services, for that person to take along. */
import { type GetMyDataRequest, PersonalData } from '@bandeng/contracts/identity';
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import type { Call } from '@bandeng/rpc';
import { contactReadings } from './contacts.ts';
import { accountMessage, contactMessage, type Office, personOf } from './office.ts';
import type { PageKey } from './queries.ts';
import type { Refusal } from './refusals.ts';

const pageSize = 100;

/** What is told, one after the other. */
const stages = ['contact-readings', 'own-contact-readings', 'postings', 'tickets', 'notices', 'deliveries'] as const;
type Stage = (typeof stages)[number];

/** Where the telling goes on: a stage, and where in it. */
interface Place {
  readonly stage: Stage;
  readonly token: string;
}

/** A part of a page, and where its stage goes on; empty at its end. */
interface Part {
  readonly data: Partial<PersonalData>;
  readonly token: string;
}

export function personalData(office: Office) {
  const { house, registry } = office;
  const { clients, pages } = house;

  async function head(person: string, call: Call): Promise<Partial<PersonalData>> {
    const [stored, contact, noticePreferences] = await Promise.all([
      registry.accounts.read(person),
      registry.vault.contact(person),
      clients.notifications.getNoticePreferences({}, { call }),
    ]);
    const login = stored?.words[stored.state.login ?? '']?.text ?? '';
    return { account: stored && accountMessage(stored), login, contact: contactMessage(contact), noticePreferences };
  }

  async function part(
    { stage, token: pageToken }: Place,
    person: string,
    call: Call,
  ): Promise<Part | Refused<Refusal>> {
    switch (stage) {
      case 'contact-readings':
      case 'own-contact-readings': {
        const after = pages.open<PageKey>(stage, person, pageToken);
        if (isRefused(after)) return after;
        const own = stage === 'own-contact-readings';
        const whose = own ? { reader: person } : { person };
        const { messages, last } = await contactReadings(office, whose, pageSize, after);
        const data = own ? { ownContactReadings: messages } : { contactReadings: messages };
        return { data, token: pages.seal(stage, person, last) };
      }
      case 'postings': {
        // In the person's own name: of what is theirs each service tells them everything.
        const asked = { person, pageSize, pageToken };
        const { postings, nextPageToken } = await clients.orggraph.listPostings(asked, { call });
        return { data: { postings }, token: nextPageToken };
      }
      case 'tickets': {
        const asked = { person, pageToken };
        const { tickets, nextPageToken } = await clients.tickets.listPersonalTickets(asked);
        return { data: { tickets }, token: nextPageToken };
      }
      case 'notices': {
        const { notices, nextPageToken } = await clients.notifications.listInbox({ pageSize, pageToken }, { call });
        return { data: { notices }, token: nextPageToken };
      }
      case 'deliveries': {
        const asked = { pageSize, pageToken };
        const { deliveries, nextPageToken } = await clients.notifications.listMyDeliveries(asked, { call });
        return { data: { deliveries }, token: nextPageToken };
      }
    }
  }

  return {
    async getMyData({ pageToken }: GetMyDataRequest, call: Call): Promise<PersonalData | Refused<Refusal>> {
      const person = personOf(call);
      if (person === undefined) return refuse('people-only');
      const opened = pages.open<Place>('personal-data', person, pageToken);
      if (isRefused(opened)) return opened;
      const { stage, token } = opened ?? beginning;
      const found = await part({ stage, token }, person, call);
      if (isRefused(found)) return found;
      const next = found.token === '' ? stageAfter(stage) : { stage, token: found.token };
      return PersonalData.fromPartial({
        ...(opened === undefined ? await head(person, call) : {}),
        ...found.data,
        nextPageToken: pages.seal('personal-data', person, next),
      });
    },
  };
}

const beginning: Place = { stage: stages[0], token: '' };

function stageAfter(stage: Stage): Place | undefined {
  const next = stages[stages.indexOf(stage) + 1];
  return next === undefined ? undefined : { stage: next, token: '' };
}
