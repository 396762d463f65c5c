import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Collection, Db } from '@bandeng/records';

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
  secretHash(owner: string): Promise<string | undefined>;
  contact(owner: string): Promise<Contact | undefined>;
  /** Removes the hash, the contact and, first of all, its key. */
  erase(owner: string): Promise<void>;
}

/** What is kept of a person or client. */
export interface Kept {
  readonly owner: string;
  readonly secretHash?: string;
  readonly contact?: Contact;
}

interface Contact {
  /** Empty for somebody reached by e-mail alone. */
  readonly phone: string;
  readonly email?: string;
}

interface VaultDocument {
  readonly _id: string;
  /** A hash, or base64 of nonce (12 bytes), tag (16) and ciphertext. */
  readonly kept: string;
}

/** Opens the vault over a database; `key` (32 bytes) wraps the keys of the persons. */
export function openVault(database: Db, key: Buffer): Vault {
  const credentials = database.collection<VaultDocument>('credentials');
  const contacts = database.collection<VaultDocument>('contacts');
  const contactKeys = database.collection<VaultDocument>('contact_keys');

  const keysOf = async (owners: readonly string[]): Promise<Map<string, Buffer>> => {
    const wrapped = await contactKeys.find({ _id: { $in: [...owners] } }).toArray();
    return new Map(wrapped.map(({ _id, kept }) => [_id, open(kept, key, _id)]));
  };
  const putContacts = async (kept: readonly { owner: string; contact: Contact }[]): Promise<void> => {
    if (kept.length === 0) return;
    await keep(
      contactKeys,
      kept.map(({ owner }) => ({ _id: owner, kept: seal(randomBytes(32), key, owner) })),
    );
    // Read back, so that two writers of one person end up with the same key.
    const own = await keysOf(kept.map(({ owner }) => owner));
    const sealed = kept.flatMap(({ owner, contact }) => {
      const personKey = own.get(owner);
      return personKey === undefined
        ? []
        : [{ _id: owner, kept: seal(Buffer.from(JSON.stringify(contact)), personKey, owner) }];
    });
    await keep(contacts, sealed);
  };

  return {
    put: async (...kept) => {
      await Promise.all([
        keep(
          credentials,
          kept.flatMap(({ owner, secretHash }) => (secretHash === undefined ? [] : [{ _id: owner, kept: secretHash }])),
        ),
        putContacts(kept.flatMap(({ owner, contact }) => (contact === undefined ? [] : [{ owner, contact }]))),
      ]);
    },
    secretHash: async (owner) => (await credentials.findOne({ _id: owner }))?.kept,
    contact: async (owner) => {
      const [found, keys] = await Promise.all([contacts.findOne({ _id: owner }), keysOf([owner])]);
      const own = keys.get(owner);
      return found === null || own === undefined ? undefined : asContact(open(found.kept, own, owner));
    },
    erase: async (owner) => {
      await contactKeys.deleteOne({ _id: owner });
      await contacts.deleteOne({ _id: owner });
      await credentials.deleteOne({ _id: owner });
    },
  };
}

/** Inserts what is not there yet. */
async function keep(collection: Collection<VaultDocument>, documents: readonly VaultDocument[]): Promise<void> {
  if (documents.length === 0) return;
  const upserts = documents.map(({ _id, kept }) => ({
    updateOne: { filter: { _id }, update: { $setOnInsert: { kept } }, upsert: true },
  }));
  await collection.bulkWrite(upserts, { ordered: false });
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
  const { phone, email } = JSON.parse(plain.toString());
  return { phone: String(phone), ...(email === undefined ? {} : { email: String(email) }) };
}
