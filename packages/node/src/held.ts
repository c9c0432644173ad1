/**
 * What a room holds in memory, thing by thing, beside the most that it may hold: for metrics, and for the tests that
 * let a chain grow and look whether anything grows with it.
 */
export interface Held {
  /** The room and what it is: "sync siblings". */
  readonly what: string;
  readonly count: number;
  /** Of limits.ts. */
  readonly most: number;
}
