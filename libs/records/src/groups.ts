import { AsyncResource } from 'node:async_hooks';

/** How a group goes to the server. */
export interface GroupOptions<Item, Result> {
  /** Does what a group asks for. Answers a result for each, in order; when it throws, that is the end of every one. */
  send(items: readonly Item[]): Promise<readonly Result[]>;
}

/** Groups on their way to the server at a time: one is made durable while the next one is being made. */
const atOnce = 2;
const mostInGroup = 100;

interface Waiting<Item, Result> {
  readonly item: Item;
  /** Who asked: what runs in these surroundings is seen in that trace. */
  readonly asker: AsyncResource;
  resolve(result: Result): void;
  reject(fault: unknown): void;
}

/**
 * Lets what is asked for at the same time go to the server together. Nobody waits for company: a group is what came up in one
 * turn of the event loop, or while the groups before it were under way. So a server that is idle answers one by one, and a busy
 * one gets the less to do for each the more there is.
 */
export function grouped<Item, Result>({ send }: GroupOptions<Item, Result>): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let underWay = 0;
  let planned = false;

  function plan(): void {
    if (planned || underWay >= atOnce) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      start();
    });
  }

  function start(): void {
    if (waiting.length === 0 || underWay >= atOnce) return;
    const group = waiting.splice(0, mostInGroup);
    underWay += 1;
    group[0]?.asker.runInAsyncScope(go, undefined, group);
    if (waiting.length > 0) plan();
  }

  async function go(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await send(group.map(({ item }) => item));
      for (const [index, result] of results.entries()) group[index]?.resolve(result);
    } catch (fault) {
      for (const one of group) one.reject(fault);
    } finally {
      underWay -= 1;
      start();
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, asker: new AsyncResource('grouped'), resolve, reject });
      plan();
    });
}
