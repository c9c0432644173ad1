/** What mining needs of the other rooms and of the storage. */
import type { Address, AttoFil, Blockstore, Cancel, CID, Clock, Logger } from "@holdfast/base";
import type {
  FullBlock,
  NetworkParams,
  Protocols,
  RandomnessSource,
  Receipt,
  SignedMessage,
  Tipset,
  Upgrade,
  VerifiedMessages,
} from "@holdfast/consensus";
import type { Database } from "../database.ts";
import type { FinalityChain } from "../final.ts";
import type { ProofPass } from "../proof-pass.ts";
import type { TwinGuard } from "./twins.ts";

export interface MineChain extends FinalityChain {
  readonly params: NetworkParams;
  readonly networkId: Uint8Array;
  readonly protocols: Protocols | undefined;
  unknownUpgrade(height: number): Upgrade | undefined;
  readonly genesisTimestampMs: number;
  readonly store: Blockstore;
  headState(): { readonly state: CID; readonly tipset: Tipset };
  stateAfter(key: string): CID | undefined;
  weightOf(key: string): bigint | undefined;
  tipsetAt(height: number, below?: Tipset): Tipset;
  randomnessBelow(tipset: Tipset): RandomnessSource;
  onHead(listener: () => void): () => void;
}

export interface MineSender {
  send(request: {
    readonly from: Address;
    readonly to: Address;
    readonly method: string;
    readonly params: Uint8Array;
    readonly gasLimit?: number;
    readonly gasPrice?: AttoFil;
    readonly key: string;
  }): Promise<{ readonly cid: CID }>;
  /** A higher gas price for a message that waits, and for those that must be mined before it. */
  raise(key: string, gasPrice: AttoFil): Promise<void>;
  wait(
    cid: CID,
    options: { readonly signal: Cancel },
  ): Promise<{ readonly receipt: Receipt; readonly tipset: Tipset }>;
  sentAs(key: string): { readonly cid: CID } | undefined;
  find(cid: CID): { readonly mined: { readonly receipt: Receipt } | undefined } | undefined;
}

export interface MineSector {
  readonly sectorId: number;
  readonly sectorBytes: number;
  readonly state: string;
  readonly ticket: { readonly epoch: number; readonly bytes: Uint8Array } | null;
  readonly commitments: {
    readonly commD: Uint8Array;
    readonly commR: Uint8Array;
    readonly commRStar: Uint8Array;
  } | null;
}

export interface MineStorage {
  /** Sectors on their way onto the chain, failed ones too; read as they are asked for. */
  unfinished(): AsyncIterable<MineSector>;
  /** Sectors that the chain has taken for good and that have not expired. */
  landed(): AsyncIterable<MineSector>;
  /** Resolves when the replica is made, or the attempt has failed (which the sector's state tells). */
  seal(
    sectorId: number,
    ticket: { readonly epoch: number; readonly bytes: Uint8Array },
    identity: { readonly networkId: Uint8Array; readonly miner: Address },
  ): Promise<void>;
  /** Resolves when the proof is made, or the attempt has failed. */
  prove(sectorId: number, seed: Uint8Array): Promise<void>;
  retry(sectorId: number): Promise<void>;
  /** Gives up a seal that the chain has not taken: the sector waits for a new ticket. */
  restart(sectorId: number, reason: string): Promise<void>;
  readSealProof(sectorId: number): Promise<Uint8Array>;
  confirmCommitted(sectorId: number): Promise<void>;
  markExpired(sectorId: number): Promise<void>;
  /** The sectors of these that could not be proven now; undefined where nothing is rehearsed. */
  readonly rehearse?: (seed: Uint8Array, sectorIds: readonly number[]) => Promise<readonly number[]>;
  generatePost(
    kind: "window" | "winning",
    seed: Uint8Array,
    sectorIds: readonly number[],
  ): Promise<{
    readonly proof: Uint8Array;
    readonly proven: readonly number[];
    readonly faults: readonly { readonly sectorId: number; readonly code: string }[];
  }>;
}

export interface MineSigner {
  has(address: Address): boolean;
  hasBls(publicKey: Uint8Array): boolean;
  sign(address: Address, message: Uint8Array): Uint8Array;
  blsSign(publicKey: Uint8Array, message: Uint8Array): Uint8Array;
}

export interface AskPolicy {
  readonly pricePerBytePerEpoch: bigint;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly forEpochs: number;
}

export interface MineNeeds {
  readonly miner: Address;
  readonly chain: MineChain;
  readonly submitBlock: (block: FullBlock) => Promise<void>;
  readonly candidates: (limit: number) => readonly SignedMessage[];
  readonly sender: MineSender;
  readonly storage: MineStorage;
  readonly signer: MineSigner;
  readonly proofs: ProofPass;
  /** Messages whose signatures are known to hold. */
  readonly verified?: VerifiedMessages;
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Published when the chain holds no ask of this miner; undefined: none. */
  readonly ask: AskPolicy | undefined;
  /** How to find out whether another node mines with the same keys; undefined: nobody looks. */
  readonly twins: TwinGuard | undefined;
}
