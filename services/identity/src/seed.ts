import type { CityPlan } from '@bandeng/city';
import { isRefused } from '@bandeng/decider';
import type { CommandContext } from '@bandeng/records';
import type { House } from '@bandeng/service';
import { hashPassword } from './passwords.ts';
import { openRegistry } from './registry.ts';
import type { Kept } from './vault.ts';

/** Registrations under way at once: what is asked for together is written together, so many make few writes. */
const atOnce = 128;
const batch = 400;

/**
 * Registers the people and systems of a planned city by the service's own commands. Repeating it changes nothing. Nothing goes
 * over the bus: that a synthetic city has people is news to nobody.
 */
export async function seedIdentity(
  house: Pick<House, 'records' | 'database' | 'keys' | 'now'>,
  plan: Pick<CityPlan, 'accounts' | 'clients'>,
  progress: (done: number, of: number) => void = () => {},
): Promise<void> {
  const registry = await openRegistry(house);
  const at = house.now().toISOString();
  const context = (id: string): CommandContext => ({
    id: `seed:${id}`,
    at,
    actor: { system: 'identity' },
    silent: true,
    expectNew: true,
  });
  const total = plan.clients.length + plan.accounts.length;
  let done = 0;
  const register = async (id: string, outcome: Promise<unknown>): Promise<void> => {
    const refused = await outcome;
    if (isRefused(refused)) throw new Error(`${id} cannot be registered: ${refused.refused}`);
    done += 1;
    progress(done, total);
  };

  for (const client of plan.clients) await register(client.id, registry.registerClient(client, context(client.id)));
  for (let from = 0; from < plan.accounts.length; from += batch) {
    const people = plan.accounts.slice(from, from + batch);
    // The vault for all of them at once, then each account by its own command.
    await registry.vault.put(...(await Promise.all(people.map(keptOf))));
    await sideBySide(people, ({ id, name, language, login }) =>
      register(id, registry.registerAccount({ id, name, language, login }, context(id))),
    );
  }
}

async function keptOf({ id, password, phone }: CityPlan['accounts'][number]): Promise<Kept> {
  const contact = { phone, email: '' };
  return password === undefined
    ? { owner: id, contact }
    : { owner: id, contact, secretHash: await hashPassword(password) };
}

async function sideBySide<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
