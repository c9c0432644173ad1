/**
 * One call of one actor, possibly nested: value transfer, dispatch through the method table, revert. Source:
 * the VM of go-filecoin 2019, without its flaws of design: a revert always carries a code other than 0, only
 * the table is dispatched on, and a running actor is never entered a second time.
 */
import type { Address, AttoFil, Nonce } from "@holdfast/base";
import { assert, subAtto, zeroAtto } from "@holdfast/base";
import { maxReturnBytes } from "../types/receipt.ts";
import { codeNames } from "../types/builtins.ts";
import { isEmptyCode } from "./codes.ts";
import { CallContext } from "./call-context.ts";
import type { AnyMethod } from "./context.ts";
import { vmExitCodes } from "./exit-codes.ts";
import type { GasMeter } from "./gas.ts";
import { gasSchedule } from "./gas.ts";
import type { Machine } from "./machine.ts";
import { codeNameAt, credit } from "./machine.ts";

/** Nested calls, the outermost included. */
export const maxCallDepth = 16;

/** The state of one outermost message while it runs. */
export interface Execution {
  readonly machine: Machine;
  readonly gas: GasMeter;
  readonly origin: Address;
  readonly nonce: Nonce;
  /** An implicit message of the VM itself. */
  readonly system: boolean;
  /** Actors whose methods are running. */
  readonly running: Set<Address>;
  /** Actors created so far in this message. */
  creations: number;
  depth: number;
}

export interface Call {
  readonly from: Address;
  readonly to: Address;
  readonly value: AttoFil;
  readonly method: string;
  readonly params: Uint8Array;
}

export interface CallResult {
  readonly exitCode: number;
  readonly returns: Uint8Array;
  /** Why it failed, for people; not part of the state. */
  readonly text: string;
}

/** Ends a call with an exit code; caught by the VM at the boundary of that call. */
export class ActorRevert extends Error {
  override readonly name = "ActorRevert";
  readonly exitCode: number;

  constructor(exitCode: number, text: string) {
    super(text);
    assert(Number.isInteger(exitCode) && exitCode > 0 && exitCode <= 0xffff, "a revert has an exit code");
    this.exitCode = exitCode;
  }
}

const nothing = new Uint8Array(0);

/** Runs a call in its own layer of the state. Throws `OutOfGas` and faults, after dropping the layer. */
export function runCall(execution: Execution, call: Call): CallResult {
  return guarded(execution, () => {
    transfer(execution, call);
    if (call.method === "") return nothing;
    const method = findMethod(execution.machine, call);
    return invoke(execution, call, method);
  });
}

/** Runs a constructor on a record that was just installed at `call.to`. */
export function runConstructor(execution: Execution, call: Call, constructor: AnyMethod): CallResult {
  return guarded(execution, () => invoke(execution, call, constructor));
}

function guarded(execution: Execution, run: () => Uint8Array): CallResult {
  const { tree } = execution.machine;
  const snapshot = tree.snapshot();
  execution.depth += 1;
  try {
    const returns = run();
    tree.commit(snapshot);
    return { exitCode: vmExitCodes.ok, returns, text: "" };
  } catch (error) {
    tree.revert(snapshot);
    if (error instanceof ActorRevert) return { exitCode: error.exitCode, returns: nothing, text: error.message };
    throw error;
  } finally {
    execution.depth -= 1;
  }
}

function transfer(execution: Execution, call: Call): void {
  const { tree } = execution.machine;
  if (call.value < 0n) throw new ActorRevert(vmExitCodes.negativeValue, "a transfer cannot be negative");
  if (call.value === zeroAtto) return;
  execution.gas.charge(gasSchedule.transfer);
  const sender = tree.get(call.from);
  if (sender === undefined || sender.balance < call.value) {
    throw new ActorRevert(
      vmExitCodes.insufficientBalance,
      `${call.from} holds ${sender?.balance ?? 0n} attoFIL, less than the ${call.value} to transfer`,
    );
  }
  tree.set(call.from, { ...sender, balance: subAtto(sender.balance, call.value) });
  credit(tree, call.to, call.value);
}

function findMethod(machine: Machine, call: Call): AnyMethod {
  const record = machine.tree.get(call.to);
  if (record === undefined || isEmptyCode(record.code)) {
    throw new ActorRevert(vmExitCodes.noActorCode, `there is no actor with code at ${call.to}`);
  }
  const code = machine.codes.ofCid(record.code);
  assert(code !== undefined, `the code ${record.code} of ${call.to} is registered`);
  const method = code.methods.get(call.method);
  if (method === undefined) {
    throw new ActorRevert(vmExitCodes.unknownMethod, `${code.name} has no method ${call.method}`);
  }
  return method;
}

function invoke(execution: Execution, call: Call, method: AnyMethod): Uint8Array {
  execution.gas.charge(gasSchedule.call + gasSchedule.paramByte * call.params.length);
  if (execution.running.has(call.to)) {
    throw new ActorRevert(vmExitCodes.reentrantCall, `${call.to} is still running`);
  }
  checkAccess(execution, call, method);
  if (call.value > 0n && !method.payable) {
    throw new ActorRevert(vmExitCodes.notPayable, `${call.method} does not take money`);
  }
  execution.running.add(call.to);
  try {
    const returns = method.invoke(new CallContext(execution, call), call.params);
    if (returns.length > maxReturnBytes) {
      throw new ActorRevert(vmExitCodes.returnTooLarge, `${call.method} returned ${returns.length} bytes`);
    }
    return returns;
  } finally {
    execution.running.delete(call.to);
  }
}

function checkAccess(execution: Execution, call: Call, method: AnyMethod): void {
  const { access } = method;
  if (access === "anyone") return;
  const isAllowed =
    access === "account"
      ? codeNameAt(execution.machine, call.from) === codeNames.account
      : access === "system"
        ? execution.system && execution.depth === 1
        : call.from === execution.machine.builtins[access.builtin];
  if (!isAllowed) throw new ActorRevert(vmExitCodes.notAuthorized, `${call.from} may not call ${call.method}`);
}
