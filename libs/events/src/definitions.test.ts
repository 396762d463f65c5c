import { expect, it } from 'vitest';
import { type CloudEvent, cloudEvent } from './cloudevents.ts';
import { on, type Reaction, runReaction, skip } from './definitions.ts';
import { NotNow } from './failures.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const type = 'bandeng.tickets.ticket-closed.v1';
const event: CloudEvent = cloudEvent(
  { seq: 2, id: 't1:2', at: '2026-03-01T08:00:00.000Z' },
  { service: 'tickets', type, aggregate: 't1', data: { number: '9' }, territory: '4599' },
);

function run(reactions: readonly Reaction[]): Promise<number> {
  return runReaction(
    on(type, 'tell', () => reactions),
    event,
    { service: 'notifications', log: quiet, now: () => new Date(0) },
  );
}

it('names a command by event, reaction and target', async () => {
  const ids: string[] = [];
  const note = async (id: string): Promise<void> => void ids.push(id);
  await run([{ run: note }]);
  await run([
    { target: 'p1', run: note },
    { target: 'p2', run: note },
  ]);
  expect(ids).toEqual(['event:t1:2:tell', 'event:t1:2:tell:p1', 'event:t1:2:tell:p2']);
});

it('does not run several commands that nothing tells apart', async () => {
  const reaction: Reaction = { run: async () => expect.unreachable() };
  await expect(run([reaction, reaction])).rejects.toThrow('need a target');
});

it('takes a refusal for an answer, unless it says to come again or is a fault of ours', async () => {
  const refusing = (refused: string): Promise<number> => run([{ run: async () => ({ refused }) }]);
  await expect(refusing('already-there')).resolves.toBe(0);
  await expect(refusing('busy')).rejects.toThrow(NotNow);
  await expect(refusing('too-much-unpublished')).rejects.toThrow(NotNow);
  await expect(refusing('key-reused')).rejects.toThrow('something else');
});

it('lets nothing follow from an event that is skipped', async () => {
  const skipping = on(type, 'tell', ({ data }) => skip(`not for ${data.number}`));
  await runReaction(skipping, event, { service: 'notifications', log: quiet, now: () => new Date(0) });
});

it('counts the commands that had not happened before', async () => {
  const answers = [{ replayed: true }, { replayed: false }, undefined, { refused: 'not-there' }];
  const reactions = answers.map((answer, index) => ({ target: String(index), run: async () => answer }));
  expect(await run(reactions)).toBe(2);
});
