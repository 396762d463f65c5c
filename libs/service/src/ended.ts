import { type Bus, decodeData, type LiveEvent, type Subscription } from '@bandeng/events';
import type { Caller, Client, Verifier } from '@bandeng/rpc';
import type { Logger } from '@bandeng/telemetry';

/** What is needed to know who and what was ended. */
export interface EndedOptions {
  readonly identity: Pick<Client<'identity'>, 'listEnded'>;
  readonly bus: Pick<Bus, 'connected' | 'live' | 'onHint'>;
  readonly log: Logger;
  /** Milliseconds between questions while the bus is not heard; 2,000 when left out. */
  readonly pollEvery?: number;
  /** Milliseconds between questions while the bus is well; 4,000 when left out. */
  readonly careEvery?: number;
}

/** People who were erased, systems and sign-ins that were ended: their tokens count no more, though they have not expired. */
export interface Ended {
  /** A verifier that refuses their tokens. Asks identity before the first answer; throws while that cannot be reached. */
  over(verify: Verifier): Verifier;
  close(): Promise<void>;
}

/** How far a question reaches back before the last answer: more than a write takes, and clocks differ. */
const overlap = 10_000;

const accountErased = 'bandeng.identity.account-erased.v1';
const clientEnded = 'bandeng.identity.client-ended.v1';

/**
 * Follows identity: by its stream and, for sign-ins, whose end is nobody else's business, by its hints; by a question at the
 * beginning, at each hint, whenever the stream begins or is heard again, and every two seconds while it is not. While it is,
 * still every four: a hint may get lost, the bus may have frozen, and identity alone may be cut off from it. Nothing is asked
 * before the first token has to be judged.
 */
export function followEnded(options: EndedOptions): Ended {
  const { identity, bus, log, pollEvery = 2_000, careEvery = 4_000 } = options;
  const people = new Set<string>();
  const clients = new Set<string>();
  /** Until when each has to be remembered, in milliseconds since 1970. */
  const grants = new Map<string, number>();
  let begun: Promise<void> | undefined;
  let loaded = false;
  let since: Date | undefined;
  let subscription: Subscription | undefined;
  let heard = false;
  let asking: Promise<void> | undefined;
  let wanted = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  let away = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const unhint = bus.onHint('identity', () => {
    if (loaded) askAgain();
  });

  async function ask(): Promise<void> {
    askedAt = performance.now();
    for (let more = true; more; ) {
      const answer = await identity.listEnded({ since });
      for (const id of answer.people) people.add(id);
      for (const id of answer.clients) clients.add(id);
      for (const { id, forgetAt } of answer.grants) grants.set(id, forgetAt?.getTime() ?? Number.POSITIVE_INFINITY);
      const reach = answer.more ? 0 : overlap;
      since = answer.asOf === undefined ? since : new Date(answer.asOf.getTime() - reach);
      more = answer.more;
    }
    for (const [id, until] of grants) if (until <= Date.now()) grants.delete(id);
  }

  /** What was ended while a question is under way may not be in its answer. */
  function askAgain(): void {
    wanted = asking !== undefined;
    asking ??= ask()
      .then(
        () => {
          away = false;
        },
        (error: unknown) => {
          if (!away) log.warn({ err: error }, 'identity does not say who was ended');
          away = true;
        },
      )
      .finally(() => {
        asking = undefined;
        if (wanted && !closed) askAgain();
      });
  }

  function hear({ event: { type, data } }: LiveEvent): void {
    if (type === accountErased) people.add(decodeData(type, data).person);
    if (type === clientEnded) clients.add(decodeData(type, data).client);
  }

  function follow(): void {
    heard = false;
    const begins = (): void => {
      heard = true;
      askAgain();
    };
    const mine = bus.live(
      'identity',
      { types: [accountErased, clientEnded], after: 'now' },
      {
        event: hear,
        gone: () => {
          if (subscription === mine) follow();
        },
        silent: () => {
          heard = false;
        },
        heard: begins,
      },
    );
    subscription = mine;
    mine.ready.then(
      () => {
        if (subscription === mine) begins();
      },
      (error: unknown) => log.warn({ err: error }, 'the stream of identity cannot be followed'),
    );
  }

  /** The first question; asked again by the next token when it fails. */
  function begin(): Promise<void> {
    begun ??= ask().then(
      () => {
        loaded = true;
        if (closed) return;
        follow();
        timer = setInterval(() => {
          const pause = heard && bus.connected() && !away ? careEvery : pollEvery;
          if (performance.now() - askedAt >= pause) askAgain();
        }, pollEvery / 2);
        timer.unref();
      },
      (error: unknown) => {
        begun = undefined;
        throw error;
      },
    );
    return begun;
  }

  /** Why the tokens of a caller count no more. */
  function reasonAgainst(caller: Caller): string | undefined {
    const holder = caller.kind === 'person' ? people : clients;
    if ('id' in caller && holder.has(caller.id)) return 'its holder was erased or ended';
    const signedOut = caller.kind === 'person' && caller.grant !== undefined && grants.has(caller.grant);
    return signedOut ? 'its sign-in was ended' : undefined;
  }

  return {
    over: (verify) => async (token) => {
      const caller = await verify(token);
      if ('invalid' in caller || caller.kind === 'service') return caller;
      if (!loaded) await begin();
      const invalid = reasonAgainst(caller);
      return invalid === undefined ? caller : { invalid };
    },
    async close() {
      closed = true;
      unhint();
      clearInterval(timer);
      const last = subscription;
      subscription = undefined;
      await last?.close();
      await asking;
    },
  };
}
