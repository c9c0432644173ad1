/** What payment channels need of the other rooms. */
import type { Address, AttoFil, Blockstore, CID, Logger } from "@holdfast/base";
import type { NetworkParams, Receipt, SignedMessage, Tipset } from "@holdfast/consensus";
import type { Database } from "../database.ts";
import type { FinalityChain } from "../final.ts";

export interface ChannelsChain extends FinalityChain {
  readonly params: NetworkParams;
  readonly networkId: Uint8Array;
  readonly store: Blockstore;
  headState(): { readonly state: CID; readonly tipset: Tipset };
  onHead(listener: () => void): () => void;
}

export interface Sent {
  readonly cid: CID;
  readonly nonce: number;
}

export interface ChannelsSender {
  send(request: {
    readonly from: Address;
    readonly to: Address;
    readonly value?: AttoFil;
    readonly method: string;
    readonly params: Uint8Array;
    readonly key?: string;
  }): Promise<Sent>;
  raise(key: string, gasPrice: AttoFil): Promise<void>;
  sentAs(key: string): Sent | undefined;
  why(cid: CID): readonly { readonly code: string }[] | undefined;
  find(
    cid: CID,
  ):
    | { readonly message: SignedMessage; readonly mined: { readonly receipt: Receipt } | undefined }
    | undefined;
}

export interface ChannelsSigner {
  payer(): Address;
  has(address: Address): boolean;
  addresses(): readonly Address[];
  sign(address: Address, message: Uint8Array): Uint8Array;
}

export interface ChannelsNeeds {
  readonly chain: ChannelsChain;
  readonly sender: ChannelsSender;
  readonly signer: ChannelsSigner;
  readonly database: Database;
  readonly logger: Logger;
}
