/** What attestation needs: devices of the machine, a place for its keys, and what its network says. */
import type { Clock, Disk, Random } from "@holdfast/base";

/**
 * Files that the system makes up while they are read and written: paths are absolute. Each operation may fail with
 * `attestation/device-failed`.
 */
export interface Devices {
  /** Undefined if there is no such file. `attestation/device-failed` also if it has more than `mostBytes`. */
  read(path: string, mostBytes: number): Promise<Uint8Array | undefined>;
  /** At once, as one write. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Whether there is such a folder. */
  isFolder(path: string): Promise<boolean>;
  makeFolder(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
}

/** What is fetched over HTTP; bounded in length and time by whoever makes it. */
export interface Fetcher {
  /** Error `attestation/not-fetched`. */
  get(url: string, signal?: AbortSignal): Promise<FetchedDocument>;
}

export interface FetchedDocument {
  readonly bytes: Uint8Array;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface AttestationNeeds {
  readonly clock: Clock;
  readonly random: Random;
  readonly devices: Devices;
  readonly fetcher: Fetcher;
  /** A folder of its own: sealed identities and fetched collateral. */
  readonly disk: Disk;
  /** 32 bytes out of the node's keystore; they seal identities where the hardware has no key for that. */
  readonly secret: Uint8Array;
  /** The measurement of the program that runs, 32 bytes; taken once, when the node starts. */
  readonly program: Uint8Array;
  readonly network: AttestingNetwork;
}

export interface AttestingNetwork {
  /** `networkIdOfGenesis`. */
  readonly id: Uint8Array;
  /** `params.softwareAttestation`. */
  readonly softwareAllowed: boolean;
}
