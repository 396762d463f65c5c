import { fold, isRefused } from '@bandeng/decider';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chinaCalendar as calendar } from '../calendar-data.ts';
import { hindrance } from './actions.ts';
import { ticketDecider } from './decision.ts';
import { nextDue, passTime } from './passing-time.ts';
import type { Action, Instant, Ticket, TicketCommand, TicketEvent } from './ticket.ts';

/** Whatever people do in whatever order at whatever time, a ticket stays in order. */

const start = Date.parse('2026-11-24T02:00:00.000Z');
const iso = (hours: number): Instant => new Date(start + hours * 3_600_000).toISOString();

const birth = {
  number: '459902-20261124-000001',
  territory: '459902001001501',
  territories: ['4599', '459902001001', '459902001001501'],
  category: '城乡建设.园林',
  branches: ['城乡建设', '城乡建设.园林'],
  source: 'resident',
  orderer: 'mei',
  text: 'text',
  followHash: 'hash',
} as const;

const targets = fc.constantFrom(
  { handler: 'unit:parks', whereabouts: '459901' } as const,
  { handler: 'grid:459902001001001', whereabouts: '459902001001001' } as const,
  { handler: 'open_call:459902001001', whereabouts: '459902001001' } as const,
);

/** A well-formed command for each action, given the hour at which it comes. */
const commands: { [A in Action]: (at: Instant, hour: number) => fc.Arbitrary<TicketCommand> } = {
  dispatch: (at) => targets.map((target) => ({ type: 'dispatch', by: 'wang', at, calendar, ...target })),
  accept: (at) => fc.constantFrom('li', 'zhao').map((by) => ({ type: 'accept', by, at, calendar })),
  decline: (at) => fc.constant({ type: 'decline', by: 'li', at, reason: 'r' }),
  note: (at) =>
    fc.constantFrom('resident', 'internal').map((audience) => ({ type: 'note', by: 'li', at, note: 'n', audience })),
  attach: (at) => fc.constant({ type: 'attach', by: 'mei', at, file: 'file', kind: 'photo', bytes: 1 }),
  suspend: (at, hour) =>
    fc.integer({ min: 1, max: 500 }).map((hours) => {
      return { type: 'suspend', by: 'li', at, reason: 'r', until: iso(hour + hours), calendar };
    }),
  resume: (at) => fc.constant({ type: 'resume', by: 'li', at, calendar }),
  resolve: (at) => fc.constant({ type: 'resolve', by: 'li', at, resolution: 'r' }),
  rate: (at) =>
    fc.constantFrom(1, 2, 3, 4, 5).map((satisfaction) => ({ type: 'rate', by: 'mei', at, satisfaction, calendar })),
  reject: (at) => fc.constant({ type: 'reject', by: 'wang', at, reason: 'unclear', explanation: 'e' }),
  withdraw: (at) => fc.constant({ type: 'withdraw', by: 'mei', at }),
};
const actions = Object.keys(commands) as Action[];
/** Ends come less often, so that lives grow long. */
const steps = fc.record({
  action: fc.constantFrom(...actions, ...actions.filter((action) => action !== 'reject' && action !== 'withdraw')),
  hours: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 200 })),
  seed: fc.integer(),
});

interface Moment {
  readonly before: Ticket;
  readonly command: TicketCommand;
  readonly events: readonly TicketEvent[];
  readonly refused: string | undefined;
  readonly after: Ticket;
}

/** The life of a ticket: each command with what it did. */
const lives = fc
  .tuple(fc.constantFrom('ordinary', 'urgent'), fc.array(steps, { minLength: 1, maxLength: 25 }))
  .map(([urgency, plan]) => {
    const first: TicketEvent = { type: 'ordered', data: { at: iso(0), ...birth, urgency } };
    let now = ticketDecider.evolve(undefined, first);
    let hour = 0;
    const history: TicketEvent[] = [first];
    const moments = plan.map(({ action, hours, seed }): Moment => {
      hour += hours;
      const [command] = fc.sample(commands[action](iso(hour), hour), { seed, numRuns: 1 });
      if (command === undefined) throw new Error('no sample');
      const outcome = ticketDecider.decide(now, command);
      const events = isRefused(outcome) ? [] : outcome;
      const before = now;
      now = fold(ticketDecider.evolve, events, now) ?? now;
      history.push(...events);
      return { before, command, events, refused: isRefused(outcome) ? outcome.refused : undefined, after: now };
    });
    return { moments, history };
  });

const always = (holds: (moment: Moment) => void) =>
  fc.assert(
    fc.property(lives, ({ moments }) => {
      for (const moment of moments) holds(moment);
    }),
    { numRuns: 300 },
  );

it('an action is allowed if and only if a well-formed command for it is not refused for the state', () =>
  always(({ before, command }) => {
    const { now } = passTime(before, command.at);
    for (const action of actions) {
      const [tried] = fc.sample(commands[action](command.at, (Date.parse(command.at) - start) / 3_600_000), {
        seed: 1,
        numRuns: 1,
      });
      const outcome = tried && ticketDecider.decide(before, tried);
      expect(isRefused(outcome) && outcome.refused === 'not-in-this-state').toBe(hindrance(now, action) !== undefined);
    }
  }));

it('somebody has it exactly while it is dispatched, worked on, paused or done', () =>
  always(({ after: { standing } }) => {
    const status = standing.status;
    const has = 'handler' in standing;
    if (status === 'withdrawn') return;
    expect(has).toBe(['dispatched', 'in_progress', 'suspended', 'resolved', 'rated', 'closed'].includes(status));
    if (has && status !== 'dispatched') expect(standing.handler).not.toMatch(/^open_call:/);
  }));

it('something is due exactly while a clock runs', () =>
  always(({ after }) => {
    const { standing } = after;
    const running =
      ['dispatched', 'suspended', 'resolved'].includes(standing.status) ||
      (standing.status === 'in_progress' && !standing.deadlinePassed);
    expect(nextDue(after) !== undefined).toBe(running);
  }));

it('what is due happens, and moves or removes what is due', () =>
  always(({ after }) => {
    const instant = nextDue(after);
    if (instant === undefined) return;
    const outcome = ticketDecider.decide(after, { type: 'pass-time', at: instant });
    if (isRefused(outcome)) throw new Error(outcome.refused);
    expect(outcome.length).toBeGreaterThan(0);
    const next = nextDue(fold(ticketDecider.evolve, outcome, after) ?? after);
    expect(next === undefined || next > instant).toBe(true);
  }));

it('it is opened again at most once, and a deadline passes at most once for each deadline', () =>
  fc.assert(
    fc.property(lives, ({ history }) => {
      expect(history.filter(({ type }) => type === 'reopened').length).toBeLessThanOrEqual(1);
      const deadlines = history.flatMap((event) => (event.type === 'deadline-passed' ? [event.data.resolveBy] : []));
      const set = history.filter(({ type }) => type === 'accepted' || type === 'reopened').length;
      expect(deadlines.length).toBeLessThanOrEqual(set);
    }),
    { numRuns: 300 },
  ));

it('overdue means that a deadline passed, follow-up that the last rating was bad', () =>
  fc.assert(
    fc.property(lives, ({ history }) => {
      const state = fold(ticketDecider.evolve, history);
      expect(state?.overdue).toBe(history.some(({ type }) => type === 'deadline-passed'));
      const rating = history.findLast((event) => event.type === 'rated');
      expect(state?.followUpDue).toBe(rating?.type === 'rated' && rating.data.satisfaction <= 2);
    }),
    { numRuns: 300 },
  ));

it('after an end nothing happens any more', () =>
  always(({ before, events, refused }) => {
    if (!['rated', 'closed', 'rejected', 'withdrawn'].includes(before.standing.status)) return;
    expect(events).toEqual([]);
    expect(refused).toBe('not-in-this-state');
  }));
