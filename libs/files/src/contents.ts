/** Where the bytes of files lie. What is known of a file lies in the database in any case; see files.ts. */
export interface ContentStore {
  /** Keeps it; a key is used once. */
  put(key: string, content: Uint8Array, type: string): Promise<void>;
  /** Undefined when there is no such content. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Nothing happens when there is no such content. */
  remove(key: string): Promise<void>;
}
