import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type Collection, type Db, readTime } from '@bandeng/records';

/**
 * What must be able to vanish, beside the aggregates and never in their history: hashes of secrets, and contacts.
 * A contact is encrypted under a key of that person, and that key lies in a collection of its own, wrapped by the service's
 * key: without it every copy of the contact, in a backup too, is noise.
 */
export interface Vault {
  /**
   * Keeps what is given, unless that person or client has it already: a repeated command changes nothing. Many at once cost
   * three writes.
   */
  put(...kept: readonly Kept[]): Promise<void>;
  /** Keeps what is given instead of what was kept. A contact that says nothing is no contact. */
  change(kept: Kept): Promise<void>;
  secretHash(owner: string): Promise<string | undefined>;
  /** The same, and whether that secret was given out to be replaced at its first use. */
  secret(owner: string): Promise<{ readonly hash: string; readonly once: boolean } | undefined>;
  /** Replaces a hash by another, unless somebody was faster; answers whether it did. */
  replaceSecret(owner: string, hash: string, by: string): Promise<boolean>;
  contact(owner: string): Promise<Contact | undefined>;
  /** Removes the hash, the contact and, first of all, its key. */
  erase(owner: string): Promise<void>;
  /** Owners of what was put or changed before an instant and has not been settled since. */
  unsettled(before: Date, limit: number): Promise<string[]>;
  /** Says that what these owners had before an instant belongs to somebody: nobody asks again. */
  settle(owners: readonly string[], before: Date): Promise<void>;
  /** Removes what these had before an instant; what was put since stays. */
  eraseUnsettled(owners: readonly string[], before: Date): Promise<void>;
}

/** What is kept of a person or client. */
export interface Kept {
  readonly owner: string;
  readonly secretHash?: string;
  /** The secret is to be replaced at its first use. */
  readonly once?: boolean;
  readonly contact?: Contact;
}

/** How a person is reached; empty where there is no such way. */
export interface Contact {
  readonly phone: string;
  readonly email: string;
}

interface VaultDocument {
  readonly _id: string;
  /** A hash, or base64 of nonce (12 bytes), tag (16) and ciphertext. */
  readonly kept: string;
  readonly once?: true;
  /** When it was put here: before there was an account to it, and that may never have come. Gone once that is known. */
  readonly unsettledSince?: Date;
}

const bounded = { maxTimeMS: readTime } as const;

/** Opens the vault over a database; `key` (32 bytes) wraps the keys of the persons. */
export async function openVault(database: Db, key: Buffer, now: () => Date = () => new Date()): Promise<Vault> {
  const credentials = database.collection<VaultDocument>('credentials');
  const contacts = database.collection<VaultDocument>('contacts');
  const contactKeys = database.collection<VaultDocument>('contact_keys');
  // In the order of destroying: without its key a contact is gone.
  const all = [contactKeys, contacts, credentials];
  await Promise.all(
    all.map((collection) => collection.createIndex({ unsettledSince: 1 }, { name: 'unsettled', sparse: true })),
  );

  const keysOf = async (owners: readonly string[]): Promise<Map<string, Buffer>> => {
    const wrapped = await contactKeys.find({ _id: { $in: [...owners] } }, bounded).toArray();
    return new Map(wrapped.map(({ _id, kept }) => [_id, open(kept, key, _id)]));
  };
  /** Contacts as they are kept, each under the key of its person, which is made where there is none. */
  const sealed = async (kept: readonly { owner: string; contact: Contact }[]): Promise<VaultDocument[]> => {
    const fresh = kept.map(({ owner }) => ({ _id: owner, kept: seal(randomBytes(32), key, owner) }));
    await write(contactKeys, fresh, 'unless-there', now());
    // Read back, so that two writers of one person end up with the same key.
    const own = await keysOf(kept.map(({ owner }) => owner));
    return kept.flatMap(({ owner, contact }) => {
      const personKey = own.get(owner);
      return personKey === undefined
        ? []
        : [{ _id: owner, kept: seal(Buffer.from(JSON.stringify(contact)), personKey, owner) }];
    });
  };
  const keep = async (kept: readonly Kept[], how: 'unless-there' | 'instead'): Promise<void> => {
    const hashes = kept.flatMap(({ owner, secretHash, once }) =>
      secretHash === undefined ? [] : [{ _id: owner, kept: secretHash, ...(once ? { once } : {}) }],
    );
    const ways = kept.flatMap(({ owner, contact }) => (contact === undefined ? [] : [{ owner, contact }]));
    await Promise.all([
      write(credentials, hashes, how, now()),
      ways.length === 0 ? undefined : sealed(ways).then((documents) => write(contacts, documents, how, now())),
    ]);
  };
  const eraseFrom = async (filter: object): Promise<void> => {
    for (const collection of all) await collection.deleteMany(filter, bounded);
  };

  return {
    put: (...kept) => keep(kept, 'unless-there'),
    change: async (kept) => {
      const { owner, contact, ...rest } = kept;
      const empty = contact !== undefined && contact.phone === '' && contact.email === '';
      if (!empty) return keep([kept], 'instead');
      await contactKeys.deleteOne({ _id: owner }, bounded);
      await contacts.deleteOne({ _id: owner }, bounded);
      return keep([{ owner, ...rest }], 'instead');
    },
    secretHash: async (owner) => (await credentials.findOne({ _id: owner }, bounded))?.kept,
    secret: async (owner) => {
      const found = await credentials.findOne({ _id: owner }, bounded);
      return found === null ? undefined : { hash: found.kept, once: found.once === true };
    },
    replaceSecret: async (owner, hash, by) => {
      const change = { $set: { kept: by }, $unset: { once: '' } } as const;
      return (await credentials.updateOne({ _id: owner, kept: hash }, change, bounded)).modifiedCount === 1;
    },
    contact: async (owner) => {
      const [found, keys] = await Promise.all([contacts.findOne({ _id: owner }, bounded), keysOf([owner])]);
      const own = keys.get(owner);
      return found === null || own === undefined ? undefined : asContact(open(found.kept, own, owner));
    },
    erase: (owner) => eraseFrom({ _id: owner }),
    unsettled: async (before, limit) => {
      const filter = { unsettledSince: { $lt: before } };
      const options = { ...bounded, projection: { _id: 1 }, limit };
      const found = all.map((collection) => collection.find(filter, options).toArray());
      return [...new Set((await Promise.all(found)).flat().map(({ _id }) => _id))];
    },
    settle: async (owners, before) => {
      const theirs = { _id: { $in: [...owners] }, unsettledSince: { $lt: before } };
      const settled = { $unset: { unsettledSince: '' } } as const;
      await Promise.all(all.map((collection) => collection.updateMany(theirs, settled, bounded)));
    },
    eraseUnsettled: (owners, before) => eraseFrom({ _id: { $in: [...owners] }, unsettledSince: { $lt: before } }),
  };
}

async function write(
  collection: Collection<VaultDocument>,
  documents: readonly VaultDocument[],
  how: 'unless-there' | 'instead',
  unsettledSince: Date,
): Promise<void> {
  if (documents.length === 0) return;
  const writes = documents.map(({ _id, ...kept }) => ({
    updateOne: {
      filter: { _id },
      update:
        how === 'instead'
          ? { $set: { ...kept, unsettledSince }, ...(kept.once ? {} : ({ $unset: { once: '' } } as const)) }
          : { $setOnInsert: kept, $set: { unsettledSince } },
      upsert: true,
    },
  }));
  await collection.bulkWrite(writes, { ...bounded, ordered: false });
}

const nonceBytes = 12;
const tagBytes = 16;

/** The owner is authenticated along: what is sealed for one person does not open as another's. */
function seal(plain: Buffer, key: Buffer, owner: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(owner));
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64');
}

function open(sealed: string, key: Buffer, owner: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes))
    .setAAD(Buffer.from(owner))
    .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
}

function asContact(plain: Buffer): Contact {
  const { phone = '', email = '' } = JSON.parse(plain.toString());
  return { phone: String(phone), email: String(email) };
}
