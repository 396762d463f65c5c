import { setTimeout as pause } from 'node:timers/promises';
import type { CityPlan } from '@bandeng/city';
import type { Ledger } from './ledger.ts';

/** Where is ordered, and where it is written down. */
export interface OrderingPlace {
  readonly address: string;
  readonly plan: CityPlan;
  readonly ledger: Ledger;
}

const AT_A_TIME = 16;

/** Orders so many tickets, 16 at a time, each asked again with the same key until it is answered as done. */
export async function orderMany(
  place: OrderingPlace,
  token: string,
  count: number,
  each?: (number: number) => void,
): Promise<void> {
  await orderWhile(place, token, (number) => number < count, each);
}

/** As `orderMany`, as long as it is wanted; answers how many were ordered. */
export async function orderWhile(
  place: OrderingPlace,
  token: string,
  wanted: (number: number) => boolean,
  each?: (number: number) => void,
): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (wanted(next)) {
      const number = next++;
      each?.(number);
      await orderOne(place, token, `order-${String(number).padStart(6, '0')}-of-the-ledger`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return next;
}

async function orderOne({ address, plan, ledger }: OrderingPlace, token: string, key: string): Promise<void> {
  const territory = plan.postings.find(({ role }) => role === 'resident')?.territory;
  const category = plan.categories[0]?.join('.');
  ledger.intend(key);
  for (let tries = 0; ; tries++) {
    if (tries > 600) throw new Error(`${key} is not answered`);
    const answer = await fetch(`${address}/v1/tickets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ text: `第${key}件事`, territory, category }),
      signal: AbortSignal.timeout(15_000),
    }).catch(() => undefined);
    if (answer?.status === 201) {
      const { id, version } = JSON.parse(await answer.text());
      ledger.answered(key, id, version);
      return;
    }
    const said = await answer?.text();
    if (answer !== undefined && answer.status < 500) throw new Error(`${key} is answered ${answer.status}: ${said}`);
    await pause(100);
  }
}
