/** Erasing people: what makes them readable is destroyed at once, what they wrote elsewhere within seconds. */
import type * as contract from '@bandeng/contracts/identity';
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import { NotNow, on, type Reaction, type ReactionDefinition, skip } from '@bandeng/events';
import { erasedWords, type Words, writtenBy } from '@bandeng/records';
import type { Call } from '@bandeng/rpc';
import { hidden } from '@bandeng/service';
import { accountObject } from './accounts.ts';
import type { ErasureReason } from './domain/account.ts';
import { accountMessage, contextOf, type Office, type StoredAccount } from './office.ts';
import { readingsAbout } from './queries.ts';
import type { Refusal } from './refusals.ts';

const readReason: { readonly [R in contract.ErasureReason_Value]: ErasureReason | undefined } = {
  UNSPECIFIED: undefined,
  ASKED_FOR: 'asked_for',
  PURPOSE_ENDED: 'purpose_ended',
  NO_GROUND: 'no_ground',
  UNRECOGNIZED: undefined,
};

export function erasing(office: Office) {
  const { house, registry, attempts, endSessions } = office;
  const { accounts, vault } = registry;

  /** The key of the contact first: without it the rest is noise already. */
  async function destroy({ id, state, words }: StoredAccount): Promise<void> {
    const login = words[state.login ?? '']?.text;
    await vault.erase(id);
    await endSessions(id, { login });
    if (login !== undefined) await attempts.forgetLogin(login);
  }

  return {
    async eraseAccount(
      request: contract.EraseAccountRequest,
      call: Call,
    ): Promise<contract.Account | Refused<Refusal>> {
      const { id } = request;
      const granted = house.access.permit(call, accountObject(house, id));
      if (isRefused(granted)) return hidden(granted, 'not-found');
      const reason = readReason[request.reason];
      if (granted.own !== true && reason === undefined) return refuse('reason-needed', { field: 'reason' });
      const before = await accounts.read(id);
      // Of a person whom only the city's own issuer knows there is nothing here, but elsewhere may be.
      const own = granted.own === true;
      if (before === undefined && !own) return refuse('not-found', { field: 'id' });
      const { ifMatch, ...context } = contextOf(office, call, granted);
      const living = before !== undefined && before.state.erasedAt === undefined;
      // Compared before anything is destroyed, and not after it: then it has to be recorded.
      if (living && ifMatch !== undefined && ifMatch !== before.version) return refuse('stale-version');
      if (living) await destroy(before);
      const outcome = await accounts.run(id, context, (current) => ({
        command: {
          ...{ type: 'erase-account', at: context.at },
          ...(reason === undefined ? {} : { reason }),
          ...(own ? { own } : {}),
        },
        words: erasedWords(current?.words ?? {}, id),
      }));
      if (isRefused(outcome)) return outcome;
      if (outcome.replayed) call.replayed();
      // Whatever was kept between the two, by a change that was under way.
      if (before !== undefined) await destroy(before);
      return accountMessage(outcome.stored);
    },
  };
}

/** Until then calls that came in before the erasure have ended everywhere, and the others are refused. */
const lastWords = 30_000;

/** Readings of contacts say why in words of the reader, which may tell of the person: they go with either of them. */
export function erasureReactions({ house, registry, endSessions }: Office): ReactionDefinition[] {
  const { readings, vault } = registry;

  async function forget(person: string): Promise<readonly Reaction[] | ReturnType<typeof skip>> {
    await vault.erase(person);
    await endSessions(person);
    const about = new Set(await readingsAbout(readings, person));
    const touched = [...new Set([...about, ...(await writtenBy(readings, person))])];
    if (touched.length === 0) return skip('no contact was read');
    return touched.map((id) => ({
      target: id,
      run: (_commandId, context) =>
        readings.run(id, context, (current) => {
          const words = current === undefined ? {} : gone(current.words, about.has(id) ? undefined : person);
          return { command: { type: 'erase-words', at: context.at, words: Object.keys(words) }, words };
        }),
    }));
  }

  return [
    on('bandeng.identity.account-erased.v1', 'erase-reasons', ({ data }) => forget(data.person)),
    on('bandeng.identity.account-erased.v1', 'erase-late-reasons', ({ data, time }) => {
      if (house.now().getTime() - Date.parse(time) < lastWords) throw new NotNow('calls may be under way');
      return forget(data.person);
    }),
  ];
}

/** The words of one person as they are when they are erased, or of everybody. */
function gone(words: Words, person: string | undefined): Words {
  const authors = person === undefined ? [...new Set(Object.values(words).map(({ by }) => by))] : [person];
  return erasedWords(words, ...authors);
}
