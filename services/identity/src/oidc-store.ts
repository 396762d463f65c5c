import { createHash } from 'node:crypto';
import { type Collection, type Db, readTime } from '@bandeng/records';
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { normalLogin } from './domain/account.ts';
import type { EndedGrants } from './ended-grants.ts';

interface StoredModel {
  /** Model and hash of the id: a refresh token or code read from a backup cannot be presented. */
  readonly _id: string;
  readonly payload: AdapterPayload;
  /** Grant and the tokens that came from it, to be revoked together. */
  readonly family?: string;
  /** A session is found by this too. */
  readonly uid?: string;
  /** Whose it is; of a sign-in that is half done, whose it will be. */
  readonly person?: string;
  /** The login that an application said is to sign in, before anybody did. */
  readonly hint?: string;
  readonly expires: Date;
}

/** No operation waits for ever. */
const bounded = { maxTimeMS: readTime } as const;

/** For what comes without an end of its own. */
const longestSeconds = 90 * 24 * 60 * 60;

/** What holds a secret that is handed out; its id is not kept in the clear. */
const presented = new Set(['AuthorizationCode', 'RefreshToken']);

/** The provider's sessions, interactions, grants, codes and refresh tokens in MongoDB: they outlive a restart. */
export interface OidcStore {
  /** What the provider keeps of a model. Ending a grant ends the access tokens that came of it, too. */
  adapter(model: string): Adapter;
  /** Ends a grant with all that came of it. */
  endGrant(grant: string): Promise<void>;
}

/** Opens them over a database. */
export async function openOidcStore(database: Db, ended: EndedGrants): Promise<OidcStore> {
  const collection = await openCollection(database);
  const endGrant = async (grant: string): Promise<void> => {
    await ended.end([grant]);
    await collection.deleteMany({ family: grant }, bounded);
  };
  return { adapter: (model) => adapterOf(collection, model, endGrant), endGrant };
}

/**
 * Ends all sessions, grants, codes and tokens of a person, and half-done sign-ins by this `login`: whatever they have of this
 * provider is worth nothing any more, but what came of the grant that is `kept`.
 */
export type EndSessions = (
  person: string,
  also?: { readonly login?: string | undefined; readonly kept?: string | undefined },
) => Promise<void>;

/** Opens the ending of sessions over a database; also where a city's own issuer signs people in and there are none. */
export async function openEndSessions(database: Db, ended: EndedGrants): Promise<EndSessions> {
  const collection = await openCollection(database);
  return async (person, { login, kept } = {}) => {
    const stored = await collection.find({ person }, bounded).toArray();
    const going = stored.filter((one) => one.family === undefined && (kept === undefined || !names(one, kept)));
    // Sessions first, for grants come of them; then the grants that there are.
    await collection.deleteMany({ _id: { $in: going.map(({ _id }) => _id) } }, bounded);
    const families = await collection.distinct('family', { person }, bounded);
    const grants = families.flatMap((family) => (family === undefined || family === kept ? [] : [family]));
    await ended.end(grants);
    await collection.deleteMany({ family: { $in: grants } }, bounded);
    if (login !== undefined) await collection.deleteMany({ hint: normalLogin(login) }, bounded);
  };
}

/** Whether it is the session that a grant came of. */
function names({ payload }: StoredModel, grant: string): boolean {
  return Object.values(payload.authorizations ?? {}).some(({ grantId }) => grantId === grant);
}

async function openCollection(database: Db): Promise<Collection<StoredModel>> {
  const collection = database.collection<StoredModel>('oidc');
  await collection.createIndexes([
    { name: 'expires', key: { expires: 1 }, expireAfterSeconds: 0 },
    { name: 'family', key: { family: 1 }, sparse: true },
    { name: 'uid', key: { uid: 1 }, sparse: true },
    { name: 'person', key: { person: 1 }, sparse: true },
    { name: 'hint', key: { hint: 1 }, sparse: true },
  ]);
  return collection;
}

function adapterOf(collection: Collection<StoredModel>, model: string, endGrant: OidcStore['endGrant']): Adapter {
  const stored = async (filter: object): Promise<AdapterPayload | undefined> =>
    (await collection.findOne(filter, bounded))?.payload;

  return {
    upsert: async (id, payload, expiresIn) => {
      const { jti, ...rest } = payload;
      const family = model === 'Grant' ? id : payload.grantId;
      // Whoever has typed the password belongs to a sign-in before there is a session of theirs.
      const person = payload.accountId ?? payload.result?.login?.accountId ?? payload.session?.accountId;
      const hint: unknown = model === 'Interaction' ? payload.params?.login_hint : undefined;
      await collection.replaceOne(
        { _id: keyOf(model, id) },
        {
          payload: presented.has(model) || jti === undefined ? rest : { ...rest, jti },
          expires: new Date(Date.now() + (expiresIn ?? longestSeconds) * 1000),
          // An interaction names a grant without coming from it: it may go on when the grant is revoked.
          ...(family === undefined || model === 'Interaction' ? {} : { family }),
          ...(payload.uid === undefined || model !== 'Session' ? {} : { uid: payload.uid }),
          ...(person === undefined ? {} : { person }),
          ...(typeof hint === 'string' ? { hint: normalLogin(hint) } : {}),
        },
        { ...bounded, upsert: true },
      );
    },
    find: async (id) => {
      const payload = await stored({ _id: keyOf(model, id) });
      return payload === undefined || !presented.has(model) ? payload : { ...payload, jti: id };
    },
    findByUid: (uid) => stored({ _id: { $regex: `^${model}:` }, uid }),
    findByUserCode: async () => undefined,
    consume: async (id) => {
      const now = Math.floor(Date.now() / 1000);
      const unused = { _id: keyOf(model, id), 'payload.consumed': { $exists: false } };
      const { matchedCount } = await collection.updateOne(unused, { $set: { 'payload.consumed': now } }, bounded);
      if (matchedCount === 1) return;
      // The provider looked before it came here: somebody else used it in between. That is reuse, and ends the family.
      const used = await stored({ _id: keyOf(model, id) });
      if (used?.grantId !== undefined) await endGrant(used.grantId);
      throw new errors.InvalidGrant('already used');
    },
    destroy: async (id) => {
      await collection.deleteOne({ _id: keyOf(model, id) }, bounded);
    },
    revokeByGrantId: endGrant,
  };
}

function keyOf(model: string, id: string): string {
  return `${model}:${createHash('sha256').update(id).digest('base64url')}`;
}
