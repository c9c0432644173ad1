/** What founding needs of the machine: the folder's keys, a place for sectors, time. */
import type { Clock } from "@holdfast/base";

/** Where the parts of a node's folder lie. */
export interface FounderPaths {
  readonly root: string;
  readonly keystore: string;
  readonly storage: string;
}

export interface FoundingNeeds {
  readonly paths: FounderPaths;
  readonly clock: Clock;
  /** Of the founder's keystore; absent: a key file on this machine. */
  readonly passphrase?: string;
}
