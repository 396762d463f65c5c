import { fold, isRefused } from '@bandeng/decider';
import { given } from '@bandeng/decider/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type DeliveryCommand,
  type DeliveryEvent,
  delivery,
  type Fault,
  longestTry,
  type Plan,
  patience,
  retryAt,
} from './delivery.ts';
import { channelAfter } from './routes.ts';

const at = '2026-11-24T01:00:00.000Z';
const after = (milliseconds: number, from = at): string => new Date(Date.parse(from) + milliseconds).toISOString();
const plan: Plan = {
  notice: 'n',
  person: 'mei',
  channel: 'email',
  kind: 'task',
  urgent: false,
  event: 'bandeng.tickets.ticket-dispatched.v1',
  ticket: 't',
  number: '459901-20261124-000001',
  postedAt: at,
  plannedAt: at,
  territories: ['4599'],
};
const planned: DeliveryEvent = { type: 'planned', data: { ...plan, due: at } };
const begin: DeliveryCommand = { type: 'begin', at, message: 'm', next: 'inbox' };
const begun: DeliveryEvent = { type: 'begun', data: { at, message: 'm', due: after(longestTry) } };
const fail = (reason: Fault, lasting: boolean, when = at): DeliveryCommand => ({
  type: 'fail',
  at: when,
  reason,
  lasting,
  next: 'inbox',
});

test('a delivery is planned once, however often its event comes', () => {
  given(delivery).when({ type: 'plan', plan, due: at }).thenEvents(planned);
  given(delivery, planned).when({ type: 'plan', plan, due: at }).thenNothing();
});

test('it is marked before it is sent and after, and then nothing is due any more', () => {
  given(delivery, planned).when(begin).thenEvents(begun);
  const sent = given(delivery, planned, begun).when({ type: 'sent', at, message: 'm' });
  sent.thenEvents({ type: 'sent', data: { at } });
  expect(sent.state()).toMatchObject({ status: 'sent', tries: 1, endedAt: at });
  expect(sent.state()?.due).toBeUndefined();
});

test('nobody sends what is not due, or what somebody else is sending', () => {
  given(delivery, planned)
    .when({ ...begin, at: after(-1) })
    .thenRefused('not-due');
  given(delivery, planned, begun)
    .when({ ...begin, at: after(1) })
    .thenRefused('not-due');
});

test('who ended between the two marks is followed by one repeat of the same letter, and by no second', () => {
  const then = after(longestTry);
  given(delivery, planned, begun)
    .when({ ...begin, at: then, message: 'another' })
    .thenRefused('another-message');
  const resumed: DeliveryEvent = { type: 'resumed', data: { at: then, due: after(longestTry, then) } };
  given(delivery, planned, begun)
    .when({ ...begin, at: then })
    .thenEvents(resumed);
  const later = after(longestTry, then);
  given(delivery, planned, begun, resumed)
    .when({ ...begin, at: later })
    .thenEvents({ type: 'failed', data: { at: later, reason: 'uncertain', next: 'inbox' } });
});

test('a server that is away is tried again, more and more seldom, until what is told is old', () => {
  given(delivery, planned, begun)
    .when(fail('server-away', false))
    .thenEvents({ type: 'put-off', data: { reason: 'server-away', due: after(60_000) } });
  expect(retryAt(1, at)).toBe(after(60_000));
  expect(retryAt(3, at)).toBe(after(4 * 60_000));
  expect(retryAt(40, at)).toBe(after(3_600_000));
  given(delivery, planned, begun)
    .when(fail('server-away', false, after(patience)))
    .thenEvents({ type: 'failed', data: { at: after(patience), reason: 'server-away', next: 'inbox' } });
});

test('an address that is refused is not tried again', () => {
  given(delivery, planned, begun)
    .when(fail('address-refused', true))
    .thenEvents({ type: 'failed', data: { at, reason: 'address-refused', next: 'inbox' } });
});

test('what is not needed any more is dropped, but not while it is being sent', () => {
  given(delivery, planned)
    .when({ type: 'drop', at, reason: 'read-already' })
    .thenEvents({ type: 'dropped', data: { at, reason: 'read-already' } });
  given(delivery, planned, begun).when({ type: 'drop', at, reason: 'read-already' }).thenRefused('not-waiting');
});

test('in the end there is the inbox', () => {
  expect(
    channelAfter(
      'email',
      () => true,
      () => true,
    ),
  ).toBe('inbox');
});

test('whatever happens, a delivery that is due moves on or ends, is tried a bounded number of times, and ends once', () => {
  const faults: Fault[] = ['server-away', 'server-busy', 'address-refused', 'uncertain'];
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 4 * 3_600_000 }),
    outcome: fc.constantFrom('sent', 'gone', ...faults),
    lasting: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let now = at;
      let state = fold(delivery.evolve, [planned], undefined);
      const run = (command: DeliveryCommand): void => {
        const events = delivery.decide(state, command);
        if (isRefused(events)) throw new Error(events.refused);
        state = fold(delivery.evolve, events, state);
      };
      for (const { wait, outcome, lasting } of steps) {
        const due = state?.due;
        if (due === undefined) break;
        now = new Date(Math.max(Date.parse(due), Date.parse(now)) + wait).toISOString();
        run({ type: 'begin', at: now, message: 'm', next: 'inbox' });
        expect(state?.due === undefined || state.due > now).toBe(true);
        if (state?.status !== 'sending' || outcome === 'gone') continue;
        run(
          outcome === 'sent'
            ? { type: 'sent', at: now, message: 'm' }
            : { type: 'fail', at: now, reason: outcome, lasting, next: 'inbox' },
        );
        expect(state?.due === undefined || state.due > now).toBe(true);
      }
      expect(state?.due === undefined).toBe(['sent', 'failed'].includes(state?.status ?? ''));
      expect(state?.tries).toBeLessThan(60);
    }),
  );
});
