import { isRefused } from '@bandeng/decider';
import { type Actor, derivedId } from '@bandeng/records';
import { RpcFailure } from '@bandeng/rpc';
import type { House } from '@bandeng/service';
import { counter } from '@bandeng/telemetry';
import type { Carrier, Failure } from './channels/channel.ts';
import type { DeliveryCommand, Fault } from './domain/delivery.ts';
import { type Channel, type Preferences, unchosen } from './domain/preferences.ts';
import { channelAfter } from './domain/routes.ts';
import { dueAt, verdictAt, wants } from './domain/timing.ts';
import { contentsOf } from './letters.ts';
import { dueTo, preferencesOf, readAlready, type StoredDelivery } from './queries.ts';
import { ids, type Kept } from './records.ts';
import { noteTry } from './standing.ts';

/** What is needed to send: the clock, the log, and identity, which alone knows addresses. */
export interface Post {
  readonly kept: Kept;
  readonly carriers: ReadonlyMap<Channel, Carrier>;
  readonly identity: Pick<House['clients']['identity'], 'getContactForDelivery'>;
  readonly database: House['database'];
  readonly log: House['log'];
  now(): Date;
}

/** How serving a person ended: how many commands took effect, and whether a channel is out of order for everybody. */
export interface Served {
  readonly effects: number;
  readonly away?: boolean;
}

/** What happens to a delivery once it is planned. */
type Step = Exclude<DeliveryCommand, { readonly type: 'plan' }>;

const delivered = counter('bandeng.notices.delivered', 'Deliveries tried, by channel and how it ended');
/** The rest goes in the next one. */
const mostInOneLetter = 50;
const actor: Actor = { system: 'notifications' };
/** Faults of the channel, not of one letter. */
const general: ReadonlySet<Fault> = new Set<Fault>(['server-away', 'server-refuses']);

/**
 * Sends one person what is due to them: what is still wanted, not read and not held, in one letter; what was tried before in the
 * letter of then. Each delivery is marked before and after; what was marked and not marked again goes out once more.
 */
export async function serve(post: Post, person: string): Promise<Served> {
  const { kept, now } = post;
  const due = await dueTo(kept.deliveries, person, now());
  const preferences = (await preferencesOf(kept.wishes, [person])).get(person) ?? unchosen(person);
  let effects = 0;
  let away = false;
  for (const [channel, carrier] of post.carriers) {
    const its = due.filter(({ state }) => state.channel === channel);
    const fresh: StoredDelivery[] = [];
    const read = await readAlready(
      kept,
      its.filter(({ state }) => state.message === undefined),
    );
    for (const delivery of its) {
      const command = setAside(delivery, preferences, read.has(delivery.id), now().toISOString());
      if (command !== undefined) effects += (await run(post, delivery, command)) === undefined ? 0 : 1;
      else if (delivery.state.message === undefined) fresh.push(delivery);
    }
    for (const letter of lettersOf(its, fresh)) {
      if (away) break;
      const sent = await send(post, carrier, preferences, letter);
      effects += sent.effects;
      away = sent.away === true;
    }
  }
  return { effects, away };
}

/** What becomes of a delivery that is not sent now; undefined when it is. Once tried, a letter stays as it was. */
function setAside({ state }: StoredDelivery, preferences: Preferences, read: boolean, at: string): Step | undefined {
  if (state.status !== 'waiting') return undefined;
  const verdict = verdictAt(preferences, state.channel, state, at);
  if (verdict === 'unwanted') return { type: 'drop', at, reason: 'chosen-otherwise' };
  if (read) return { type: 'drop', at, reason: 'read-already' };
  return verdict === 'send' ? undefined : { type: 'hold', at, due: verdict.until };
}

interface LetterOf {
  readonly message: string;
  readonly deliveries: readonly StoredDelivery[];
}

/** Each letter of before again, and one for all that is new. */
function lettersOf(due: readonly StoredDelivery[], fresh: readonly StoredDelivery[]): LetterOf[] {
  const before = Map.groupBy(
    due.filter(({ state }) => state.message !== undefined),
    ({ state }) => state.message ?? '',
  );
  const letters = [...before].map(([message, deliveries]) => ({ message, deliveries }));
  if (fresh.length === 0) return letters;
  const deliveries = fresh.slice(0, mostInOneLetter);
  const message = derivedId('letter', ...deliveries.map(({ id }) => id).toSorted());
  return [...letters, { message, deliveries }];
}

async function send(
  post: Post,
  carrier: Carrier,
  preferences: Preferences,
  { message, deliveries }: LetterOf,
): Promise<Served> {
  const { channel } = carrier;
  // Before the mark: while identity is away nothing is tried.
  const contact = await contactOf(post, preferences.person);
  if (contact === undefined) return { effects: 0, away: true };
  const at = post.now().toISOString();
  const begun: StoredDelivery[] = [];
  for (const delivery of deliveries) {
    const marked = await run(post, delivery, { type: 'begin', at, message, next: nextOf(post, preferences, delivery) });
    if (marked?.state.status === 'sending') begun.push(marked);
    if (marked?.state.status === 'failed') await passOn(post, preferences, marked);
  }
  if (begun.length === 0) return { effects: 0 };
  const language = preferences.language ?? (contact.language === 'en' ? 'en' : 'zh-CN');
  const outcome: 'sent' | Failure =
    contact.email === ''
      ? { fault: 'no-address', lasting: true }
      : await carrier.send({
          to: contact.email,
          id: message,
          language,
          ...contentsOf(
            begun.map(({ state }) => state),
            language,
          ),
        });
  delivered.add(begun.length, { channel, outcome: outcome === 'sent' ? outcome : outcome.fault });
  const ended = post.now().toISOString();
  for (const delivery of begun) {
    if (outcome === 'sent') await run(post, delivery, { type: 'sent', at: ended, message });
    else {
      const { fault: reason, lasting } = outcome;
      const next = nextOf(post, preferences, delivery);
      const failed = await run(post, delivery, { type: 'fail', at: ended, reason, lasting, next });
      if (failed?.state.status === 'failed') await passOn(post, preferences, failed);
    }
  }
  // After the marks, which must follow at once. Whoever has no address says nothing of the channel.
  if (contact.email !== '') await noteTry(post.database, channel, ended, outcome);
  return { effects: begun.length, away: outcome !== 'sent' && general.has(outcome.fault) };
}

/** How a person is reached; undefined while identity is away. @throws what keeps it from telling of this person alone. */
async function contactOf({ identity }: Post, person: string) {
  try {
    return await identity.getContactForDelivery({ person });
  } catch (failure) {
    if (failure instanceof RpcFailure && failure.problem.status > 500) return undefined;
    throw failure;
  }
}

/** Who has it after this channel: one that is recorded as next is one by which it is planned then, or the inbox. */
function nextOf({ carriers }: Post, preferences: Preferences, { state }: StoredDelivery): Channel | 'inbox' {
  return channelAfter(
    state.channel,
    (other) => carriers.has(other),
    (other) => wants(preferences, other, state),
  );
}

/** What one channel gave up goes to the next. The inbox needs nothing: it has the notice all the time. */
async function passOn(post: Post, preferences: Preferences, { id, state }: StoredDelivery): Promise<void> {
  const { next = 'inbox', reason, tries } = state;
  post.log.warn({ delivery: id, channel: state.channel, reason, tries, next }, 'a notice was not delivered; given up');
  if (next === 'inbox') return;
  const { notice, person, kind, urgent, event, ticket, number, postedAt, territories } = state;
  const plannedAt = post.now().toISOString();
  const due = dueAt(preferences, next, state, plannedAt);
  if (due === undefined) return;
  const about = { notice, person, kind, urgent, event, ticket, number, postedAt, territories };
  const context = { id: `failed:${id}`, at: plannedAt, actor };
  await post.kept.deliveries.run(ids.delivery(notice, next, person), context, () => ({
    command: { type: 'plan', plan: { ...about, channel: next, plannedAt }, due },
  }));
}

/** The delivery after the command; undefined if it was refused or had happened before: then somebody else sees to it. */
async function run(
  { kept, log }: Post,
  { id, version }: StoredDelivery,
  command: Step,
): Promise<StoredDelivery | undefined> {
  const context = { id: `due:${command.type}:${version}`, at: command.at, actor };
  const outcome = await kept.deliveries.run(id, context, () => ({ command }));
  if (!isRefused(outcome)) return outcome.replayed ? undefined : outcome.stored;
  log.debug({ delivery: id, command: command.type, refused: outcome.refused }, 'a delivery goes another way');
  return undefined;
}
