/** From the commit of an order to the notice of it in another service's database, at half of the load that can be borne. */
import type { ChangeStreamInsertDocument, Document } from 'mongodb';
import { expected } from './connections.ts';
import { orderFor } from './create.ts';
import { tell } from './detail.ts';
import { noticesOf, onGround, sceneOf } from './ground.ts';
import { openLoop } from './loops.ts';
import { figureLine, percentile, type Result } from './pairs.ts';

const windows = 5;
const window = 3_000;

export function lag(): Promise<Result> {
  return onGround(async (ground) => {
    const { order } = sceneOf(ground.plan);
    const token = await ground.token('resident');
    await orderFor(ground, window / 2, order, token);
    await ground.settle();
    const most = await orderFor(ground, window, order, token);
    await ground.settle();

    const lags: number[] = [];
    const changes = noticesOf(ground.driver).watch([{ $match: { operationType: 'insert' } }]);
    // The event's time is that of the command, just before its commit: what is measured is a little too long.
    changes.on('change', (change: ChangeStreamInsertDocument<Document & { postedAt: Date }>) => {
      lags.push(Date.now() - change.fullDocument.postedAt.getTime());
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const nineties: number[] = [];
    let effects = 0;
    let rate = 0;
    for (let number = 0; number < windows; number++) {
      lags.length = 0;
      rate = await openLoop(window, most / 2, async (connection) => {
        const answer = await ground.lines[connection]?.ask('POST', '/v1/tickets', token, order, crypto.randomUUID());
        if (answer === undefined) return false;
        expected(answer, 201);
        return true;
      });
      await ground.settle();
      await new Promise((resolve) => setTimeout(resolve, 250));
      nineties.push(percentile(lags, 0.95));
      effects += lags.length;
    }
    await changes.close();
    tell(`lag: ${Math.round(rate)} orders a second of ${Math.round(most)} that can be borne; ${effects} notices`);
    if (effects < 500) throw new Error(`only ${effects} notices: that says too little`);
    return figureLine('lag p95', nineties, { must: 150, aim: 50, unit: 'ms', digits: 0 });
  });
}
