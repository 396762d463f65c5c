/** What time does to tickets: whatever has fallen due becomes a command, which lets time pass. */
import { type Actor, type Sweep, sweepOf } from '@bandeng/records';
import type { House } from '@bandeng/service';
import type { Desk } from './desk.ts';
import { nextDue } from './domain/passing-time.ts';
import type { Status } from './domain/ticket.ts';
import type { Tickets } from './records.ts';

const actor: Actor = { system: 'tickets' };

/** Which deadline runs where. */
const deadlines: { readonly [S in Status]: string } = {
  ordered: 'none',
  dispatched: 'acceptance',
  in_progress: 'solution',
  suspended: 'pause',
  resolved: 'rating',
  rated: 'none',
  closed: 'none',
  rejected: 'none',
  withdrawn: 'none',
};

export function ticketSweep(tickets: Tickets, { log, now }: Pick<House, 'log' | 'now'>): Sweep {
  return sweepOf(tickets, {
    actor,
    now,
    due: ({ state }, at) => {
      const instant = nextDue(state);
      if (instant === undefined) return [];
      const deadline = deadlines[state.standing.status];
      return [{ deadline, instant, prepare: () => ({ command: { type: 'pass-time', at } }) }];
    },
    failed: (ticket, reason) => {
      const fault = reason instanceof Error ? reason.message : reason;
      log.warn({ ticket, fault }, 'what is due did not happen; it will be tried again');
    },
  });
}

/** Longer than any upload takes. */
const uploadMs = 3_600_000;
const lookEveryMs = 60_000;

/** Files that were kept and then not named by their ticket, because something broke off between, go away. */
export function looseFileSweep({ files, tickets, house }: Pick<Desk, 'files' | 'tickets' | 'house'>): Sweep {
  let next = 0;
  return {
    name: 'loose-files',
    async run() {
      const now = house.now().getTime();
      if (now < next) return 0;
      next = now + lookEveryMs;
      return files.sweep(new Date(now - uploadMs), async ({ id, owner }) => {
        const ticket = await tickets.read(owner);
        return ticket?.state.evidence?.some(({ file }) => file === id) ?? false;
      });
    },
  };
}
