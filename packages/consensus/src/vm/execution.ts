/** The state of one outermost message while it runs, shared by all its nested calls. */
import type { Address, AttoFil, Nonce } from "@holdfast/base";
import { assert, defaultCborLimits } from "@holdfast/base";
import type { Verifier } from "@holdfast/proofs/verify";
import type { AnyMethod } from "./context.ts";
import type { GasMeter } from "./gas.ts";
import type { Machine } from "./machine.ts";

/** Nested calls, the outermost included. */
export const maxCallDepth = 16;
/** Longest object of a state (bytes): what the codec reads back. */
export const maxStateObjectBytes: number = defaultCborLimits.maxBytes;

/** Exit codes are 16 bits of a receipt. */
export const maxExitCode = 0xffff;

export interface Call {
  readonly from: Address;
  readonly to: Address;
  readonly value: AttoFil;
  readonly method: string;
  readonly params: Uint8Array;
}

export interface CallResult {
  readonly exitCode: number;
  /** Empty on failure. */
  readonly returns: Uint8Array;
  /** Why it failed, for people; not part of the state. */
  readonly text: string;
}

export interface Execution {
  readonly machine: Machine;
  readonly gas: GasMeter;
  /** The machine's, in an object that nobody can change. */
  readonly verifier: Verifier;
  /** Sender of the outermost message, and its nonce. */
  readonly origin: Address;
  readonly nonce: Nonce;
  /** An implicit message of the VM itself. */
  readonly system: boolean;
  /** Actors whose methods are running. */
  readonly running: Set<Address>;
  /** Addresses for new actors given out so far in this message. */
  creations: number;
  depth: number;
  /** Runs a call in its own layer of the state. Throws `OutOfGas` and faults, after dropping the layer. */
  call(call: Call): CallResult;
  /** The same for the constructor of a record that was just installed at `call.to`. */
  construct(call: Call, method: AnyMethod): CallResult;
}

/** Ends a call with an exit code; caught by the VM at the boundary of that call. */
export class ActorRevert extends Error {
  override readonly name = "ActorRevert";
  readonly exitCode: number;

  constructor(exitCode: number, text: string) {
    super(text);
    assert(
      Number.isInteger(exitCode) && exitCode > 0 && exitCode <= maxExitCode,
      "a revert has an exit code",
    );
    this.exitCode = exitCode;
  }
}
