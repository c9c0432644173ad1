/** What synchronisation needs of the other rooms. */
import type { AttoFil, Blockstore, Cancel, CID, Clock, Logger, PeerId, Wire } from "@holdfast/base";
import type {
  BlockHeader,
  FullBlock,
  NetworkParams,
  Protocols,
  RandomnessSource,
  Receipt,
  SignedMessage,
  Tipset,
  Upgrade,
} from "@holdfast/consensus";
import type { Executions } from "../executions.ts";
import type { HeaderPass } from "../header-pass.ts";
import type { ProofPass } from "../proof-pass.ts";
import type { FoundFault } from "./faults.ts";
import type { PeerVerdict } from "./scores.ts";

export interface SyncChain {
  readonly params: NetworkParams;
  readonly networkId: Uint8Array;
  readonly protocols: Protocols | undefined;
  unknownUpgrade(height: number): Upgrade | undefined;
  readonly genesis: Tipset;
  readonly genesisTimestampMs: number;
  readonly genesisTotal: AttoFil;
  readonly store: Blockstore;
  head(): Tipset;
  tipset(key: string): Tipset | undefined;
  fullBlock(cid: CID): FullBlock | undefined;
  fullBlocks(key: string): readonly FullBlock[] | undefined;
  header(cid: CID): BlockHeader | undefined;
  /** On the current chain only. */
  findMessage(cid: CID): { readonly message: SignedMessage } | undefined;
  stateAfter(key: string): CID | undefined;
  weightOf(key: string): bigint | undefined;
  /**
   * Whether a tipset can stand on its parent beside the operator's checkpoint, be it executed or only linked.
   * Errors: `chain/contradicts-checkpoint`.
   */
  checkCheckpoint(
    tipset: Pick<Tipset, "key" | "cids" | "height">,
    parent: Pick<Tipset, "key" | "height"> | undefined,
  ): void;
  parentOf(tipset: Tipset): Tipset | undefined;
  tipsetAt(height: number, below?: Tipset): Tipset;
  randomnessBelow(tipset: Tipset): RandomnessSource;
  addValidated(validated: {
    readonly tipset: Tipset;
    readonly blocks: readonly FullBlock[];
    readonly stateRoot: CID;
    readonly results: readonly { readonly message: CID; readonly receipt: Receipt }[];
    readonly weight: bigint;
  }): Promise<void>;
  setHead(key: string): Promise<unknown>;
}

/** A chain that is to begin at a checkpoint; see `Beginning` of the chain. */
export interface BeginningDoor {
  readonly checkpoint: { readonly cids: readonly CID[]; readonly key: string; readonly height: number };
  readonly headers: number;
  readonly objects: number;
  readonly bytes: number;
  readonly missingHeaders: readonly CID[] | undefined;
  addHeaders(tipsets: readonly (readonly BlockHeader[])[]): Promise<void>;
  missingObjects(count: number): { readonly cids: readonly CID[]; readonly isSlice: boolean };
  addObjects(found: ReadonlyMap<string, Uint8Array>): Promise<void>;
  rootHeaders(): readonly BlockHeader[];
  /** It is being finished, and what is on the disk is not a chain yet. */
  readonly isCut: boolean;
  /** While it is held, nothing of what has come is pruned. */
  hold(): Promise<Disposable>;
  finish(pause: () => Promise<void>): Promise<void>;
}

/** Single blocks by their CIDs, from peers and to them. */
export interface SwapDoor {
  /** Those of one peer, by the text of their CIDs; what it does not give is left out. */
  ask(
    peer: PeerId,
    cids: readonly CID[],
    options: { readonly signal: Cancel; readonly idleMs: number; readonly timeoutMs: number },
  ): Promise<ReadonlyMap<string, Uint8Array>>;
  serve(place: { find(cid: CID, peer: PeerId): Uint8Array | undefined }): () => void;
  onLie(listener: (peer: PeerId, detail: string) => void): () => void;
}

export interface SyncNeeds {
  readonly chain: SyncChain;
  readonly wire: Wire;
  readonly swap: SwapDoor;
  readonly proofs: ProofPass;
  readonly headers: HeaderPass;
  readonly executions: Executions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the chain is to begin, if it has not. */
  readonly beginning?: BeginningDoor | undefined;
  /** Told of consensus faults that valid blocks prove, at most once for each block. Must not throw. */
  readonly onFault?: (fault: FoundFault) => void;
  /** Told of every answer to a question about the chain, so that a liar can be kept out. Must not throw. */
  readonly onVerdict?: (peer: PeerId, verdict: PeerVerdict, detail: string) => void;
}
