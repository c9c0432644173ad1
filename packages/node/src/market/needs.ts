/** What the market's two halves need of the other rooms; every interface is the part of the room that is used. */
import type {
  Address,
  AttoFil,
  Blockstore,
  Cancel,
  CID,
  Clock,
  HoldfastError,
  JsonObject,
  Logger,
  PeerId,
  Wire,
} from "@holdfast/base";
import type { NetworkParams, Receipt, Tipset } from "@holdfast/consensus";
import type { Database } from "../database.ts";
import type { FinalityChain } from "../final.ts";

export interface MarketChain extends FinalityChain {
  readonly params: NetworkParams;
  readonly networkId: Uint8Array;
  readonly store: Blockstore;
  headState(): { readonly state: CID; readonly tipset: Tipset };
  /** Undefined where it is not here. */
  stateAfter(key: string): CID | undefined;
  onHead(listener: () => void): () => void;
}

/** The sender service: the same key gives the same message, over restarts too. */
export interface MarketSender {
  send(request: {
    readonly from: Address;
    readonly to: Address;
    readonly value?: AttoFil;
    readonly method: string;
    readonly params: Uint8Array;
    readonly key: string;
  }): Promise<{ readonly cid: CID; readonly nonce: number }>;
  wait(
    cid: CID,
    options: { readonly confirmations?: number; readonly signal?: Cancel },
  ): Promise<{ readonly receipt: Receipt; readonly tipset: Tipset }>;
  sentAs(key: string): { readonly cid: CID } | undefined;
  /** As the head's branch has it. */
  find(
    cid: CID,
  ): { readonly mined: { readonly receipt: Receipt; readonly tipset: Tipset } | undefined } | undefined;
}

export interface MarketSigner {
  /** The account that pays; `wallet/no-key`. */
  payer(): Address;
  has(address: Address): boolean;
  /** 65 bytes. */
  sign(address: Address, message: Uint8Array): Uint8Array;
}

export type MarketWire = Pick<Wire, "self" | "peers" | "open" | "handle">;

/** The files of this node, as their CAR streams. */
export interface MarketFiles {
  /** Undefined unless every block of the file is here. */
  stat(root: CID): Promise<{ readonly sizeBytes: number; readonly carBytes: number } | undefined>;
  /** The deterministic CAR stream of the file from this byte on; the consumer may stop at any time. */
  carStream(root: CID, skipBytes: number): AsyncIterable<Uint8Array>;
  /** Resolves when every block of the file is here, fetched from these peers as far as it is not. */
  ensureLocal(root: CID, peers: readonly PeerId[], signal: Cancel): Promise<unknown>;
}

/** Reading back from one miner and nobody else. */
export interface MarketRetrieval {
  /**
   * The CAR stream of the payload from its first byte, as this peer sends it now over the network: never from
   * local blocks. The market compares every byte with the deal's piece commitments.
   */
  carFrom(peer: PeerId, payload: CID, signal: Cancel): AsyncIterable<Uint8Array>;
  /**
   * Has this peer give one block of the payload, at the place that `draw` names from 0 to below 1, and those above it;
   * each is verified, none comes from here, and nothing is paid. `retrieval/…`, `net/…`, `wire/…`, `codec/…`.
   */
  sample(peer: PeerId, payload: CID, draw: () => number, signal: Cancel): Promise<unknown>;
}

interface MarketNeeds {
  readonly chain: MarketChain;
  readonly sender: MarketSender;
  readonly signer: MarketSigner;
  readonly wire: MarketWire;
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ClientMarketNeeds extends MarketNeeds {
  readonly files: MarketFiles;
  readonly retrieval: MarketRetrieval;
  /** True while this node fetches a chain that others have already. */
  isCatchingUp(): boolean;
}

/** The miner's storage: a part of `Storage` of @holdfast/storage, handed over unchanged. */
export interface MarketStorage {
  addPiece(
    piece: {
      readonly pieceKey: string;
      readonly commP: Uint8Array;
      readonly paddedBytes: number;
      readonly userBytes: number;
      /** One that can begin anywhere is asked only for what is not there yet, also after a kill. */
      readonly source: AsyncIterable<Uint8Array> | { from(offsetBytes: number): AsyncIterable<Uint8Array> };
    },
    signal?: AbortSignal,
  ): Promise<{ readonly sectorId: number }>;
  getPiece(pieceKey: string): Promise<{ readonly sectorId: number } | undefined>;
  /** Why it opens no new sector, or has no room for so many pieces of these padded sizes, if so. */
  refusal?(pieces: ReadonlyMap<number, number>): Promise<HoldfastError | undefined>;
  readPiece(
    pieceKey: string,
    range?: { readonly offset?: number; readonly length?: number },
  ): AsyncIterable<Uint8Array>;
  /** What was read of it is damaged. Whether another read comes from elsewhere. */
  doubtPiece(pieceKey: string): Promise<boolean>;
  provePieceInclusion(pieceKey: string): Promise<{ readonly sectorId: number; readonly proof: Uint8Array }>;
  dropPiece(pieceKey: string): Promise<void>;
  /** Gives back what is there of a piece that did not come whole. */
  dropUnfinished(pieceKey: string): Promise<void>;
  getSector(sectorId: number): Promise<{
    readonly state: string;
    readonly sectorBytes: number;
    /** Of its pieces. */
    readonly filledPaddedBytes: number;
  }>;
  maxUserBytesPerStagedSector(): number;
  /** The order of the seals: until when somebody waits for this one; null: nobody does. */
  setDue?(sectorId: number, dueMs: number | null): void;
  /** Closes one sector that has pieces, full or not; false when it is not staged any more. */
  sealStagedSector(sectorId: number): Promise<boolean>;
}

/**
 * So many bytes of a file of a web server, from this one on. `near`: a peer; its own machine may be asked too, whatever
 * the rules about places that strangers name. `deal/bad-source` for what cannot go well another time, else
 * `deal/transfer-failed`.
 */
export type FetchWeb = (
  wanted: {
    readonly url: string;
    readonly offsetBytes: number;
    readonly lengthBytes: number;
    readonly near: PeerId;
    /** Called when what comes is the file as a whole: its server has no ranges, and nothing can be gone on with. */
    readonly onWhole?: () => void;
  },
  signal: AbortSignal,
) => AsyncIterable<Uint8Array>;

/** When a sector that is not full is closed. */
export interface SectorFilling {
  /** Of its bytes, as many as are to be in it; with fewer it is closed only when a deal in it would be late. */
  readonly minFillPercent: number;
  /** How long others may join a deal whose sector has that much. */
  readonly maxStagedMs: number;
}

export interface MinerMarketNeeds extends MarketNeeds {
  /** If left out: closed after two rounds, whatever is in it. */
  readonly filling?: SectorFilling | undefined;
  /**
   * How long a sector of this size is sealed and proven by one worker, and how many are at a time; undefined, or if
   * left out: nobody knows, and every deal is thought to have time.
   */
  readonly sealSpeed?:
    | (() => Promise<
        { readonly parallel: number; readonly msFor: (sectorBytes: number) => number } | undefined
      >)
    | undefined;
  /** Files of web servers; undefined: none are fetched. */
  readonly fetchWeb?: FetchWeb | undefined;
  /** The operator's program for deals, if there is one. */
  readonly policyHook?:
    | ((
        wish: JsonObject,
        signal: AbortSignal,
      ) => Promise<{ readonly output: string } | { readonly failure: string }>)
    | undefined;
  /** Whether vouchers for something else than deals came from this channel. */
  readonly isChannelUsed?: (payer: Address, channel: number) => boolean;
  /** The miner actor that this node runs. */
  readonly miner: Address;
  readonly storage: MarketStorage;
  /** True while this node fetches a chain that others have already. */
  isCatchingUp(): boolean;
}
