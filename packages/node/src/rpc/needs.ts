/** What the API needs of the node: the doors of the other rooms, as far as a method asks them. */
import type { MethodParams, MethodResult } from "@holdfast/api";
import type {
  Address,
  AttoFil,
  Blockstore,
  Cancel,
  ChannelId,
  CID,
  Clock,
  Epoch,
  Logger,
  PeerId,
  WirePeer,
} from "@holdfast/base";
import type {
  Env,
  FullBlock,
  HeadersAnswer,
  HeadersRequest,
  NetworkParams,
  Predicate,
  ProofAnswer,
  ProofRequest,
  ProtocolState,
  Protocols,
  Receipt,
  SignedMessage,
  Tipset,
  Upgrade,
} from "@holdfast/consensus";
import type { IdleDoor, VerifierDoorView } from "./idle-door.ts";
import type { IpfsDoor } from "./ipfs-needs.ts";
import type { JobsDoor } from "./jobs-door.ts";
import type { FileDoor, MarketDoor } from "./market-needs.ts";
import type { MinerDoor } from "./miner-needs.ts";
import type { PinDoor } from "./pin-needs.ts";
import type { PoscDoor } from "./posc-needs.ts";
import type { RetrievalDoor } from "./retrieval-door.ts";
import type { StorageDoor } from "./storage-door.ts";

export type { VerifierDoorView } from "./idle-door.ts";
export type { CarDoor, IpfsDoor } from "./ipfs-needs.ts";
export type { DealDetail, Explanation, FileDoor, MarketDoor, PutView } from "./market-needs.ts";

/** One file of the page that the API server shows to a person. */
export interface PageFile {
  /** On the server: `/` or `/page/main.ts`. */
  readonly path: string;
  readonly file: URL;
}

export interface MetricsDoor {
  /** Prometheus text format. */
  text(): Promise<string>;
}

export interface ChainDoor {
  readonly params: NetworkParams;
  readonly protocols: Protocols | undefined;
  protocol(): ProtocolState;
  unknownUpgrade(height: number): Upgrade | undefined;
  readonly checkpoint: { readonly cids: readonly CID[]; readonly height: number } | undefined;
  readonly genesis: Tipset;
  readonly genesisTimestampMs: number;
  readonly genesisTotal: AttoFil;
  readonly store: Blockstore;
  head(): Tipset;
  headState(): { readonly state: CID; readonly tipset: Tipset };
  fullBlock(cid: CID): FullBlock | undefined;
  /** Errors: `chain/pruned`. */
  requireBlock(cid: CID): FullBlock | undefined;
  fullBlocks(key: string): readonly FullBlock[] | undefined;
  weightOf(key: string): bigint | undefined;
  parentOf(tipset: Tipset): Tipset | undefined;
  tipsetAt(height: number): Tipset;
  messagesOf(tipset: Tipset): readonly SignedMessage[];
  onHead(listener: (change: { readonly to: Tipset }) => void): () => void;
  envOn(tipset: Tipset): Env;
}

/** The chain as files and space. */
export interface ArchiveDoor {
  plan(request: MethodParams<"chain.snapshot">): MethodResult<"chain.snapshot">;
  /** Errors: those of the plan, also in the middle. */
  snapshot(request: MethodParams<"chain.snapshot">): AsyncIterable<Uint8Array>;
  prune(request: MethodParams<"chain.prune">): Promise<MethodResult<"chain.prune">>;
  inventory(signal: AbortSignal): Promise<MethodResult<"chain.store">>;
}

export interface MinedMessage {
  readonly tipset: Tipset;
  readonly receipt: Receipt;
  readonly message: SignedMessage;
}

export interface SenderDoor {
  send(request: {
    readonly from?: Address;
    readonly to: Address;
    readonly value?: AttoFil;
    readonly method?: string;
    readonly params?: Uint8Array;
    readonly gasPrice?: AttoFil;
    readonly gasLimit?: number;
    readonly key?: string;
  }): Promise<{ readonly cid: CID; readonly nonce: number }>;
  /** What the key stands for. */
  sentAs(key: string): { readonly cid: CID; readonly nonce: number } | undefined;
  replace(cid: CID, gasPrice?: AttoFil): Promise<{ readonly cid: CID; readonly nonce: number }>;
  cancel(cid: CID): Promise<{ readonly cid: CID; readonly nonce: number }>;
  why(
    cid: CID,
  ): readonly { readonly code: string; readonly detail: string; readonly fix: string | null }[] | undefined;
  wait(
    cid: CID,
    options: { readonly confirmations: number; readonly timeoutMs: number; readonly signal: Cancel },
  ): Promise<MinedMessage>;
  find(cid: CID): { readonly message: SignedMessage; readonly mined: MinedMessage | undefined } | undefined;
}

export interface WalletDoor {
  addresses(): readonly Address[];
  defaultAddress(): Address | undefined;
  payer(): Address;
  setDefault(address: Address): Promise<void>;
  newAccount(): Promise<Address>;
  newBlsKey(): Promise<Uint8Array>;
  hasBls(publicKey: Uint8Array): boolean;
  exportKey(address: Address): { readonly keyHex: string; readonly privateKeyBase64: string };
  importText(text: string): Promise<readonly Address[]>;
  fileRecipient(address: Address): Uint8Array;
  fileIdentity(address: Address): Uint8Array;
}

/** What a wire over sockets adds; a simulated one has none of it. */
export interface NetControlDoor {
  peers(): readonly {
    readonly id: PeerId;
    readonly score: number;
    readonly latencyMs: number | undefined;
    readonly sinceMs: number;
    readonly agent: string;
    readonly protocols: readonly string[];
    readonly receivedBytes: number;
    readonly sentBytes: number;
  }[];
  counts(): {
    readonly inbound: number;
    readonly outbound: number;
    readonly halfOpen: number;
    readonly receivedBytes: number;
    readonly sentBytes: number;
  };
  scores(): readonly {
    readonly peerId: string;
    readonly score: number;
    readonly deeds: { readonly [deed: string]: number };
  }[];
  bans(): readonly NetBan[];
  ban(
    subject: string,
    options: { readonly reason: string; readonly forMs: number | undefined },
  ): Promise<NetBan>;
  unban(subject: string): void;
  ping(peer: string, signal?: Cancel): Promise<number>;
  observed(): readonly { readonly address: string; readonly peers: number }[];
  dialBacks(): readonly {
    readonly peer: PeerId;
    readonly port: number;
    readonly reached: boolean;
    readonly atMs: number;
  }[];
}

export interface NetBan {
  readonly subject: string;
  readonly kind: "peer" | "address" | "range";
  readonly reason: string;
  readonly by: "score" | "person";
  readonly fromMs: number;
  readonly untilMs: number | undefined;
}

export interface NetDoor {
  readonly self: PeerId;
  readonly control: NetControlDoor | undefined;
  addresses(): readonly string[];
  peers(): readonly WirePeer[];
  connect(address: string, signal?: Cancel): Promise<PeerId>;
  disconnect(peer: PeerId): Promise<void>;
  peerHeights(): ReadonlyMap<PeerId, number>;
  invite(options: {
    readonly forMs: number | undefined;
    readonly addresses: readonly string[];
    readonly checkpoint: boolean;
  }): {
    readonly text: string;
    readonly network: string;
    readonly genesis: CID;
    readonly addresses: readonly string[];
    readonly expiresMs: number;
    readonly checkpoint: { readonly height: number } | null;
  };
}

export interface SyncDoor {
  state(): {
    readonly state: "synced" | "syncing" | "stalled";
    readonly code: string;
    readonly reason: string;
    readonly fix: string | null;
  };
  badTipsets(): readonly {
    readonly key: string;
    readonly height: number;
    readonly code: string;
    readonly reason: string;
    readonly root: string;
    readonly atMs: number;
  }[];
  clearBad(key?: string): number;
  peerHeights(): ReadonlyMap<PeerId, number>;
  beginning():
    | {
        readonly checkpoint: number;
        readonly stage: "headers" | "state" | "blocks";
        readonly headers: number;
        readonly objects: number;
        readonly bytes: number;
        readonly sinceMs: number;
        readonly trouble: string | null;
      }
    | undefined;
}

type SentMessage = Promise<{ readonly cid: CID; readonly nonce: number }>;

/** Payment channels, already in the shapes of the API. */
export interface ChannelDoor {
  create(given: {
    readonly from: Address;
    readonly target: Address;
    readonly amount: AttoFil;
    readonly eol: Epoch;
    readonly key?: string;
  }): SentMessage;
  extend(given: {
    readonly from: Address;
    readonly channel: ChannelId;
    readonly amount: AttoFil;
    readonly eol: Epoch;
    readonly key?: string;
  }): SentMessage;
  end(given: {
    readonly method: "cancel" | "reclaim";
    readonly from: Address;
    readonly channel: ChannelId;
    readonly key?: string;
  }): SentMessage;
  redeem(payer: Address, channel: ChannelId, method: "redeem" | "close"): SentMessage;
  list(address: Address | undefined): readonly MethodResult<"channel.ls">[number][];
  show(payer: Address, channel: ChannelId): MethodResult<"channel.show">;
  give(terms: {
    readonly payer: Address;
    readonly channel: ChannelId;
    readonly amount: AttoFil;
    readonly validAt: Epoch;
    readonly condition: Predicate | null;
  }): MethodResult<"voucher.create">;
  check(text: string): MethodResult<"voucher.check">;
  add(text: string, redeemerParams: Uint8Array): MethodResult<"voucher.add">;
  vouchers(payer: Address | undefined, channel: number | undefined): readonly MethodResult<"voucher.best">[];
  best(payer: Address, channel: ChannelId): MethodResult<"voucher.best">;
}

/** What light clients are told. */
export interface LightDoor {
  headers(request: HeadersRequest): HeadersAnswer;
  prove(request: ProofRequest): ProofAnswer;
}

/** Test money, already in the shapes of the API. */
export interface FaucetDoor {
  show(): MethodResult<"faucet.show">;
  ask(
    request: { readonly address: string; readonly key: string },
    options: { readonly from?: string; readonly waitMs: number; readonly signal: Cancel },
  ): Promise<MethodResult<"faucet.ask">>;
}

export interface HandlerNeeds {
  readonly name: string;
  readonly version: string;
  readonly startedMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly chain: ChainDoor;
  readonly archive: ArchiveDoor;
  /** The height from which on the chain was believed when it came; null if it was not, or a checkpoint vouches. */
  readonly believedFrom: () => number | null;
  readonly sync: SyncDoor;
  readonly net: NetDoor;
  readonly sender: SenderDoor;
  readonly pending: () => readonly SignedMessage[];
  readonly wallet: WalletDoor;
  readonly market: MarketDoor;
  readonly channels: ChannelDoor;
  readonly light: LightDoor;
  readonly faucet: FaucetDoor;
  readonly files: FileDoor;
  readonly ipfs: IpfsDoor;
  /** Undefined where the node keeps no pins. */
  readonly pins: PinDoor | undefined;
  readonly posc: PoscDoor | undefined;
  readonly retrieval: RetrievalDoor;
  readonly miner: MinerDoor | undefined;
  /** Undefined if this node runs no miner. */
  readonly jobs: JobsDoor | undefined;
  /** Undefined if this node runs no miner. */
  readonly storage: StorageDoor | undefined;
  /** Undefined if this node runs no miner, or its network counts no idle space. */
  readonly idle: IdleDoor | undefined;
  /** Undefined if it does not verify idle space. */
  readonly verifier: (() => VerifierDoorView) | undefined;
}
