import { setTimeout as pause } from 'node:timers/promises';
import { type CityPlan, planCity } from '@bandeng/city';
import { seedIdentity } from '@bandeng/identity/seed';
import { graphSource } from '@bandeng/orggraph';
import { seed as seedGraph } from '@bandeng/orggraph/seed';
import { type Environment, type House, visit } from '@bandeng/service';
import { seed as seedTickets } from '@bandeng/tickets/seed';

/** Which city is to be made. */
export interface CityOptions {
  readonly seed?: number;
  /** 1 is the scale of a prefecture city, 0.1 the demo's. */
  readonly scale: number;
  /** The instant at which the city stands when it is made. */
  readonly now: Date;
  /** Told of progress: what is being done, how much of how much. */
  readonly progress?: (what: string, done: number, all: number) => void;
}

interface Note {
  readonly _id: 'demo';
  readonly seed: number;
  readonly scale: number;
  readonly now: Date;
  readonly done: boolean;
}

/**
 * Fills an empty installation with the demo city, through the services' own commands, before they are started: running
 * sweeps would go by the clock of today where a story is still being told by its own. An installation with content of
 * its own is left alone; a city whose making was cut off is finished, and one that is there is answered with its plan.
 * Undefined: there is other content.
 */
export async function seedCity(environment: Environment, options: CityOptions): Promise<CityPlan | undefined> {
  const { progress = () => {} } = options;
  const telling = (what: string) => (done: number, all: number) => progress(what, done, all);
  return visit('orggraph', environment, async (house) => {
    const note = await noteOf(house, options);
    if (note === undefined) return undefined;
    const plan = planCity(note);
    if (note.done) return plan;
    const source = await graphSource(house);
    await seedGraph(house, plan, telling('graph'));
    await visit('identity', environment, (identity) => seedIdentity(identity, plan, telling('accounts')), source);
    const tellStories = async (tickets: House): Promise<void> => {
      await untilKnown(tickets, plan);
      await seedTickets(tickets, plan, telling('tickets'));
    };
    await visit('tickets', environment, tellStories, source);
    await house.database.collection<Note>('demo').updateOne({ _id: 'demo' }, { $set: { done: true } });
    return plan;
  });
}

/** What was noted when the making of the city began; noted now if the installation is empty. */
async function noteOf({ database }: House, { seed = 1, scale, now }: CityOptions): Promise<Note | undefined> {
  const notes = database.collection<Note>('demo');
  const there = await notes.findOne({ _id: 'demo' });
  if (there !== null) return there;
  if ((await database.collection('territories').estimatedDocumentCount()) > 0) return undefined;
  const note: Note = { _id: 'demo', seed, scale, now, done: false };
  await notes.insertOne(note);
  return note;
}

/** Waits until the service's directory knows the whole graph of the plan. */
async function untilKnown({ directory }: House, { territories, units, postings }: CityPlan): Promise<void> {
  const known = (): boolean => {
    const size = directory.size();
    return size.territories >= territories.length && size.units >= units.length && size.postings >= postings.length;
  };
  for (let tries = 0; !known(); tries++) {
    if (tries > 600) throw new Error('the graph of the demo city does not arrive in the directory');
    await pause(50);
  }
}
