/** Readable numbers, each once; gaps are allowed. */
export interface Serials {
  next(): Promise<number>;
}
