import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { House } from '@bandeng/service';

/**
 * What must be able to vanish, beside the aggregates and never in their history: hashes of secrets, and contacts.
 * A contact is encrypted under a key of that person, and that key lies in a collection of its own, wrapped by the service's
 * key: without it every copy of the contact, in a backup too, is noise.
 */
export interface Vault {
  /** Keeps what is given, unless that person or client has it already: a repeated command changes nothing. */
  put(owner: string, kept: { readonly secretHash?: string; readonly contact?: Contact }): Promise<void>;
  secretHash(owner: string): Promise<string | undefined>;
  contact(owner: string): Promise<Contact | undefined>;
  /** Removes the hash, the contact and, first of all, its key. */
  erase(owner: string): Promise<void>;
}

interface Contact {
  readonly phone: string;
}

interface CredentialDocument {
  readonly _id: string;
  readonly hash: string;
}

interface SealedDocument {
  readonly _id: string;
  /** base64 of nonce (12 bytes), tag (16) and ciphertext. */
  readonly sealed: string;
}

/** Opens the vault over a database; `key` (32 bytes) wraps the keys of the persons. */
export function openVault(database: House['database'], key: Buffer): Vault {
  const credentials = database.collection<CredentialDocument>('credentials');
  const contacts = database.collection<SealedDocument>('contacts');
  const contactKeys = database.collection<SealedDocument>('contact_keys');

  const personKey = async (owner: string): Promise<Buffer | undefined> => {
    const wrapped = await contactKeys.findOne({ _id: owner });
    return wrapped === null ? undefined : open(wrapped.sealed, key, owner);
  };
  /** The person's key, drawn when there is none: one step, so that two writers end up with the same one. */
  const ownKey = async (owner: string): Promise<Buffer> => {
    const kept = await contactKeys.findOneAndUpdate(
      { _id: owner },
      { $setOnInsert: { sealed: seal(randomBytes(32), key, owner) } },
      { upsert: true, returnDocument: 'after' },
    );
    if (kept === null) throw new Error('an upsert answered nothing');
    return open(kept.sealed, key, owner);
  };

  return {
    put: async (owner, { secretHash, contact }) => {
      if (secretHash !== undefined) {
        await credentials.updateOne({ _id: owner }, { $setOnInsert: { hash: secretHash } }, { upsert: true });
      }
      if (contact !== undefined) {
        const sealed = seal(Buffer.from(JSON.stringify(contact)), await ownKey(owner), owner);
        await contacts.updateOne({ _id: owner }, { $setOnInsert: { sealed } }, { upsert: true });
      }
    },
    secretHash: async (owner) => (await credentials.findOne({ _id: owner }))?.hash,
    contact: async (owner) => {
      const [found, own] = await Promise.all([contacts.findOne({ _id: owner }), personKey(owner)]);
      return found === null || own === undefined ? undefined : asContact(open(found.sealed, own, owner));
    },
    erase: async (owner) => {
      await contactKeys.deleteOne({ _id: owner });
      await contacts.deleteOne({ _id: owner });
      await credentials.deleteOne({ _id: owner });
    },
  };
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
  const { phone } = JSON.parse(plain.toString());
  return { phone: String(phone) };
}
