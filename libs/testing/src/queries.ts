/** What a database did for the questions of a test: its own profile says by which plan each was answered, and at what cost. */
import type { Db, Document } from 'mongodb';

/** One question or change, as the server carried it out. */
interface Answered {
  /** What was asked, for people. */
  readonly what: string;
  /** `IXSCAN { to: 1 }`, `COLLSCAN`. */
  readonly plan: string;
  readonly sorted: boolean;
  readonly examined: number;
  readonly found: number;
}

/** The server may look at a few documents more than it answers: an index entry whose document it has to compare. */
const most = 1.2;
const room = 64 * 1024 * 1024;

/**
 * Lets something be done in a database and answers a line for each question of it that goes by no index, is sorted in memory, or
 * looks at more than 1.2 times the documents that it finds. @throws when nothing was asked at all.
 */
export async function wasteIn(database: Db, work: () => Promise<unknown>): Promise<string[]> {
  const profile = database.collection('system.profile');
  await database.command({ profile: 0 });
  await profile.drop().catch(() => {});
  await database.createCollection('system.profile', { capped: true, size: room });
  await database.command({ profile: 2 });
  try {
    await work();
  } finally {
    await database.command({ profile: 0 });
  }
  const answered = (await profile.find({ planSummary: { $exists: true } }).toArray()).map(read);
  await profile.drop();
  if (answered.length === 0) throw new Error('nothing was asked');
  const wasteful = answered.flatMap((one) => {
    const fault = faultOf(one);
    return fault === undefined ? [] : [`${one.what}: ${fault} (${one.plan})`];
  });
  return [...new Set(wasteful)];
}

function read({ op, ns, command = {}, ...told }: Document): Answered {
  const { filter, query, q, sort, pipeline } = { ...command.originatingCommand, ...command };
  const asked = JSON.stringify(pipeline ?? { where: filter ?? query ?? q ?? {}, ...(sort ? { sort } : {}) });
  const examined = Number(told.docsExamined ?? 0);
  // Of distinct values the server does not say how many there are.
  const unsaid = 'distinct' in command ? examined : 0;
  return {
    what: `${op} ${ns} ${asked}`,
    plan: String(told.planSummary),
    sorted: told.hasSortStage === true,
    examined,
    found: Number(told.nreturned ?? told.nMatched ?? told.ndeleted ?? unsaid),
  };
}

function faultOf({ plan, sorted, examined, found }: Answered): string | undefined {
  if (plan.includes('COLLSCAN')) return 'goes by no index';
  if (sorted) return 'is sorted in memory';
  return examined > Math.max(1, Math.ceil(found * most)) ? `looks at ${examined} documents for ${found}` : undefined;
}
