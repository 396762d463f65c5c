import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import { type Refused, refuse } from '@bandeng/decider';

/** Seals where a list goes on, so that only the same person can go on with the same query. */
export interface PageTokens {
  /**
   * The token of the page behind this one; empty when there is none.
   * @param query Everything that narrows and orders the list, as one string; two queries never share it, nor two kinds of key.
   * @param person Id of the caller; empty for a guest.
   * @param last Key of the last item of the page, as plain JSON; undefined at the end of the list.
   */
  seal(query: string, person: string, last: unknown): string;
  /**
   * The key that was sealed, undefined for the empty token, with which a list begins, or a refusal for every token that is broken,
   * foreign, of another query or older than a day. `Last` is what was sealed for this query: the token cannot hold anything else.
   */
  open<Last>(query: string, person: string, token: string): Last | undefined | Refused<PageRefusal>;
}

/** The refusal of a page token. */
export type PageRefusal = 'page-token-invalid';

const validFor = 24 * 60 * 60 * 1000;
const ivLength = 12;
const tagLength = 16;

/** Page tokens under a key of 32 bytes, the same in every replica of a service. */
export function pageTokens(key: Uint8Array, now: () => number = Date.now): PageTokens {
  // Bare bytes would be made into a key for each token, which costs ten times what the sealing does.
  const secret = createSecretKey(Buffer.from(hkdfSync('sha256', key, '', 'bandeng page tokens', 32)));
  const bound = (query: string, person: string) => Buffer.from(JSON.stringify([query, person]));
  return {
    seal(query, person, last) {
      if (last === undefined) return '';
      const iv = randomBytes(ivLength);
      const cipher = createCipheriv('aes-256-gcm', secret, iv).setAAD(bound(query, person));
      const content = JSON.stringify({ last, until: now() + validFor });
      return Buffer.concat([iv, cipher.update(content), cipher.final(), cipher.getAuthTag()]).toString('base64url');
    },
    open(query, person, token) {
      if (token === '') return undefined;
      const invalid = refuse('page-token-invalid', { field: 'pageToken' });
      const bytes = Buffer.from(token, 'base64url');
      if (bytes.length < ivLength + tagLength) return invalid;
      const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, ivLength), {
        authTagLength: tagLength,
      });
      decipher.setAAD(bound(query, person)).setAuthTag(bytes.subarray(-tagLength));
      try {
        const content = Buffer.concat([decipher.update(bytes.subarray(ivLength, -tagLength)), decipher.final()]);
        const { last, until } = JSON.parse(content.toString());
        return until > now() ? last : invalid;
      } catch {
        return invalid;
      }
    },
  };
}
