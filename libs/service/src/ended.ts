import { type Bus, decodeData, type LiveEvent, type Subscription } from '@bandeng/events';
import type { Caller, Client, Verifier } from '@bandeng/rpc';
import type { Logger } from '@bandeng/telemetry';

/** What is needed to know who was ended. */
export interface EndedOptions {
  readonly identity: Pick<Client<'identity'>, 'listEnded'>;
  readonly bus: Pick<Bus, 'connected' | 'live'>;
  readonly log: Logger;
  /** Milliseconds between questions while the bus is not heard; 2,000 when left out. */
  readonly pollEvery?: number;
}

/** People who were erased and systems that were ended: their tokens count no more, though they have not expired. */
export interface Ended {
  /** A verifier that refuses their tokens. Asks identity before the first answer; throws while that cannot be reached. */
  over(verify: Verifier): Verifier;
  close(): Promise<void>;
}

/** How far a question reaches back before the last answer: more than a write takes, and clocks differ. */
const overlap = 10_000;
/** How often it is asked while the bus is well: what could only be missed by a mistake. */
const careEvery = 300_000;

const accountErased = 'bandeng.identity.account-erased.v1';
const clientEnded = 'bandeng.identity.client-ended.v1';

/**
 * Follows identity: by its stream, and by a question at the beginning, whenever the stream begins or is heard again, and
 * every two seconds while it is not. Nothing is asked before the first token has to be judged.
 */
export function followEnded(options: EndedOptions): Ended {
  const { identity, bus, log, pollEvery = 2_000 } = options;
  const people = new Set<string>();
  const clients = new Set<string>();
  let begun: Promise<void> | undefined;
  let loaded = false;
  let since: Date | undefined;
  let subscription: Subscription | undefined;
  let heard = false;
  let asking: Promise<void> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let away = false;
  let timer: NodeJS.Timeout | undefined;

  async function ask(): Promise<void> {
    askedAt = performance.now();
    for (let more = true; more; ) {
      const answer = await identity.listEnded({ since });
      for (const id of answer.people) people.add(id);
      for (const id of answer.clients) clients.add(id);
      const reach = answer.more ? 0 : overlap;
      since = answer.asOf === undefined ? since : new Date(answer.asOf.getTime() - reach);
      more = answer.more;
    }
  }

  function askAgain(): void {
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

  function has(caller: Caller): boolean {
    if (caller.kind === 'person') return people.has(caller.id);
    return caller.kind === 'client' && clients.has(caller.id);
  }

  return {
    over: (verify) => async (token) => {
      const caller = await verify(token);
      if ('invalid' in caller || caller.kind === 'service') return caller;
      if (!loaded) await begin();
      return has(caller) ? { invalid: 'its holder was erased or ended' } : caller;
    },
    async close() {
      clearInterval(timer);
      const last = subscription;
      subscription = undefined;
      await last?.close();
      await asking;
    },
  };
}
