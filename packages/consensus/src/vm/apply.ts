/**
 * One message from outside, or one of the VM's own. Invariants: an applied message always raises the sender's
 * nonce by one and pays for its gas, whether it took effect or not; the fee never exceeds what was reserved
 * before it ran, so no spending inside the call can make the fee fail; no attoFIL appears or vanishes.
 */
import type { Address, AttoFil } from "@holdfast/base";
import { addAtto, assert, gasUnits, mulAtto, nonce, subAtto, zeroAtto } from "@holdfast/base";
import { stateErrors } from "../errors.ts";
import type { Message } from "../types/message.ts";
import type { Receipt } from "../types/receipt.ts";
import { createExecution } from "./call.ts";
import { accountCode, isAccountCode, isEmptyCode } from "./codes.ts";
import type { Call, CallResult, Execution } from "./execution.ts";
import { vmExitCodes } from "./exit-codes.ts";
import { GasMeter, inclusionGas, OutOfGas, unlimitedGas } from "./gas.ts";
import type { Machine } from "./machine.ts";
import { credit, newRecord } from "./machine.ts";

export interface AppliedMessage {
  readonly receipt: Receipt;
  /** Paid to the block miner's owner. */
  readonly fee: AttoFil;
  /** Why it failed, for people; empty on success. */
  readonly text: string;
}

const nothing = new Uint8Array(0);

/** Runs a call as an outermost message; running out of gas becomes an exit code here and nowhere else. */
function runOutermost(
  execution: Execution,
  call: Call,
  inclusion: number,
): CallResult & { readonly gasUsed: number } {
  const { gas } = execution;
  try {
    gas.charge(inclusion);
    return { ...execution.call(call), gasUsed: gas.used };
  } catch (error) {
    if (!(error instanceof OutOfGas)) throw error;
    return { exitCode: vmExitCodes.outOfGas, returns: nothing, text: error.message, gasUsed: gas.limit };
  }
}

/**
 * Applies a message that passed `checkMessage` and `checkAgainstState`. `messageBytes` is the size of the
 * signed message. The fee goes to `feeTo`, the owner of the block's miner.
 */
export function applyChecked(
  machine: Machine,
  message: Message,
  messageBytes: number,
  feeTo: Address,
): AppliedMessage {
  const { tree } = machine;
  const before = tree.get(message.from);
  const reserve = mulAtto(message.gasPrice, message.gasLimit);
  assert(
    before !== undefined && before.nonce === message.nonce && before.balance >= reserve + message.value,
    "the message was checked against this state",
  );
  tree.set(message.from, {
    code: accountCode.cid,
    head: null,
    nonce: nonce(before.nonce + 1),
    balance: subAtto(before.balance, reserve),
  });
  const origin = { address: message.from, nonce: message.nonce, system: false };
  const execution = createExecution(machine, new GasMeter(message.gasLimit), origin);
  const result = runOutermost(execution, message, inclusionGas(machine.env.params.gas, messageBytes));
  const fee = mulAtto(message.gasPrice, result.gasUsed);
  credit(tree, message.from, subAtto(reserve, fee));
  credit(tree, feeTo, fee);
  const { exitCode, returns, gasUsed } = result;
  return { receipt: { exitCode, returns, gasUsed: gasUnits(gasUsed) }, fee, text: result.text };
}

export interface ImplicitCall {
  readonly to: Address;
  readonly method: string;
  readonly params: Uint8Array;
}

/** A call by the VM itself: without a limit, a nonce or a fee. */
export function callImplicit(machine: Machine, call: ImplicitCall): CallResult {
  const from = machine.builtins.init;
  const origin = { address: from, nonce: nonce(0), system: true };
  const execution = createExecution(machine, new GasMeter(unlimitedGas), origin);
  return runOutermost(execution, { from, value: zeroAtto, ...call }, 0);
}

/** A step of the network that cannot fail: `state/implicit-message-failed` aborts the tipset. */
export function applyImplicit(machine: Machine, call: ImplicitCall): Uint8Array {
  const { exitCode, returns, text } = callImplicit(machine, call);
  if (exitCode !== vmExitCodes.ok) {
    throw stateErrors.implicitMessageFailed({ method: call.method, exitCode, text });
  }
  return returns;
}

export interface ReadOnlyCall {
  readonly to: Address;
  readonly method: string;
  readonly params: Uint8Array;
  /** Absent: some account that holds exactly the value. It need not exist. */
  readonly from?: Address;
  readonly value?: AttoFil;
  /** Default: the gas limit of a block. */
  readonly gasLimit?: number;
}

export interface ReadOnlyResult {
  readonly exitCode: number;
  readonly returns: Uint8Array;
  /** What a message would use, without the cost of its own bytes. */
  readonly gasUsed: number;
  /** Why it failed, for people; empty on success. */
  readonly text: string;
}

/**
 * Runs a call on a machine whose tree is thrown away afterwards. The caller counts as an account; nobody can
 * ask in the name of an actor (`notAuthorized`), because actors trust each other.
 */
export function applyReadOnly(machine: Machine, anonymous: Address, call: ReadOnlyCall): ReadOnlyResult {
  const { tree, env } = machine;
  const value = call.value ?? zeroAtto;
  const from = call.from ?? anonymous;
  const known = tree.get(from);
  if (known !== undefined && !isAccountCode(known.code) && !isEmptyCode(known.code)) {
    const text = `${from} is an actor; only accounts send messages`;
    return { exitCode: vmExitCodes.notAuthorized, returns: nothing, gasUsed: 0, text };
  }
  if (call.from === undefined) {
    tree.set(from, newRecord(accountCode.cid, addAtto(known?.balance ?? zeroAtto, value)));
  } else if (known === undefined || isEmptyCode(known.code)) {
    tree.set(from, { ...(known ?? newRecord(accountCode.cid, zeroAtto)), code: accountCode.cid });
  }
  const origin = { address: from, nonce: known?.nonce ?? nonce(0), system: false };
  const execution = createExecution(machine, new GasMeter(call.gasLimit ?? env.params.blockGasLimit), origin);
  const { to, method, params } = call;
  return runOutermost(execution, { from, to, value, method, params }, 0);
}
