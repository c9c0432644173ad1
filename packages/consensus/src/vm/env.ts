/** What the state transition needs besides state and blocks. Everything in it is a function of the chain. */
import type { Epoch } from "@holdfast/base";
import type { Verifier } from "@holdfast/proofs/verify";
import type { NetworkParams } from "../types/params.ts";
import type { CodeTable } from "./codes.ts";
import type { Protocols } from "./protocols.ts";

/**
 * 32 bytes from the ticket of the last block at or before epoch `at`, on the chain *below* the block that
 * is executed. The VM asks only for epochs below the executed height.
 */
export type RandomnessSource = (at: Epoch, tag: string, entropy: Uint8Array) => Uint8Array;

/** Message CIDs (text) whose signature was verified before; a cache that may forget at any time. */
export interface VerifiedMessages {
  has(messageCid: string): boolean;
  add(messageCid: string): unknown;
}

export interface Env {
  /** Any of the network's: those of the executed height are taken from its state. */
  readonly params: NetworkParams;
  /** `networkIdOfGenesis`: what signatures are bound to. */
  readonly networkId: Uint8Array;
  readonly verifier: Verifier;
  readonly randomness: RandomnessSource;
  /** Default: the built-in actors. Tests add their own; those of a version of the rules come before. */
  readonly codes?: CodeTable;
  /** The versions of the rules that are known; default: this program's. */
  readonly protocols?: Protocols | undefined;
  /** Spares verifying a signature again; never the authority on anything else. */
  readonly verifiedMessages?: VerifiedMessages;
}
