/** Work that falls due by the clock; started only in the process that holds the service's lease. */
export interface Sweep {
  readonly name: string;
  /** Handles what is due now; answers how many commands took effect. */
  run(signal: AbortSignal): Promise<number>;
}
