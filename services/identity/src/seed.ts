import type { CityPlan } from '@bandeng/city';
import { isRefused } from '@bandeng/decider';
import type { CommandContext } from '@bandeng/records';
import type { House } from '@bandeng/service';
import { openRegistry } from './registry.ts';

/** Registrations under way at once: enough to keep the database busy, few enough to leave the event loop to others. */
const atOnce = 16;

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
  const work = [
    ...plan.clients.map(
      (client) => async () => need(client.id, await registry.registerClient(client, context(client.id))),
    ),
    ...plan.accounts.map(
      (person) => async () => need(person.id, await registry.registerAccount(person, context(person.id))),
    ),
  ];
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let job = work[next++]; job !== undefined; job = work[next++]) {
      await job();
      done += 1;
      progress(done, work.length);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function need(id: string, outcome: unknown): void {
  if (isRefused(outcome)) throw new Error(`${id} cannot be registered: ${outcome.refused}`);
}
