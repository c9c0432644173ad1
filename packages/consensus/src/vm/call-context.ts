/**
 * The context of one call: everything that an actor reads, changes or asks goes through here and is charged.
 * Invariants: a call that has failed or run out of gas ends so, even if its actor catches what was thrown; a
 * context is of no use once its call has ended.
 */
import type { Address, AttoFil, Blockstore, CID, Codec, Epoch } from "@holdfast/base";
import {
  assert,
  createdAddress,
  decode,
  getObject,
  HoldfastError,
  nonce,
  putObject,
  zeroAtto,
} from "@holdfast/base";
import type { Verifier } from "@holdfast/proofs/verify";
import type { ActorRecord } from "../types/actor.ts";
import type { BuiltinAddresses } from "../types/builtins.ts";
import { codeNames } from "../types/builtins.ts";
import { maxParamBytes } from "../types/message.ts";
import type { NetworkParams } from "../types/params.ts";
import { isEmptyCode } from "./codes.ts";
import type { ActorContext, CallMessage, SendResult } from "./context.ts";
import type { Call, Execution } from "./execution.ts";
import { ActorRevert, maxCallDepth } from "./execution.ts";
import { vmExitCodes } from "./exit-codes.ts";
import type { GasMeter, ProofKind, SnarkWork } from "./gas.ts";
import { gasSchedule, proofGas } from "./gas.ts";
import { codeNameAt, newRecord } from "./machine.ts";
import type { StateTree } from "./state-tree.ts";

/** Tag and entropy of a request for randomness (bytes). */
const maxEntropyBytes = 1024;

export class CallContext implements ActorContext {
  readonly #execution: Execution;
  readonly #self: Address;
  readonly message: CallMessage;
  readonly store: Blockstore;
  #failure: ActorRevert | undefined;
  #isOver = false;

  constructor(execution: Execution, call: Call) {
    this.#execution = execution;
    this.#self = call.to;
    this.message = {
      from: call.from,
      to: call.to,
      value: call.value,
      method: call.method,
      nonce: execution.nonce,
    };
    this.store = chargedStore(execution.machine.tree, execution.gas, () => this.#assertRunning());
  }

  /** Throws the failure or the lack of gas that the call's actor has caught. */
  settle(): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#execution.gas.assertNotExhausted();
  }

  /** The call is over, however it ended. */
  end(): void {
    this.#isOver = true;
  }

  #assertRunning(): void {
    assert(!this.#isOver, "an actor does nothing after its call");
  }

  get height(): Epoch {
    return this.#execution.machine.height;
  }
  get params(): NetworkParams {
    return this.#execution.machine.env.params;
  }
  get version(): number {
    return this.#execution.machine.version;
  }
  get networkId(): Uint8Array {
    return this.#execution.machine.env.networkId;
  }
  get builtins(): BuiltinAddresses {
    return this.#execution.machine.builtins;
  }
  get verifier(): Verifier {
    return this.#execution.machine.env.verifier;
  }

  get #record(): ActorRecord {
    this.#assertRunning();
    const record = this.#execution.machine.tree.get(this.#self);
    assert(record !== undefined, `the running actor ${this.#self} has a record`);
    return record;
  }

  readState<T>(codec: Codec<T>): T {
    const { head } = this.#record;
    assert(head !== null, `the actor ${this.#self} has a state`);
    return getObject(this.store, codec, head);
  }

  hasState(): boolean {
    return this.#record.head !== null;
  }

  writeState<T>(codec: Codec<T>, value: T): void {
    this.#assertRunning();
    const head = putObject(this.store, codec, value);
    this.#execution.machine.tree.set(this.#self, { ...this.#record, head });
  }

  balance(): AttoFil {
    return this.#record.balance;
  }

  charge(units: number): void {
    this.#execution.gas.charge(units);
  }

  chargeProof(kind: ProofKind, sizeBytes: number, snarks?: SnarkWork): void {
    this.#execution.gas.charge(proofGas(kind, sizeBytes, snarks));
  }

  isFromAccountActor(): boolean {
    return this.codeNameOf(this.message.from) === codeNames.account;
  }

  send(to: Address, method: string, value: AttoFil, params: Uint8Array): SendResult {
    this.#assertRunning();
    const execution = this.#execution;
    execution.gas.charge(gasSchedule.nestedSend);
    const refused = (exitCode: number): SendResult => ({ exitCode, returns: new Uint8Array(0) });
    if (to === this.#self) return refused(vmExitCodes.selfSend);
    if (execution.depth >= maxCallDepth) return refused(vmExitCodes.callDepth);
    const { exitCode, returns } = execution.call({ from: this.#self, to, value, method, params });
    return { exitCode, returns };
  }

  addressForNewActor(): Address {
    const execution = this.#execution;
    const first = createdAddress(execution.origin, execution.nonce);
    const count = execution.creations;
    execution.creations += 1;
    return count === 0 ? first : createdAddress(first, nonce(count));
  }

  createNewActor(address: Address, codeName: string, constructorParams: Uint8Array): void {
    this.#assertRunning();
    const execution = this.#execution;
    const { machine } = execution;
    execution.gas.charge(gasSchedule.newActor);
    const before = machine.tree.get(address);
    if (before !== undefined && !isEmptyCode(before.code)) {
      this.fail(vmExitCodes.actorExists, `there is already an actor at ${address}`);
    }
    if (execution.depth >= maxCallDepth) this.fail(vmExitCodes.callDepth, "calls are nested too deeply");
    const code = machine.codes.ofName(codeName);
    assert(code?.constructorMethod !== undefined, `the code ${codeName} can be created`);
    machine.tree.set(address, newRecord(code.cid, before?.balance ?? zeroAtto));
    const call = { from: this.#self, to: address, value: zeroAtto, method: "", params: constructorParams };
    const result = execution.construct(call, code.constructorMethod);
    if (result.exitCode !== vmExitCodes.ok) this.fail(result.exitCode, result.text);
  }

  codeNameOf(address: Address): string | undefined {
    this.#execution.gas.charge(gasSchedule.stateReadObject);
    return codeNameAt(this.#execution.machine, address);
  }

  rand(at: Epoch, tag: string, entropy: Uint8Array): Uint8Array {
    const { height, params } = this;
    this.#execution.gas.charge(gasSchedule.randomness);
    assert(tag.length + entropy.length <= maxEntropyBytes, "tag and entropy of a draw are short");
    const earliest = Math.max(0, height - params.ticketLookbackEpochs);
    if (!Number.isSafeInteger(at) || at < earliest || at >= height) {
      const text = `epoch ${at} is not among ${earliest}…${height - 1}`;
      this.fail(vmExitCodes.randomnessOutOfRange, text);
    }
    const bytes = this.#execution.machine.env.randomness(at, tag, entropy);
    assert(bytes.length === 32, "randomness has 32 bytes");
    return bytes;
  }

  decodeParams<T>(codec: Codec<T>, bytes: Uint8Array): T {
    try {
      return decode(codec, bytes, { maxBytes: maxParamBytes });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      return this.fail(vmExitCodes.invalidParams, `${codec.name}: ${error.message}`);
    }
  }

  fail(exitCode: number, text: string): never {
    this.#failure = new ActorRevert(exitCode, text);
    throw this.#failure;
  }
}

/** The objects of the state with every read and write charged before its bytes are used. */
function chargedStore(tree: StateTree, gas: GasMeter, assertRunning: () => void): Blockstore {
  return {
    get(cid: CID): Uint8Array | undefined {
      assertRunning();
      gas.charge(gasSchedule.stateReadObject);
      const bytes = tree.objects.get(cid);
      if (bytes !== undefined) gas.charge(gasSchedule.stateRead16Bytes * Math.ceil(bytes.length / 16));
      return bytes;
    },
    put(cid: CID, bytes: Uint8Array): void {
      assertRunning();
      gas.charge(gasSchedule.stateWriteObject + gasSchedule.stateWriteByte * bytes.length);
      tree.objects.put(cid, bytes);
    },
    has(cid: CID): boolean {
      assertRunning();
      gas.charge(gasSchedule.stateReadObject);
      return tree.objects.has(cid);
    },
  };
}
