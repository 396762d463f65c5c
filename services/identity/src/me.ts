/** The caller as this system knows them, and their password. */
import { actionsOf, type HeldPosting } from '@bandeng/access';
import type * as contract from '@bandeng/contracts/identity';
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import type { Call } from '@bandeng/rpc';
import { whyNot } from './domain/account.ts';
import { accountMessage, contextOf, type Office, placeNameOf, spelledRole } from './office.ts';
import { hashPassword, passwordMatches } from './passwords.ts';
import type { Refusal } from './refusals.ts';

export function me(office: Office) {
  const { house, registry, attempts, endSessions } = office;
  const { directory, now } = house;
  const { vault } = registry;

  const capacity = (held: HeldPosting): contract.Capacity[] => {
    const posting = directory.posting(held.id);
    if (posting === undefined) return [];
    const { version, person, from, until } = posting;
    return [
      {
        posting: {
          id: held.id,
          version,
          person,
          role: spelledRole[held.role],
          unit: held.unit ?? '',
          territory: held.territory ?? '',
          validFrom: new Date(from),
          validUntil: Number.isFinite(until) ? new Date(until) : undefined,
        },
        place: placeNameOf(house, held),
        actions: actionsOf(held.role),
      },
    ];
  };

  return {
    async getMe(_: contract.GetMeRequest, { caller }: Call): Promise<contract.Me> {
      const nobody: contract.Me = { account: undefined, client: '', scopes: [], territory: '', capacities: [] };
      switch (caller.kind) {
        case 'person': {
          // Under a city's own issuer somebody may sign in who was never registered here.
          const stored = await registry.accounts.read(caller.id);
          return {
            ...nobody,
            account: stored === undefined ? undefined : accountMessage(stored),
            capacities: directory.postingsOf(caller.id, now()).flatMap(capacity),
          };
        }
        case 'client':
          return { ...nobody, client: caller.id, scopes: [...caller.scopes], territory: caller.territory };
        case 'service':
        case 'guest':
          return nobody;
      }
    },

    async changeMyPassword(
      { oldPassword, newPassword }: contract.ChangeMyPasswordRequest,
      call: Call,
    ): Promise<contract.Account | Refused<Refusal>> {
      const { caller } = call;
      if (caller.kind !== 'person') return refuse('people-only');
      const { id: person, grant: kept } = caller;
      const context = contextOf(office, call);
      let changed = false;
      const outcome = await registry.accounts.run<Refusal>(person, context, async (current) => {
        const hindrance = whyNot(current?.state);
        if (hindrance !== undefined || current === undefined) return hindrance ?? refuse('no-account');
        if (context.ifMatch !== undefined && context.ifMatch !== current.version) return refuse('stale-version');
        const command = { type: 'change-password', at: context.at } as const;
        // Tried again because something else was written at the same time: the old password is none any more.
        if (changed) return { command };
        const login = current.words[current.state.login ?? '']?.text ?? person;
        const seconds = await attempts.begin(login, 'change-password');
        if (seconds > 0) return refuse('too-many-attempts', { values: { seconds } });
        const hash = await vault.secretHash(person);
        // The new one will do where an earlier try ended between the vault and the account.
        const known =
          hash !== undefined &&
          ((await passwordMatches(oldPassword, hash)) || (await passwordMatches(newPassword, hash)));
        if (!known) return refuse('wrong-password', { field: 'oldPassword' });
        await attempts.forget(login, 'change-password');
        await vault.change({ owner: person, secretHash: await hashPassword(newPassword) });
        // Before it is recorded: what is cut off here is done again by the repeat, which the record would stop.
        await endSessions(person, { kept });
        changed = true;
        return { command };
      });
      if (isRefused(outcome)) return outcome;
      if (outcome.replayed) call.replayed();
      return accountMessage(outcome.stored);
    },
  };
}
