import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grouped } from './groups.ts';

/** A server that keeps the groups it got, and answers when it is told to. */
function server() {
  const groups: (readonly string[])[] = [];
  const answers: (() => void)[] = [];
  return {
    groups,
    send(items: readonly string[]): Promise<readonly string[]> {
      groups.push(items);
      return new Promise((resolve) => answers.push(() => resolve(items.map((item) => `answer to ${item}`))));
    },
    async answerAll() {
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      for (const answer of answers.splice(0)) answer();
    },
  };
}

describe('what is asked for at the same time', () => {
  it('goes in one group, and everyone gets their own answer', async () => {
    const { groups, send, answerAll } = server();
    const ask = grouped({ send });
    const answers = Promise.all(['a', 'b', 'c'].map(ask));
    await answerAll();
    expect(await answers).toEqual(['answer to a', 'answer to b', 'answer to c']);
    expect(groups).toEqual([['a', 'b', 'c']]);
  });

  it('waits while two groups are under way, and then goes together', async () => {
    const { groups, send, answerAll } = server();
    const ask = grouped({ send });
    const answers: Promise<string>[] = [];
    for (const item of ['a', 'b', 'c', 'd']) {
      answers.push(ask(item));
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    }
    expect(groups).toEqual([['a'], ['b']]);
    await answerAll();
    await answerAll();
    expect(groups).toEqual([['a'], ['b'], ['c', 'd']]);
    await expect(Promise.all(answers)).resolves.toHaveLength(4);
  });

  it('fails together, and the next goes on', async () => {
    let away = true;
    const ask = grouped<string, string>({
      async send(items) {
        if (away) throw new Error('the server is away');
        return items;
      },
    });
    expect(await Promise.allSettled([ask('a'), ask('b')])).toMatchObject([
      { reason: { message: 'the server is away' } },
      { reason: { message: 'the server is away' } },
    ]);
    away = false;
    await expect(ask('c')).resolves.toBe('c');
  });

  it('is answered whole, in order, in groups that are not too large', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 400 }), fc.nat(3), async (count, slowness) => {
        const sent: (readonly number[])[] = [];
        const ask = grouped<number, number>({
          async send(items) {
            sent.push(items);
            for (let turn = 0; turn < slowness; turn += 1) await new Promise((resolve) => setImmediate(resolve));
            return items;
          },
        });
        const asked = Array.from({ length: count }, (_, index) => index);
        expect(await Promise.all(asked.map(ask))).toEqual(asked);
        expect(sent.flat()).toEqual(asked);
        for (const group of sent) expect(group.length).toBeLessThanOrEqual(100);
      }),
      { numRuns: 50 },
    );
  });
});
