import { type Collection, type Db, readTime } from '@bandeng/records';
import type { Failure } from './channels/channel.ts';
import type { Fault } from './domain/delivery.ts';
import type { Channel } from './domain/preferences.ts';

/** How a channel took what it was given last. */
export interface Standing {
  readonly channel: Channel;
  readonly triedAt: string;
  /** Why it takes nothing; left out when it works. */
  readonly fault?: Fault;
}

interface StandingDocument {
  readonly _id: Channel;
  readonly triedAt: Date;
  readonly fault?: Fault;
}

/** Faults that are the channel's. Whoever refuses one letter or one address has answered, and works. */
const ofTheChannel: ReadonlySet<Fault> = new Set<Fault>(['server-away', 'server-refuses', 'server-busy']);

const documents = (database: Db): Collection<StandingDocument> => database.collection('channels');

/** Notes how a try ended, for whoever asks any process of the service. */
export async function noteTry(
  database: Db,
  channel: Channel,
  at: string,
  outcome: 'sent' | Pick<Failure, 'fault'>,
): Promise<void> {
  const fault = outcome !== 'sent' && ofTheChannel.has(outcome.fault) ? { fault: outcome.fault } : {};
  const options = { upsert: true, maxTimeMS: readTime };
  await documents(database).replaceOne({ _id: channel }, { triedAt: new Date(at), ...fault }, options);
}

/** How each channel stands that was ever tried. */
export async function standings(database: Db): Promise<Map<Channel, Standing>> {
  const found = await documents(database).find({}, { maxTimeMS: readTime }).toArray();
  return new Map(
    found.map(({ _id: channel, triedAt, fault }) => [
      channel,
      { channel, triedAt: triedAt.toISOString(), ...(fault === undefined ? {} : { fault }) },
    ]),
  );
}
