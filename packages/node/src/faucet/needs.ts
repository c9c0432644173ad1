/** What the faucet needs of the other rooms. */
import type { Address, AttoFil, Blockstore, Cancel, CID, Clock, Logger, PeerId, Wire } from "@holdfast/base";
import type { NetworkParams, ProtocolState, Receipt, SignedMessage, Tipset } from "@holdfast/consensus";
import type { Database } from "../database.ts";
import type { limits } from "../limits.ts";

export interface FaucetChain {
  readonly params: NetworkParams;
  readonly genesis: Tipset;
  readonly store: Blockstore;
  protocol(): ProtocolState;
  headState(): { readonly state: CID; readonly tipset: Tipset };
}

export interface FaucetSender {
  send(request: {
    readonly from: Address;
    readonly to: Address;
    readonly value: AttoFil;
    readonly key: string;
  }): Promise<{ readonly cid: CID }>;
  sentAs(key: string): { readonly cid: CID } | undefined;
  find(cid: CID):
    | {
        readonly message: SignedMessage;
        readonly mined: { readonly tipset: Tipset; readonly receipt: Receipt } | undefined;
      }
    | undefined;
}

export type FaucetLimits =
  Pick<
    typeof limits,
    | "faucetPerAddress"
    | "faucetPerPeer"
    | "faucetPerMachine"
    | "faucetInAll"
    | "faucetPerMinute"
    | "faucetWindowMs"
    | "faucetMemoryMs"
    | "faucetQueue"
    | "faucetQueuePerPeer"
    | "faucetAsked"
  > extends infer Rows
    ? { readonly [Row in keyof Rows]: number }
    : never;

/** What a node that serves a faucet adds. */
export interface FaucetService {
  /** Pays; default: the wallet's default address. */
  readonly account: Address | undefined;
}

export interface FaucetNeeds {
  readonly chain: FaucetChain;
  readonly sender: FaucetSender;
  readonly signer: { payer(): Address; has(address: Address): boolean };
  readonly wire: Pick<Wire, "self" | "peers" | "connect" | "open" | "handle">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly database: Database;
  readonly limits: FaucetLimits;
  /**
   * The multiaddr at the far end of the connection with a peer, empty if the peer has gone already; undefined where the
   * wire knows no machines.
   */
  remoteOf(peer: PeerId): string | undefined;
  /** Undefined: this node asks only. */
  readonly service: FaucetService | undefined;
}

export interface FaucetRequest {
  /** As its owner spells it. */
  readonly address: string;
  /** The same key of the same requester gives the same payment. */
  readonly key: string;
}

export interface AskOptions {
  /** A peer id or a multiaddr; without it this node's own faucet, or those of its peers one after the other. */
  readonly from?: string;
  /** Time to wait until the payment is in the chain; 0: not at all. */
  readonly waitMs: number;
  readonly signal: Cancel;
}
