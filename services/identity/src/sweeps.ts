/** What time does: what was put into the vault for somebody who never came is taken out again. */
import type { Sweep } from '@bandeng/records';
import type { House } from '@bandeng/service';
import { living } from './queries.ts';
import type { Registry } from './registry.ts';

/** How long a registration may take from the vault to its account, repeats included. */
const grace = 60 * 60_000;
const atOnce = 200;

/** The vault is filled before its account is written; a process that ends between the two leaves an orphan behind. */
export function vaultSweep(registry: Registry, { now, log }: Pick<House, 'now' | 'log'>): Sweep {
  const { vault } = registry;
  return {
    name: 'vault',
    async run() {
      const before = new Date(now().getTime() - grace);
      const owners = await vault.unsettled(before, atOnce);
      if (owners.length === 0) return 0;
      const there = await living(registry, owners);
      const orphans = owners.filter((owner) => !there.has(owner));
      await vault.settle([...there], before);
      await vault.eraseUnsettled(orphans, before);
      if (orphans.length > 0) log.info({ orphans: orphans.length }, 'what the vault kept of nobody was taken out');
      return orphans.length;
    },
  };
}
