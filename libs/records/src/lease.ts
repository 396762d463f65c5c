/** The right to be the only one who does something, for 3 s unless renewed. */
export interface Lease {
  /** Counts the holders of this lease; undefined while this one does not hold it. */
  readonly token: number | undefined;
  /** Takes it if nobody holds it; true if it is held now. */
  acquire(): Promise<boolean>;
  /** Holds it for 3 s more; false if somebody else has taken it. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
  /** A field of the lease document, whoever wrote it. */
  read<T>(field: string): Promise<T | undefined>;
  /** Writes fields into the lease document, only while held. */
  write(fields: Readonly<Record<string, unknown>>): Promise<boolean>;
}
