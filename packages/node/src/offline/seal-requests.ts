/** What sealing by hand takes and gives. Bytes that people type and read are lower-case hex. */
import type { MessagePort } from "node:worker_threads";
import type { SealFile } from "./proof-file.ts";

interface AnySeal {
  /** Padded bytes of the sector. */
  readonly sectorBytes: number;
  /** Where the replica goes; a file of that name is overwritten. */
  readonly replicaPath?: string;
  /** Folder for what is needed until the proof is made, where that is too much for memory. */
  readonly scratchFolder: string;
  /** Decimal, below 2^64. */
  readonly sectorId: string;
}

/** The seal of rust-fil-proofs of May 2019, bit for bit. No network accepts it. */
export interface Zigzag2019SealRequest extends AnySeal {
  readonly kind: "zigzag-2019";
  /** 31 bytes. */
  readonly proverId: string;
}

/** Filecoin's seal of today. */
export interface SdrSealRequest extends AnySeal {
  readonly kind: "sdr";
  /** 32 bytes each. */
  readonly proverId: string;
  readonly ticket: string;
  readonly seed?: string;
  readonly porepId: string;
  /** Default: as Filecoin has it for the proof type in the porep id. */
  readonly apiVersion?: "1.0" | "1.1";
}

/** What our networks seal with. */
export interface ZigzagSealRequest extends AnySeal {
  readonly kind: "zigzag";
  /** 22 bytes of the miner's address. */
  readonly proverId: string;
  /** 32 bytes each. */
  readonly networkId: string;
  readonly ticket: string;
  /** Without it there are no challenges and no proof. */
  readonly seed?: string;
}

export type SealRequest = Zigzag2019SealRequest | SdrSealRequest | ZigzagSealRequest;

export interface Zigzag2019Report {
  readonly replicaId: string;
  readonly commD: string;
  /** Roots of the layers' outputs, the first layer first. */
  readonly commRLayers: readonly string[];
  readonly commRStar: string;
  readonly replicaSha256: string;
  /** Nodes by partition and layer. */
  readonly challenges: readonly (readonly (readonly number[])[])[];
}

export interface SdrReport {
  readonly replicaId: string;
  readonly commD: string;
  readonly commC: string;
  readonly commRLast: string;
  readonly commR: string;
  readonly replicaSha256: string;
  readonly challenges: readonly number[];
}

export interface ZigzagReport {
  readonly replicaId: string;
  readonly commD: string;
  readonly commR: string;
  readonly commRStar: string;
  readonly replicaSha256: string;
  /** Nodes by layer; none without a seed. */
  readonly challenges: readonly (readonly number[])[];
}

/** User bytes, not padded; zeros fill the rest. A chunk is done with when the next is asked for. */
export interface SealData {
  readonly data: AsyncIterable<Uint8Array>;
}

/** The same as it travels to the thread that seals. */
export interface SealDataPort {
  readonly data: MessagePort;
}

export interface Sealed {
  readonly report: Zigzag2019Report | SdrReport | ZigzagReport;
  /** Of kind zigzag, if there is a seed. */
  readonly proofFile?: SealFile;
}
