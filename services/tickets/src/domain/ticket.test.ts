import { given } from '@bandeng/decider/testing';
import { describe, expect, it } from 'vitest';
import { chinaCalendar as calendar } from '../calendar-data.ts';
import { ticketDecider } from './decision.ts';
import { nextDue } from './passing-time.ts';
import type { Ordering, TicketCommand, TicketEvent } from './ticket.ts';

const china = (clock: string) => new Date(`${clock}:00.000+08:00`).toISOString();
const tuesday = china('2026-11-24T10:00');
const later = china('2026-11-24T11:00');

const ordering: Ordering = {
  number: '459902-20261124-000001',
  territory: '459902001001501',
  category: '城乡建设.园林',
  urgency: 'ordinary',
  source: 'resident',
  orderer: 'mei',
  text: 'text',
  followHash: 'hash',
};
const order = {
  ...ordering,
  territories: ['45', '4599', '459902', '459902001', '459902001001', '459902001001501', '459902001001001'],
  branches: ['城乡建设', '城乡建设.园林'],
};

const ordered: TicketEvent = { type: 'ordered', data: { at: tuesday, ...order } };
const toUnit = { handler: 'unit:parks', dispatcher: 'wang' } as const;
const dispatched: TicketEvent = {
  type: 'dispatched',
  data: { at: tuesday, ...toUnit, acceptBy: china('2026-11-25T10:00') },
};
const openCall: TicketEvent = {
  type: 'dispatched',
  data: { at: tuesday, handler: 'open_call:459902001001', dispatcher: 'wang', acceptBy: china('2026-11-25T10:00') },
};
const hands = { ...toUnit, acceptor: 'li' };
const accepted: TicketEvent = {
  type: 'accepted',
  data: { at: tuesday, ...hands, resolveBy: china('2026-12-01T10:00') },
};
const closeAt = china('2026-12-01T11:00');
const resolved: TicketEvent = { type: 'resolved', data: { at: later, ...hands, resolution: 'resolution', closeAt } };
const ratedBad: TicketEvent = { type: 'rated', data: { at: later, ...hands, satisfaction: 2, followUpDue: true } };
const reopened: TicketEvent = { type: 'reopened', data: { at: later, ...hands, resolveBy: china('2026-12-01T11:00') } };
const suspended: TicketEvent = {
  type: 'suspended',
  data: {
    at: later,
    ...hands,
    reason: 'why',
    until: china('2026-12-10T09:00'),
    left: 39 * 3_600_000,
    resolveBy: china('2026-12-16T17:00'),
    deadlinePassed: false,
  },
};
const ticket = (...past: TicketEvent[]) => given(ticketDecider, ordered, ...past);
const passTime = (at: string): TicketCommand => ({ type: 'pass-time', at });
const types = (events: readonly TicketEvent[]) => events.map(({ type }) => type);

describe('ordering 点单', () => {
  const nothing = given(ticketDecider);

  it('an order waits at the community with everything that was said', () =>
    nothing.when({ type: 'order', at: tuesday, ...order }).thenEvents(ordered));

  it('an order for a place that does not exist is refused', () => {
    const { territories: _, ...rest } = order;
    nothing.when({ type: 'order', at: tuesday, ...rest }).thenRefused('unknown-territory');
  });

  it('an order of a category that does not exist is refused', () => {
    const { branches: _, ...rest } = order;
    nothing.when({ type: 'order', at: tuesday, ...rest }).thenRefused('unknown-category');
  });

  it('a past order keeps its date and runs no clock', () => {
    const orderedAt = china('2015-03-01T09:00');
    const outcome = nothing.when({ type: 'import', at: tuesday, orderedAt, ...order });
    outcome.thenEvents({ type: 'imported', data: { at: tuesday, orderedAt, ...order } });
    const state = outcome.state();
    expect(state && nextDue(state)).toBeUndefined();
    expect(state).toMatchObject({ orderedAt, changedAt: tuesday, standing: { status: 'ordered' } });
  });

  it('a past order cannot have been ordered tomorrow', () => {
    nothing.when({ type: 'import', at: tuesday, orderedAt: later, ...order }).thenRefused('in-the-future');
  });

  it('nothing can be done to what was never ordered', () =>
    nothing.when({ type: 'accept', by: 'li', at: tuesday, calendar }).thenRefused('not-found'));
});

describe('dispatching 派单', () => {
  const dispatch = { type: 'dispatch', by: 'wang', at: tuesday, calendar } as const;

  it('a unit is asked and has eight working hours to accept', () =>
    ticket()
      .when({ ...dispatch, handler: 'unit:parks', whereabouts: '459901' })
      .thenEvents(dispatched));

  it('an urgent one has two', () => {
    given(ticketDecider, { type: 'ordered', data: { at: tuesday, ...order, urgency: 'urgent' } })
      .when({ ...dispatch, handler: 'unit:parks', whereabouts: '459901', note: 'n' })
      .thenEvents({
        type: 'dispatched',
        data: { at: tuesday, ...toUnit, acceptBy: china('2026-11-24T12:00'), note: 'n' },
      });
  });

  it.each([
    ['unit:nobody', 'unknown-unit'],
    ['grid:459902001001009', 'unknown-grid'],
    ['open_call:459902001009', 'unknown-community'],
  ] as const)('%s does not exist', (handler, reason) => {
    ticket()
      .when({ ...dispatch, handler })
      .thenRefused(reason);
  });

  it.each([
    ['unit:elsewhere', '450102', 'outside-this-territory'],
    ['grid:459902001002001', '459902001002001', 'outside-this-territory'],
    ['open_call:459902001002', '459902001002', 'outside-this-territory'],
  ] as const)('%s is not of this city or community', (handler, whereabouts, reason) => {
    ticket()
      .when({ ...dispatch, handler, whereabouts })
      .thenRefused(reason);
  });

  it('a grid and the members of the community can be asked', () => {
    const grid = { handler: 'grid:459902001001001', whereabouts: '459902001001001' } as const;
    const members = { handler: 'open_call:459902001001', whereabouts: '459902001001' } as const;
    expect(
      ticket()
        .when({ ...dispatch, ...grid })
        .events(),
    ).toHaveLength(1);
    expect(
      ticket()
        .when({ ...dispatch, ...members })
        .events(),
    ).toHaveLength(1);
  });

  it('a past order that lies above the communities can go to any community below', () => {
    given(ticketDecider, { type: 'imported', data: { at: tuesday, orderedAt: tuesday, ...order, territory: '459902' } })
      .when({ ...dispatch, handler: 'open_call:459902001001', whereabouts: '459902001001' })
      .thenEvents(openCall);
  });

  it('no deadline can be set beyond the calendar', () => {
    const at = china('2027-12-31T17:00');
    ticket()
      .when({ ...dispatch, at, handler: 'unit:parks', whereabouts: '459901' })
      .thenRefused('beyond-the-calendar');
  });

  it('only what waits can be dispatched', () =>
    ticket(dispatched)
      .when({ ...dispatch, handler: 'unit:parks', whereabouts: '459901' })
      .thenRefused('not-in-this-state'));
});

describe('accepting 接单', () => {
  const accept = { type: 'accept', by: 'li', at: tuesday, calendar } as const;

  it('whoever accepts for a unit starts the clock of the solution', () =>
    ticket(dispatched).when(accept).thenEvents(accepted));

  it('the member who takes an open call becomes the handler', () => {
    const data = {
      at: tuesday,
      handler: 'person:li',
      dispatcher: 'wang',
      acceptor: 'li',
      resolveBy: china('2026-12-01T10:00'),
    } as const;
    ticket(openCall).when(accept).thenEvents({ type: 'accepted', data });
  });

  it('a second acceptance comes too late', () => {
    ticket(openCall, accepted)
      .when({ ...accept, by: 'zhao' })
      .thenRefused('not-in-this-state');
  });

  it('who declines gives it back to the community, and it can be dispatched again', () => {
    const declined: TicketEvent = { type: 'declined', data: { at: later, ...toUnit, reason: 'r' } };
    const outcome = ticket(dispatched).when({ type: 'decline', by: 'li', at: later, reason: 'r' });
    outcome.thenEvents(declined);
    expect(outcome.state()).toMatchObject({ declineReason: 'r', standing: { status: 'ordered' } });
    const again = {
      type: 'dispatch',
      by: 'wang',
      at: later,
      calendar,
      handler: 'unit:parks',
      whereabouts: '4599',
    } as const;
    expect(ticket(dispatched, declined).when(again).state()).not.toHaveProperty('declineReason');
  });

  it('silence gives it back as well', () => {
    ticket(dispatched)
      .when(passTime(china('2026-11-25T09:59')))
      .thenNothing();
    const at = china('2026-11-25T10:00');
    ticket(dispatched)
      .when(passTime(at))
      .thenEvents({ type: 'acceptance-lapsed', data: { at, ...toUnit } });
  });

  it('nobody accepts after the deadline, even if no sweep has come by', () =>
    ticket(dispatched)
      .when({ ...accept, at: china('2026-11-25T10:00') })
      .thenRefused('not-in-this-state'));
});

describe('working', () => {
  it('a note goes to the resident or stays among colleagues', () => {
    const note = { type: 'note', by: 'li', at: later, note: 'n' } as const;
    ticket(dispatched, accepted)
      .when({ ...note, audience: 'resident' })
      .thenEvents({ type: 'noted-for-resident', data: { at: later, note: 'n' } });
    ticket(dispatched, accepted)
      .when({ ...note, audience: 'internal' })
      .thenEvents({ type: 'noted-internally', data: { at: later, note: 'n' } });
  });

  it('a deadline passes once, and the ticket stays overdue', () => {
    const at = china('2026-12-01T10:00');
    const passed: TicketEvent = { type: 'deadline-passed', data: { at, ...hands, resolveBy: at } };
    ticket(dispatched, accepted).when(passTime(at)).thenEvents(passed);
    const outcome = ticket(dispatched, accepted, passed).when(passTime(china('2026-12-09T10:00')));
    outcome.thenNothing();
    expect(outcome.state()).toMatchObject({ overdue: true });
  });

  it('who resolves late is overdue, even if no sweep has come by', () => {
    const at = china('2026-12-02T10:00');
    const events = ticket(dispatched, accepted).when({ type: 'resolve', by: 'li', at, resolution: 'r' }).events();
    expect(types(events)).toEqual(['deadline-passed', 'resolved']);
  });

  it('a pause stops the clock; what was left goes on after it', () => {
    const until = china('2026-12-10T09:00');
    ticket(dispatched, accepted)
      .when({ type: 'suspend', by: 'li', at: later, reason: 'why', until, calendar })
      .thenEvents(suspended);
    ticket(dispatched, accepted, suspended)
      .when(passTime(until))
      .thenEvents({
        type: 'resumed',
        data: { at: until, ...hands, resolveBy: china('2026-12-16T17:00'), deadlinePassed: false, byItself: true },
      });
  });

  it('a pause can end before its date', () => {
    const at = china('2026-11-26T10:00');
    ticket(dispatched, accepted, suspended)
      .when({ type: 'resume', by: 'li', at, calendar })
      .thenEvents({
        type: 'resumed',
        data: {
          at,
          ...hands,
          resolveBy: china('2026-12-02T18:00'),
          deadlinePassed: false,
          byItself: false,
        },
      });
  });

  it('a pause that ended long ago has ended at its date, and the deadline after it has passed too', () => {
    const events = ticket(dispatched, accepted, suspended)
      .when(passTime(china('2026-12-17T09:00')))
      .events();
    expect(types(events)).toEqual(['resumed', 'deadline-passed']);
  });

  it('a deadline that has passed stays passed over a pause', () => {
    const at = china('2026-12-02T10:00');
    const until = china('2026-12-05T10:00');
    const outcome = ticket(dispatched, accepted).when({
      type: 'suspend',
      by: 'li',
      at,
      reason: 'why',
      until,
      calendar,
    });
    expect(types(outcome.events())).toEqual(['deadline-passed', 'suspended']);
    ticket(dispatched, accepted, ...outcome.events())
      .when(passTime(until))
      .thenEvents({
        type: 'resumed',
        data: { at: until, ...hands, resolveBy: china('2026-12-01T10:00'), deadlinePassed: true, byItself: true },
      });
  });

  it('a pause lies in the future and within the calendar', () => {
    const suspend = { type: 'suspend', by: 'li', at: later, reason: 'why', calendar } as const;
    ticket(dispatched, accepted)
      .when({ ...suspend, until: later })
      .thenRefused('not-in-the-future');
    ticket(dispatched, accepted)
      .when({ ...suspend, until: china('2027-12-30T09:00') })
      .thenRefused('beyond-the-calendar');
    ticket(dispatched, accepted)
      .when({ ...suspend, until: china('2031-01-01T09:00') })
      .thenRefused('beyond-the-calendar');
  });
});

describe('rating 评单', () => {
  const rate = { type: 'rate', by: 'mei', at: later, calendar } as const;

  it('a good rating ends the ticket', () => {
    const data = { at: later, ...hands, satisfaction: 5, followUpDue: false, remark: 'r' } as const;
    ticket(dispatched, accepted, resolved)
      .when({ ...rate, satisfaction: 5, remark: 'r' })
      .thenEvents({ type: 'rated', data });
  });

  it('a bad rating opens it again for the same handler, with a new deadline and a call to make', () => {
    const outcome = ticket(dispatched, accepted, resolved).when({ ...rate, satisfaction: 2 });
    outcome.thenEvents(ratedBad, reopened);
    expect(outcome.state()).toMatchObject({
      reopened: 1,
      followUpDue: true,
      rating: 2,
      standing: { status: 'in_progress' },
    });
  });

  it('a second bad rating ends it, with a call to make', () => {
    const outcome = ticket(dispatched, accepted, resolved, ratedBad, reopened, resolved).when({
      ...rate,
      satisfaction: 1,
    });
    expect(types(outcome.events())).toEqual(['rated']);
    expect(outcome.state()).toMatchObject({ followUpDue: true, rating: 1, standing: { status: 'rated' } });
  });

  it('a good rating after a bad one needs no call', () => {
    const outcome = ticket(dispatched, accepted, resolved, ratedBad, reopened, resolved).when({
      ...rate,
      satisfaction: 4,
    });
    expect(outcome.state()).toMatchObject({ followUpDue: false, standing: { status: 'rated' } });
  });

  it('silence for seven days closes it, and then it is too late to rate', () => {
    ticket(dispatched, accepted, resolved)
      .when(passTime(closeAt))
      .thenEvents({ type: 'closed', data: { at: closeAt, ...hands } });
    ticket(dispatched, accepted, resolved)
      .when({ ...rate, at: closeAt, satisfaction: 1 })
      .thenRefused('not-in-this-state');
  });
});

describe('other ends', () => {
  it('a community refuses with a reason, also what it had dispatched', () => {
    const reject = { type: 'reject', by: 'wang', at: later, reason: 'not_ours', explanation: 'e' } as const;
    const rejected: TicketEvent = { type: 'rejected', data: { at: later, reason: 'not_ours', explanation: 'e' } };
    ticket().when(reject).thenEvents(rejected);
    ticket(dispatched).when(reject).thenEvents(rejected);
    ticket(dispatched, accepted).when(reject).thenRefused('not-in-this-state');
  });

  it('the one who ordered takes it back until it is resolved', () => {
    const withdraw = { type: 'withdraw', by: 'mei', at: later } as const;
    ticket()
      .when(withdraw)
      .thenEvents({ type: 'withdrawn', data: { at: later } });
    ticket(dispatched, accepted)
      .when({ ...withdraw, reason: 'r' })
      .thenEvents({ type: 'withdrawn', data: { at: later, ...hands, reason: 'r' } });
    ticket(dispatched, accepted, resolved).when(withdraw).thenRefused('not-in-this-state');
  });

  it('an end is an end: not even a note comes after it', () => {
    const note = { type: 'note', by: 'li', at: later, note: 'n', audience: 'internal' } as const;
    const ends: TicketEvent[] = [
      { type: 'closed', data: { at: later, ...hands } },
      { type: 'rated', data: { at: later, ...hands, satisfaction: 5, followUpDue: false } },
      { type: 'rejected', data: { at: later, reason: 'unclear', explanation: 'e' } },
      { type: 'withdrawn', data: { at: later } },
    ];
    for (const end of ends) ticket(end).when(note).thenRefused('not-in-this-state');
  });
});
