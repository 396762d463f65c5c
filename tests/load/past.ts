/** The tickets of years: written in bulk after those that the services have stored, over communities, people, statuses and time. */
import { randomUUID } from 'node:crypto';
import type { Collection, Document } from 'mongodb';
import { branchKey, districtOf, gridsKey, listKey } from '../../services/tickets/src/records.ts';

interface Kept extends Document {
  _id: string;
}

const communities = 60;
const people = 20_000;
const years = 5;
const atOnce = 2_000;
/** Of a hundred tickets three are being worked on, and these are the latest. */
const open = 0.03;
const current = ['ordered', 'dispatched', 'in_progress', 'suspended', 'resolved'];
/** What was built in while the collection was small is built anew when it is full: that is many times faster. */
const rebuilt: ReadonlySet<unknown> = new Set(['by-words', 'in-territory', 'of-handler', 'of-orderer', 'written-by']);

/**
 * Fills the collection with so many tickets like those in it: every community has as many as the next, the given one too. Nothing
 * of them waits for the relay, and nothing falls due. `step` is told after each part how many there are.
 */
export async function insertPast(
  tickets: Collection<Kept>,
  community: string,
  count: number,
  step: (done: number) => Promise<void> | void,
): Promise<void> {
  const originals = await tickets.find({ written: { $exists: true } }).toArray();
  const standing = (wanted: boolean): Document[] =>
    originals.filter(({ status }) => current.includes(status) === wanted);
  const kinds = { open: standing(true), done: standing(false) };
  if (kinds.open.length === 0 || kinds.done.length === 0) throw new Error('the city has no tickets to go by');
  const indexes = (await tickets.indexes()).filter(({ name }) => rebuilt.has(name));
  for (const { name = '' } of indexes) await tickets.dropIndex(name);
  const now = Date.now();
  let written: Promise<unknown> = Promise.resolve();
  for (let from = 0; from < count; from += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, count - from) }, (_, index) => {
      const number = from + index;
      const kind = number < count * open ? kinds.open : kinds.done;
      const original = kind[number % kind.length] ?? {};
      // An hour back: what is ordered from now on comes first.
      const at = new Date(now - 3_600_000 - Math.floor((number / count) * years * 365 * 86_400_000));
      return pastTicket(original, number, placeOf(number, community), at);
    });
    // The next ones are made while these are written.
    await written;
    await step(from);
    written = tickets.insertMany(some, { ordered: false, writeConcern: { w: 1, journal: false } });
  }
  await written;
  for (const { v: _, ...index } of indexes) {
    await tickets.createIndexes([{ ...index, name: String(index.name) }]);
    await step(count);
  }
}

/** The given community, or one of 59 others in as many streets as they need. */
function placeOf(number: number, community: string): string {
  const one = Math.imul(number, 0x9e3779b1) >>> 0;
  const place = one % communities;
  return place === 0 ? community : `4599${['01', '02'][place % 2]}${100 + (place % 6)}${100 + place}`;
}

function pastTicket(original: Document, number: number, community: string, orderedAt: Date): Kept {
  const moved = (code: string): string => `${community}${code.slice(12)}`.slice(0, code.length);
  const _id = randomUUID();
  const orderer = `00000000-0000-8000-8000-${String((number * 7_919) % people).padStart(12, '0')}`;
  const day = orderedAt.toISOString().slice(0, 10).replaceAll('-', '');
  const serial = String(number).padStart(7, '0');
  const readable = `${districtOf(community)}-${day}-${serial}`;
  const territories: string[] = original.territories.map(moved);
  const territory = moved(original.territory);
  const handler: unknown = original.handler;
  const [kind, code] = typeof handler === 'string' ? handler.split(':') : [];
  const taken = kind === 'grid' || kind === 'open_call' ? `${kind}:${moved(code ?? '')}` : handler;
  const hands = taken === undefined ? {} : { handler: taken };
  const by = (one: string): string => (one === original.orderer ? orderer : one);
  const { written: _, nextDue, ...same } = original;
  return {
    ...same,
    _id,
    ...hands,
    number: readable,
    territory,
    territories,
    orderer,
    orderedAt,
    changedAt: orderedAt,
    listed: listKey({ number: readable, orderedAt: orderedAt.toISOString() }),
    branch: branchKey(original.category),
    grids: gridsKey(territories),
    district: districtOf(territory),
    followHash: randomUUID(),
    standing: { ...later(original.standing), ...hands },
    ...(nextDue === undefined ? {} : { nextDue: someDay }),
    words: Object.fromEntries(
      Object.entries<Document>(original.words ?? {}).map(([word, said]) => [word, { ...said, by: by(said.by) }]),
    ),
    search: {
      ...original.search,
      terms: original.search.terms.map((term: string) => (term.startsWith('#') ? `#${serial.slice(-4)}` : term)),
      by: original.search.by.map(by),
    },
    history: original.history.map(({ follows: _follows, ...entry }: Document) => {
      return { ...entry, id: `${_id}:${entry.seq}`, command: `past:${_id}:${entry.seq}`, silent: true };
    }),
  };
}

const someDay = new Date(Date.now() + 365 * 86_400_000);

/** No deadline of it passes while it is looked at. */
function later(standing: Document): Document {
  return Object.fromEntries(
    Object.entries(standing).map(([name, value]) => [name, value instanceof Date ? someDay : value]),
  );
}
