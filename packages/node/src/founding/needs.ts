/** What founding needs of the machine: the folder's keys, a place for sectors, time. */
import type { Clock } from "@holdfast/base";

export interface FoundingNeeds {
  readonly clock: Clock;
  /** Of the founder's keystore; absent: a key file on this machine. */
  readonly passphrase?: string;
}
