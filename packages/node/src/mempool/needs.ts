/** What the pool and the sender need of the other rooms. */
import type { Address, Blockstore, CID, Clock, GossipVerdict, Logger, PeerId } from "@holdfast/base";
import type {
  Env,
  NetworkParams,
  Receipt,
  SignedMessage,
  Tipset,
  VerifiedMessages,
} from "@holdfast/consensus";
import type { Database } from "../database.ts";
import type { FinalityChain } from "../final.ts";
import type { AreSigned } from "./signatures.ts";

export interface MempoolChain extends FinalityChain {
  readonly params: NetworkParams;
  readonly networkId: Uint8Array;
  readonly store: Blockstore;
  stateAfter(key: string): CID | undefined;
  headState(): { readonly state: CID; readonly tipset: Tipset };
  onHead(
    listener: (change: { readonly reverted: readonly Tipset[]; readonly applied: readonly Tipset[] }) => void,
  ): () => void;
  messagesOf(tipset: Tipset): readonly SignedMessage[];
  tipsetOfMessage(cid: CID): Tipset | undefined;
  findMessage(
    cid: CID,
  ): { readonly tipset: Tipset; readonly receipt: Receipt; readonly message: SignedMessage } | undefined;
}

export interface MempoolWire {
  publish(topic: string, bytes: Uint8Array): Promise<void>;
  subscribe(
    topic: string,
    handler: (bytes: Uint8Array, from: PeerId) => GossipVerdict | Promise<GossipVerdict>,
  ): () => void;
}

export interface Signer {
  payer(): Address;
  sign(address: Address, message: Uint8Array): Uint8Array;
}

export interface MempoolNeeds {
  readonly chain: MempoolChain;
  readonly wire: MempoolWire;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly database: Database;
  /** Verifies signatures of gossiped messages on other threads, and knows those that hold; else this thread does. */
  readonly signatures?: { readonly areSigned: AreSigned; readonly verified: VerifiedMessages };
}

export interface SenderNeeds extends MempoolNeeds {
  readonly chain: MempoolChain & { envOn(tipset: Tipset): Env };
  readonly signer: Signer;
}
