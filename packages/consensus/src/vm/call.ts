/**
 * One call of one actor, possibly nested: value transfer, dispatch through the method table, revert. Source:
 * the VM of go-filecoin 2019, without its flaws of design: a revert always carries a code other than 0, only
 * the table is dispatched on, and a running actor is never entered a second time.
 */
import type { Address, Nonce } from "@holdfast/base";
import { assert, subAtto, zeroAtto } from "@holdfast/base";
import type { Verifier } from "@holdfast/proofs/verify";
import { codeNames } from "../types/builtins.ts";
import { maxReturnBytes } from "../types/receipt.ts";
import { CallContext } from "./call-context.ts";
import { isEmptyCode } from "./codes.ts";
import type { AnyMethod } from "./context.ts";
import type { Call, CallResult, Execution } from "./execution.ts";
import { ActorRevert } from "./execution.ts";
import { vmExitCodes } from "./exit-codes.ts";
import type { GasMeter } from "./gas.ts";
import type { Machine } from "./machine.ts";
import { codeNameAt, credit } from "./machine.ts";

const nothing = new Uint8Array(0);

/** The execution of one outermost message by `origin`, before anything has run. */
export function createExecution(
  machine: Machine,
  gas: GasMeter,
  origin: { readonly address: Address; readonly nonce: Nonce; readonly system: boolean },
): Execution {
  const { verifier } = machine.env;
  const execution: Execution = {
    machine,
    gas,
    verifier: Object.freeze<Verifier>({
      verifySeal: (statement) => verifier.verifySeal(statement),
      verifyPost: (statement) => verifier.verifyPost(statement),
      verifyPieceInclusion: (statement) => verifier.verifyPieceInclusion(statement),
    }),
    origin: origin.address,
    nonce: origin.nonce,
    system: origin.system,
    running: new Set(),
    creations: 0,
    depth: 0,
    call: (call) => runCall(execution, call),
    construct: (call, method) => guarded(execution, () => invoke(execution, call, method)),
  };
  return execution;
}

/** Runs a call in its own layer of the state. Throws `OutOfGas` and faults, after dropping the layer. */
function runCall(execution: Execution, call: Call): CallResult {
  return guarded(execution, () => {
    transfer(execution, call);
    if (call.method === "") return nothing;
    const method = findMethod(execution.machine, call);
    return invoke(execution, call, method);
  });
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
    if (error instanceof ActorRevert)
      return { exitCode: error.exitCode, returns: nothing, text: error.message };
    throw error;
  } finally {
    execution.depth -= 1;
  }
}

function transfer(execution: Execution, call: Call): void {
  const { tree } = execution.machine;
  if (typeof call.value !== "bigint")
    throw new ActorRevert(vmExitCodes.illegalCall, "the value is no amount");
  if (call.value < 0n) throw new ActorRevert(vmExitCodes.negativeValue, "a transfer cannot be negative");
  if (call.value === zeroAtto) return;
  const prices = execution.machine.env.params.gas;
  execution.gas.charge(prices.transfer);
  const sender = tree.get(call.from);
  if (sender === undefined || sender.balance < call.value) {
    throw new ActorRevert(
      vmExitCodes.insufficientBalance,
      `${call.from} holds ${sender?.balance ?? 0n} attoFIL, less than the ${call.value} to transfer`,
    );
  }
  if (tree.get(call.to) === undefined) execution.gas.charge(prices.newActor);
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
  const prices = execution.machine.env.params.gas;
  execution.gas.charge(prices.call + prices.paramByte * call.params.length);
  if (execution.running.has(call.to)) {
    throw new ActorRevert(vmExitCodes.reentrantCall, `${call.to} is still running`);
  }
  checkAccess(execution, call, method);
  if (call.value > 0n && !method.payable) {
    throw new ActorRevert(vmExitCodes.notPayable, `${call.method} does not take money`);
  }
  execution.running.add(call.to);
  const context = new CallContext(execution, call);
  try {
    const returns = method.invoke(context, call.params);
    context.settle();
    if (returns.length > maxReturnBytes) {
      throw new ActorRevert(vmExitCodes.returnTooLarge, `${call.method} returned ${returns.length} bytes`);
    }
    execution.gas.charge(prices.returnByte * returns.length);
    return returns;
  } finally {
    context.end();
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
  if (!isAllowed)
    throw new ActorRevert(vmExitCodes.notAuthorized, `${call.from} may not call ${call.method}`);
}
