import { type Chance, plannedId } from './chance.ts';
import * as words from './names.ts';

/** Who does a step, and in which capacity. */
export interface Doer {
  readonly person: string;
  readonly posting?: string;
}

/** One thing that happens to a planned ticket. What time does has no doer. */
export type StoryStep = { readonly at: string; readonly by?: Doer } & (
  | {
      readonly step: 'dispatch';
      readonly handler: { readonly kind: 'unit' | 'grid' | 'open_call'; readonly id: string };
    }
  | { readonly step: 'accept' }
  | { readonly step: 'decline'; readonly reason: string }
  | { readonly step: 'note'; readonly audience: 'resident' | 'internal'; readonly text: string }
  | { readonly step: 'suspend'; readonly reason: string; readonly until: string }
  | { readonly step: 'resume' }
  | { readonly step: 'resolve'; readonly resolution: string }
  | { readonly step: 'rate'; readonly satisfaction: 1 | 2 | 3 | 4 | 5; readonly remark: string }
  | { readonly step: 'reject'; readonly reason: 'not_ours' | 'will_not_do'; readonly explanation: string }
  | { readonly step: 'withdraw'; readonly reason: string }
  | { readonly step: 'close' }
);

/** The life of one planned ticket. */
export interface TicketStory {
  readonly id: string;
  readonly territory: string;
  readonly category: string;
  readonly text: string;
  readonly place: string;
  readonly displayName: string;
  readonly urgency: 'ordinary' | 'urgent';
  readonly orderedAt: string;
  /** Id of the person who orders. */
  readonly orderer: string;
  /** It belongs to the last days: its events go over the bus. Older ones are history and silent. */
  readonly recent: boolean;
  readonly steps: readonly StoryStep[];
}

/** What a story needs to know of the community it plays in. */
export interface Stage {
  readonly community: string;
  readonly dispatcher: Doer;
  readonly residents: readonly { readonly person: string; readonly building: string }[];
  readonly grids: readonly { readonly code: string; readonly worker: Doer }[];
  readonly units: readonly { readonly id: string; readonly liaison: Doer }[];
  readonly members: readonly Doer[];
}

const minute = 60_000;
const day = 24 * 60 * minute;
/** Stories of the last days are told over the bus. */
const recentDays = 3;

/** The life of one ticket in a community, ordered `age` milliseconds before `now`; it goes as far as its age lets it. */
export function tellStory(
  chance: Chance,
  seed: number,
  number: number,
  stage: Stage,
  now: number,
  age: number,
): TicketStory {
  const topic = chance.of(words.topics);
  const resident = chance.of(stage.residents);
  const orderer: Doer = { person: resident.person };
  const urgent = chance.happens(0.15);
  const orderedAt = now - age;
  const steps: StoryStep[] = [];
  let at = orderedAt;
  /** Whether there is time left for a next step, which then happens up to `most` minutes later. */
  const later = (least: number, most: number): boolean => {
    const next = at + chance.between(least, most) * minute;
    if (next > now) return false;
    at = next;
    return true;
  };
  const instant = (): string => new Date(at).toISOString();

  const chooseHandler = (): { handler: { kind: 'unit' | 'grid' | 'open_call'; id: string }; taker: Doer } => {
    const way = chance.next();
    if (way < 0.5) {
      const grid = chance.of(stage.grids);
      return { handler: { kind: 'grid', id: grid.code }, taker: grid.worker };
    }
    if (way < 0.75) {
      const unit = chance.of(stage.units);
      return { handler: { kind: 'unit', id: unit.id }, taker: unit.liaison };
    }
    return { handler: { kind: 'open_call', id: stage.community }, taker: chance.of(stage.members) };
  };

  const play = (): void => {
    if (!later(10, 240)) return;
    if (chance.happens(0.04)) {
      steps.push({ at: instant(), by: orderer, step: 'withdraw', reason: '已经自己解决了。' });
      return;
    }
    if (chance.happens(0.06)) {
      steps.push({
        at: instant(),
        by: stage.dispatcher,
        step: 'reject',
        reason: 'not_ours',
        explanation: '这件事由供水公司负责，已把电话告诉您。',
      });
      return;
    }
    let { handler, taker } = chooseHandler();
    steps.push({ at: instant(), by: stage.dispatcher, step: 'dispatch', handler });
    if (handler.kind !== 'open_call' && chance.happens(0.08) && later(5, 60)) {
      steps.push({ at: instant(), by: taker, step: 'decline', reason: chance.of(words.declineReasons) });
      if (!later(10, 120)) return;
      ({ handler, taker } = chooseHandler());
      steps.push({ at: instant(), by: stage.dispatcher, step: 'dispatch', handler });
    }
    if (!later(3, 100)) return;
    steps.push({ at: instant(), by: taker, step: 'accept' });
    if (chance.happens(0.4) && later(20, 300))
      steps.push({
        at: instant(),
        by: taker,
        step: 'note',
        audience: 'resident',
        text: chance.of(words.progressNotes),
      });
    if (chance.happens(0.2) && later(5, 60))
      steps.push({
        at: instant(),
        by: taker,
        step: 'note',
        audience: 'internal',
        text: chance.of(words.internalNotes),
      });
    if (!urgent && chance.happens(0.07) && later(10, 60)) {
      const until = new Date(at + 2 * day).toISOString();
      steps.push({ at: instant(), by: taker, step: 'suspend', reason: chance.of(words.suspendReasons), until });
      if (!later(600, 2_000)) return;
      steps.push({ at: instant(), by: taker, step: 'resume' });
    }
    if (!later(60, urgent ? 400 : 2_800)) return;
    steps.push({ at: instant(), by: taker, step: 'resolve', resolution: chance.of(topic.done) });
    if (chance.happens(0.3)) {
      if (!later(7 * 24 * 60, 7 * 24 * 60)) return;
      steps.push({ at: instant(), step: 'close' });
      return;
    }
    if (!later(30, 3_000)) return;
    if (chance.happens(0.06)) {
      steps.push({
        at: instant(),
        by: orderer,
        step: 'rate',
        satisfaction: chance.happens(0.5) ? 1 : 2,
        remark: chance.of(words.complaints),
      });
      if (!later(60, 1_500)) return;
      steps.push({ at: instant(), by: taker, step: 'resolve', resolution: chance.of(topic.done) });
      if (!later(30, 3_000)) return;
    }
    steps.push({
      at: instant(),
      by: orderer,
      step: 'rate',
      satisfaction: chance.of([3, 4, 4, 5, 5, 5] as const),
      remark: chance.of(words.remarks),
    });
  };
  play();

  return {
    id: plannedId(seed, 'ticket', number),
    territory: resident.building,
    category: topic.category.join('.'),
    text: chance.of(topic.texts),
    place: chance.of(words.places),
    displayName: chance.of(words.displayNames),
    urgency: urgent ? 'urgent' : 'ordinary',
    orderedAt: new Date(orderedAt).toISOString(),
    orderer: resident.person,
    recent: age <= recentDays * day,
    steps,
  };
}
