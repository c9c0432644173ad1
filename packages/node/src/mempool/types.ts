/** What the sender service gives. */
import type { Address, AttoFil, Cancel, CID } from "@holdfast/base";
import type { Receipt, SignedMessage, Tipset } from "@holdfast/consensus";
import type { Reason } from "./explain.ts";

export interface SendRequest {
  /** Default: the wallet's payer. */
  readonly from?: Address;
  readonly to: Address;
  readonly value?: AttoFil;
  readonly method?: string;
  readonly params?: Uint8Array;
  /** Default: what blocks ask now, and more later if they are full; a price that is given stays. */
  readonly gasPrice?: AttoFil;
  /** Default: a dry run's use and a margin. Required for calls whose dry run is costly (proofs). */
  readonly gasLimit?: number;
  /** The same key gives the same message. */
  readonly key?: string;
}

export interface Mined {
  readonly tipset: Tipset;
  readonly receipt: Receipt;
  readonly message: SignedMessage;
}

export interface WaitOptions {
  readonly confirmations?: number;
  readonly timeoutMs?: number;
  readonly signal?: Cancel;
}

export interface Sender extends AsyncDisposable {
  /** Errors: `sender/would-fail`, `sender/insufficient-funds`, `wallet/…`, `message/…`. */
  send(request: SendRequest): Promise<{ readonly cid: CID; readonly nonce: number }>;
  /** Errors: `sender/wait-timeout`, `sender/replaced`, `sender/cancelled`, `sender/unknown-message`. */
  wait(cid: CID, options?: WaitOptions): Promise<Mined>;
  /**
   * Offers a higher gas price for the message of a key, and for those of its sender that a block must take
   * before it. What is in the chain, or is paid as well, stays. Whoever waits for a replaced version learns of
   * the one that is mined. Errors: `sender/insufficient-funds`, `wallet/…`.
   */
  raise(key: string, gasPrice: AttoFil): Promise<void>;
  /** The message of a key, if one was sent. */
  sentAs(key: string): { readonly cid: CID; readonly nonce: number } | undefined;
  /**
   * Offers more for a waiting message of this node: the price, or what blocks ask now. Errors: `sender/not-ours`,
   * `sender/price-too-low`, `sender/unknown-message`, as `raise`.
   */
  replace(cid: CID, gasPrice?: AttoFil): Promise<{ readonly cid: CID; readonly nonce: number }>;
  /**
   * Puts a message that does nothing in the place of a waiting one of this node. Either of the two is mined. Errors:
   * `sender/of-a-job`, as `replace`.
   */
  cancel(cid: CID): Promise<{ readonly cid: CID; readonly nonce: number }>;
  /** Everything that holds a message up; undefined if this node knows no such message. */
  why(cid: CID): readonly Reason[] | undefined;
  /** Where a message is that this node sent or sees in the pool or the chain. */
  find(cid: CID): { readonly message: SignedMessage; readonly mined: Mined | undefined } | undefined;
}
