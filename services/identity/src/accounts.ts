/** Registering people, and what is said of them without their contact. */
import type { AccessObject } from '@bandeng/access';
import type * as contract from '@bandeng/contracts/identity';
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import { prefixes } from '@bandeng/directory';
import { derivedId } from '@bandeng/records';
import type { Call } from '@bandeng/rpc';
import { type House, hidden } from '@bandeng/service';
import { isLanguage } from './domain/account.ts';
import { accountMessage, contactOf, contextOf, type Office } from './office.ts';
import { endedSince, namesOf } from './queries.ts';
import type { Refusal } from './refusals.ts';

/**
 * An account has no place of its own: it lies in what the places of all the person's postings have in common, and always in the
 * city. So a right over it is one over the whole person, and a posting given to somebody takes them from nobody.
 */
export function accountObject({ city, directory, now }: House, person: string): AccessObject {
  const everywhere = prefixes(city);
  const [first = [], ...others] = directory.postingsOf(person, now()).map(({ unit, territory }) => {
    const place = territory ?? (unit === undefined ? undefined : directory.unit(unit)?.territory);
    return place === undefined ? everywhere : directory.ancestors(place);
  });
  const common = first.filter((code) => others.every((codes) => codes.includes(code)));
  return { person, territories: [...new Set([...everywhere, ...common])] };
}

export function accounts(office: Office) {
  const { house, registry, endedGrants } = office;
  return {
    async registerAccount(
      request: contract.RegisterAccountRequest,
      call: Call,
    ): Promise<contract.Account | Refused<Refusal>> {
      const { login, password, name, language } = request;
      const granted = house.access.permit(call, {});
      if (isRefused(granted)) return granted;
      const contact = contactOf(request);
      const outcome = await registry.registerAccount(
        {
          id: derivedId('account', call.commandId),
          login,
          name,
          language: isLanguage(language) ? language : 'zh-CN',
          ...(password === '' ? {} : { password }),
          ...(contact === undefined ? {} : { contact }),
        },
        contextOf(office, call, granted),
      );
      if (isRefused(outcome)) return outcome;
      if (outcome.replayed) call.replayed();
      return accountMessage(outcome.stored);
    },

    async getAccount({ id }: contract.GetAccountRequest, call: Call): Promise<contract.Account | Refused<Refusal>> {
      const granted = house.access.permit(call, accountObject(house, id));
      if (isRefused(granted)) return hidden(granted, 'not-found');
      const stored = await registry.accounts.read(id);
      return stored === undefined ? refuse('not-found', { field: 'id' }) : accountMessage(stored);
    },

    async listNames({ people }: contract.ListNamesRequest): Promise<contract.ListNamesResponse> {
      return { names: Object.fromEntries(await namesOf(registry, people)) };
    },

    async listEnded({ since }: contract.ListEndedRequest): Promise<contract.ListEndedResponse> {
      const asked = house.now();
      const { upTo, ...ended } = await endedSince(registry, endedGrants, since);
      return { ...ended, asOf: upTo ?? asked, more: upTo !== undefined };
    },
  };
}
