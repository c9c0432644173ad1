/** What a verifier of idle space needs of the other rooms, and what a miner needs to reach the chain and verifiers. */
import type { Address, AttoFil, Blockstore, Cancel, CID, Clock, Logger, Wire } from "@holdfast/base";
import type { NetworkParams, PinEvidenceKind, RandomnessSource, Receipt, Tipset } from "@holdfast/consensus";
import type { Evidence } from "@holdfast/proofs/attestation";

export interface VerifierChain {
  readonly params: NetworkParams;
  readonly networkId: Uint8Array;
  readonly store: Blockstore;
  headState(): { readonly state: CID; readonly tipset: Tipset };
  randomnessBelow(tipset: Tipset): RandomnessSource;
  onHead(listener: () => void): () => void;
}

export interface VerifierSigner {
  has(address: Address): boolean;
  sign(address: Address, message: Uint8Array): Uint8Array;
}

/** The key that the attested program has, and what shows that. */
export interface VerifierKey {
  readonly kind: PinEvidenceKind;
  readonly program: Uint8Array;
  readonly address: Address;
  readonly publicKey: Uint8Array;
  /** Who else could open the file that it lies in. */
  readonly boundTo: "program" | "machine";
  sign(message: Uint8Array): Uint8Array;
  evidence(bound: {
    readonly operator: Address;
    readonly epoch: number;
    readonly nonce: Uint8Array;
  }): Promise<Evidence>;
}

export interface VerifierNeeds {
  readonly chain: VerifierChain;
  readonly wire: Wire;
  readonly signer: VerifierSigner;
  readonly sender: Pick<IdleSender, "send">;
  /** Its operator: admitted, pays, has the bond. */
  readonly account: Address;
  /** Errors say why this node cannot attest. Left out: it has no way to. */
  readonly attest?: () => Promise<VerifierKey>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface IdleSender {
  send(request: {
    readonly from: Address;
    readonly to: Address;
    readonly value?: AttoFil;
    readonly method: string;
    readonly params: Uint8Array;
    readonly key: string;
  }): Promise<{ readonly cid: CID }>;
  wait(cid: CID, options: { readonly signal: Cancel }): Promise<{ readonly receipt: Receipt }>;
  sentAs(key: string): { readonly cid: CID } | undefined;
  find(cid: CID): { readonly mined: { readonly receipt: Receipt } | undefined } | undefined;
}

export interface IdleNetworkNeeds {
  readonly miner: Address;
  readonly chain: VerifierChain;
  readonly sender: IdleSender;
  readonly wire: Wire;
  readonly clock: Clock;
  readonly logger: Logger;
}
