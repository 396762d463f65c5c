/** The tickets of a planned city, told through the real commands by a clock of their own. */
import type { CityPlan, Doer, StoryStep, TicketStory } from '@bandeng/city';
import { isRefused } from '@bandeng/decider';
import type { Actor, CommandContext, Outcome, Prepared } from '@bandeng/records';
import type { House } from '@bandeng/service';
import { chinaCalendar as calendar } from './calendar-data.ts';
import { openWritingDesk, type WritingDesk } from './desk.ts';
import { categoryId } from './domain/category.ts';
import { nextDue } from './domain/passing-time.ts';
import type { Ticket, TicketCommand, TicketEvent, TicketRefusal } from './domain/ticket.ts';
import { followCode } from './follow-codes.ts';
import { dispatchTo, draftFor } from './handling.ts';
import { factsOf, placeOf, wordsOfOrder } from './ordering.ts';
import { openTickets } from './records.ts';
import type { StoredTicket } from './representation.ts';

/** Stories told side by side: what they write at the same time is written together. */
const sideBySide = 128;

/**
 * Tells all stories of a plan; those that were told before are not told again. The directory must know the city. Stories
 * of the last days go over the bus, older ones are silent.
 */
export async function seed(house: House, plan: CityPlan, progress: (done: number, all: number) => void): Promise<void> {
  const collections = await openTickets(house.records);
  const actor: Actor = { system: 'seed' };
  for (const path of plan.categories) {
    const id = categoryId(path);
    const context = { id: `seed:${id}`, at: house.now().toISOString(), actor, silent: true, expectNew: true };
    await collections.categories.run(id, context, () => ({ command: { path } }));
  }
  const desk = await openWritingDesk(house, collections);
  const waiting = plan.stories.toReversed();
  let done = 0;
  const tellers = Array.from({ length: sideBySide }, async () => {
    for (let story = waiting.pop(); story !== undefined; story = waiting.pop()) {
      await tell(desk, story);
      done += 1;
      progress(done, plan.stories.length);
    }
  });
  await Promise.all(tellers);
}

async function tell(desk: WritingDesk, story: TicketStory): Promise<void> {
  let stored = await begin(desk, story);
  for (const [index, step] of story.steps.entries()) {
    stored = await run(desk, story, `${index}`, step.at, step.by, (current) => commandOf(desk, step, current));
  }
  // What fell due since happened at its own instant, not when the service starts.
  const now = desk.house.now().toISOString();
  for (let due = nextDue(stored.state); due !== undefined && due <= now; due = nextDue(stored.state)) {
    const at = due;
    stored = await run(desk, story, `due:${at}`, at, undefined, () => ({ command: { type: 'pass-time', at } }));
  }
}

async function begin(desk: WritingDesk, story: TicketStory): Promise<StoredTicket> {
  const { id, category, orderedAt: at, orderer, urgency } = story;
  const { words, ids } = wordsOfOrder(orderer, story);
  const context = { ...contextOf(story, 'order', at, { person: orderer }), expectNew: true };
  const outcome = await desk.tickets.run(id, context, async () => {
    const facts = await factsOf(desk, followCode(desk.followKey, id), placeOf(desk, story.territory), category, at);
    return { command: { type: 'order', at, ...facts, ...ids, orderer, urgency, source: 'resident' }, words };
  });
  return told(story, 'order', outcome);
}

async function run(
  desk: WritingDesk,
  story: TicketStory,
  name: string,
  at: string,
  by: Doer | undefined,
  prepare: (current: StoredTicket) => Prepared<TicketCommand>,
): Promise<StoredTicket> {
  const context = contextOf(story, name, at, by ?? { system: 'tickets' });
  const outcome = await desk.tickets.run(story.id, context, (current) => {
    if (current === undefined) throw new Error(`the ticket of story ${story.id} is gone`);
    return prepare(current);
  });
  return told(story, name, outcome);
}

function contextOf(story: TicketStory, name: string, at: string, actor: Actor): CommandContext {
  return { id: `seed:${story.id}:${name}`, at, actor, silent: !story.recent };
}

function told(story: TicketStory, name: string, outcome: Outcome<Ticket, TicketEvent, TicketRefusal>): StoredTicket {
  if (!isRefused(outcome)) return outcome.stored;
  throw new Error(
    `story ${story.id} cannot go on with ${name}: ${outcome.refused} ${JSON.stringify(outcome.values ?? {})}`,
  );
}

function commandOf(desk: WritingDesk, step: StoryStep, current: StoredTicket): Prepared<TicketCommand> {
  const { at } = step;
  const by = step.by?.person ?? '';
  const { words, write } = draftFor(current.version, at, by);
  const command = ((): TicketCommand => {
    switch (step.step) {
      case 'dispatch':
        return dispatchTo(desk, `${step.handler.kind}:${step.handler.id}`, { at, by }, undefined);
      case 'accept':
        return { type: 'accept', at, by, calendar };
      case 'decline':
        return { type: 'decline', at, by, reason: write('reason', step.reason) ?? '' };
      case 'note':
        return { type: 'note', at, by, note: write('note', step.text) ?? '', audience: step.audience };
      case 'suspend':
        return { type: 'suspend', at, by, reason: write('reason', step.reason) ?? '', until: step.until, calendar };
      case 'resume':
        return { type: 'resume', at, by, calendar };
      case 'resolve':
        return { type: 'resolve', at, by, resolution: write('resolution', step.resolution) ?? '' };
      case 'rate': {
        const remark = write('remark', step.remark);
        const { satisfaction } = step;
        return { type: 'rate', at, by, satisfaction, ...(remark === undefined ? {} : { remark }), calendar };
      }
      case 'reject': {
        const explanation = write('explanation', step.explanation) ?? '';
        return { type: 'reject', at, by, reason: step.reason, explanation };
      }
      case 'withdraw': {
        const reason = write('reason', step.reason);
        return { type: 'withdraw', at, by, ...(reason === undefined ? {} : { reason }) };
      }
      case 'close':
        return { type: 'pass-time', at };
    }
  })();
  return { command, words };
}
