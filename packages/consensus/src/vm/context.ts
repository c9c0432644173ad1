/**
 * What an actor can see and do (the context of go-filecoin's VM of 2019) and how an actor's code is
 * declared. Actors are pure: all they read comes from the context, all they change goes through it.
 *
 * Rules that the VM holds for every actor:
 * - value is transferred before the method runs and comes back if the call fails;
 * - a failed call changes nothing but gas; a failed nested call reverts alone;
 * - running out of gas ends the whole message, nested calls cannot catch it;
 * - an actor that is still running cannot be called again (plain transfers to it are possible), so a
 *   state that was read before a `send` is still the state after it;
 * - an exception other than `fail` is a fault: the whole tipset aborts. Never let unchecked bytes of a
 *   caller reach a throwing decoder: use `decodeParams`.
 */
import type { Address, AttoFil, Blockstore, CID, Codec, Epoch, Nonce } from "@holdfast/base";
import type { Verifier } from "@holdfast/proofs/verify";
import type { BuiltinAddresses } from "../types/builtins.ts";
import type { NetworkParams } from "../types/params.ts";
import type { ProofKind, ProofWork } from "./gas.ts";

export interface CallMessage {
  readonly from: Address;
  readonly to: Address;
  readonly value: AttoFil;
  readonly method: string;
  /** Nonce of the outermost message, also in nested calls. */
  readonly nonce: Nonce;
}

export interface SendResult {
  readonly exitCode: number;
  /** Encoded result of the method, empty on failure. */
  readonly returns: Uint8Array;
}

export interface ActorContext {
  readonly message: CallMessage;
  readonly height: Epoch;
  readonly params: NetworkParams;
  /** Version of the rules at this height. */
  readonly version: number;
  /** What signatures on this network are bound to. */
  readonly networkId: Uint8Array;
  readonly builtins: BuiltinAddresses;
  readonly verifier: Verifier;
  /** Objects of the state; every read and write is charged by its bytes. Hand it to Hamt and Amt. */
  readonly store: Blockstore;

  /** The actor's own state. A missing or undecodable one is a fault. */
  readState<T>(codec: Codec<T>): T;
  /** False until the first `writeState`. */
  hasState(): boolean;
  writeState<T>(codec: Codec<T>, value: T): void;
  /** Own balance; includes the value of this message. */
  balance(): AttoFil;

  /** Charges gas on top of what the VM charges by itself. */
  charge(units: number): void;
  /** Charges for so many sectors of a list, before it is walked. */
  chargeSectors(count: number): void;
  /** Charges for verifying one proof before it is done; call it before the verifier. */
  chargeProof(kind: ProofKind, sizeBytes: number, work?: ProofWork): void;

  /** True if the direct caller is an account. */
  isFromAccountActor(): boolean;
  /** Nested call. Never throws for a failure of the callee; look at the exit code. */
  send(to: Address, method: string, value: AttoFil, params: Uint8Array): SendResult;
  /** Fresh for every call within a message: the hash of the outermost sender and its nonce. */
  addressForNewActor(): Address;
  /**
   * Installs code at an address and runs its constructor with this actor as caller. An address that was
   * only funded before keeps its balance. Fails (reverting this call) with `actorExists` or with the
   * constructor's exit code.
   */
  createNewActor(address: Address, codeName: string, constructorParams: Uint8Array): void;
  /** Code name of the actor at an address, undefined if there is none. */
  codeNameOf(address: Address): string | undefined;

  /**
   * 32 bytes from the chain's ticket at the last block at or before epoch `at`. Known are the epochs
   * height − ticketLookbackEpochs ≤ at < height; others revert with `randomnessOutOfRange`.
   */
  rand(at: Epoch, tag: string, entropy: Uint8Array): Uint8Array;

  /** Strict decoding of a caller's bytes; reverts with `invalidParams`. */
  decodeParams<T>(codec: Codec<T>, bytes: Uint8Array): T;
  /** Ends this call: its changes are dropped and the caller sees the exit code. */
  fail(exitCode: number, text: string): never;
}

/**
 * Who may call a method: anyone (default), accounts, the VM itself (implicit messages of a tipset), or
 * one built-in actor. Others get `notAuthorized` before the parameters are even decoded.
 */
export type Access = "anyone" | "account" | "system" | { readonly builtin: keyof BuiltinAddresses };

export interface ActorMethod<P, R> {
  readonly params: Codec<P>;
  readonly returns: Codec<R>;
  readonly access?: Access;
  /** A method that is not payable fails with `notPayable` when value is attached (default: not payable). */
  readonly payable?: boolean;
  run(ctx: ActorContext, params: P): R;
}

/** A method whose types are hidden behind its own codecs, as the dispatcher sees it. */
export interface AnyMethod {
  readonly params: Codec<unknown>;
  readonly returns: Codec<unknown>;
  readonly access: Access;
  readonly payable: boolean;
  /** Decodes, runs, encodes. `decodeParams` reverts with `invalidParams`. */
  invoke(ctx: ActorContext, params: Uint8Array): Uint8Array;
}

export interface ActorCode {
  readonly name: string;
  /** Raw sha2-256 CID of the ASCII name. */
  readonly cid: CID;
  /** "" is handled by the VM and never in this table. */
  readonly methods: ReadonlyMap<string, AnyMethod>;
  /** Run by `createNewActor` only. Absent: the actor cannot be created by a message. */
  readonly constructorMethod: AnyMethod | undefined;
}
