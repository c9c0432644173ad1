/**
 * The context of one call: everything that an actor reads, changes or asks goes through here and is charged.
 * Invariants: a call that has failed or run out of gas ends so, even if its actor catches what was thrown; a
 * context is of no use once its call has ended.
 */
import type { Address, AttoFil, Blockstore, CID, Codec, Epoch } from "@holdfast/base";
import {
  addressBytes,
  addressFromBytes,
  addressNetwork,
  assert,
  cidOfCbor,
  createdAddress,
  decode,
  encode,
  getObject,
  HoldfastError,
  nonce,
  zeroAddress,
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
import { ActorRevert, maxCallDepth, maxExitCode, maxStateObjectBytes } from "./execution.ts";
import { vmExitCodes } from "./exit-codes.ts";
import type { ProofKind, ProofWork } from "./gas.ts";
import { proofGas } from "./gas.ts";
import { codeNameAt, newRecord } from "./machine.ts";

const zeroes: [Address, Address] = [zeroAddress(0), zeroAddress(1)];
const zeroOf = (network: 0 | 1): Address => zeroes[network];

function isAddress(address: Address): boolean {
  try {
    return addressFromBytes(addressBytes(address)) === address;
  } catch {
    return false;
  }
}

/** Tag and entropy of a request for randomness (bytes). */
const maxEntropyBytes = 1024;

export class CallContext implements ActorContext {
  readonly #execution: Execution;
  readonly #self: Address;
  readonly message: CallMessage;
  readonly store: Blockstore;
  readonly verifier: Verifier;
  #failure: ActorRevert | undefined;
  #isOver = false;
  /** While a call that this one has made runs. */
  #isWaiting = false;

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
    this.store = chargedStore(execution, {
      assertRunning: () => this.#assertRunning(),
      check: (cid, bytes) => this.#checkObject(cid, bytes),
    });
    this.verifier = execution.verifier;
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
    if (this.#isOver) throw new ActorRevert(vmExitCodes.illegalCall, "an actor does nothing after its call");
    if (this.#isWaiting) this.#refuse("an actor does nothing while it waits for another");
  }

  #refuse(text: string): never {
    return this.fail(vmExitCodes.illegalCall, text);
  }

  /** What could not be read back is not written, nor anything under a name that is not its own. */
  #checkObject(cid: CID, bytes: Uint8Array): void {
    if (bytes.length > maxStateObjectBytes) {
      const text = `an object of ${bytes.length} bytes, at most ${maxStateObjectBytes} are possible`;
      this.fail(vmExitCodes.stateTooLarge, text);
    }
    if (!cid.equals(cidOfCbor(bytes))) this.#refuse(`${cid} does not name these bytes`);
  }

  /** An account of another network, or none at all, can never spend what it is sent. */
  #isReceiver(address: Address): boolean {
    const { networkByte } = this.params;
    return isAddress(address) && addressNetwork(address) === networkByte && address !== zeroOf(networkByte);
  }

  /** Runs another actor's call; this one does nothing meanwhile. */
  #waiting<Result>(call: () => Result): Result {
    this.#isWaiting = true;
    try {
      return call();
    } finally {
      this.#isWaiting = false;
    }
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
    return new Uint8Array(this.#execution.machine.env.networkId);
  }
  get builtins(): BuiltinAddresses {
    return this.#execution.machine.builtins;
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
    const bytes = encode(codec, value);
    const head = cidOfCbor(bytes);
    this.store.put(head, bytes);
    this.#execution.machine.tree.set(this.#self, { ...this.#record, head });
  }

  balance(): AttoFil {
    return this.#record.balance;
  }

  chargeSectors(count: number): void {
    this.charge(this.params.gas.sector * count);
  }

  charge(units: number): void {
    this.#assertRunning();
    if (!Number.isSafeInteger(units) || units < 0) this.#refuse(`a charge of ${units} units`);
    this.#execution.gas.charge(units);
  }

  chargeProof(kind: ProofKind, sizeBytes: number, work?: ProofWork): void {
    this.charge(proofGas(this.params.gas, kind, sizeBytes, work));
  }

  isFromAccountActor(): boolean {
    return this.codeNameOf(this.message.from) === codeNames.account;
  }

  send(to: Address, method: string, value: AttoFil, params: Uint8Array): SendResult {
    this.#assertRunning();
    const execution = this.#execution;
    const { nestedSend, actorLookup } = this.params.gas;
    execution.gas.charge(nestedSend + actorLookup);
    const refused = (exitCode: number): SendResult => ({ exitCode, returns: new Uint8Array(0) });
    if (to === this.#self) return refused(vmExitCodes.selfSend);
    if (!this.#isReceiver(to)) return refused(vmExitCodes.invalidReceiver);
    if (execution.depth >= maxCallDepth) return refused(vmExitCodes.callDepth);
    const call = { from: this.#self, to, value, method, params };
    const { exitCode, returns } = this.#waiting(() => execution.call(call));
    return { exitCode, returns };
  }

  addressForNewActor(): Address {
    this.charge(this.params.gas.call);
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
    execution.gas.charge(this.params.gas.newActor);
    if (!this.#isReceiver(address)) this.fail(vmExitCodes.invalidReceiver, `no actor can be at ${address}`);
    const before = machine.tree.get(address);
    if (before !== undefined && !isEmptyCode(before.code)) {
      this.fail(vmExitCodes.actorExists, `there is already an actor at ${address}`);
    }
    if (execution.depth >= maxCallDepth) this.fail(vmExitCodes.callDepth, "calls are nested too deeply");
    const code = machine.codes.ofName(codeName);
    const method =
      code?.constructorMethod ?? this.#refuse(`no actor with the code ${codeName} can be created`);
    assert(code !== undefined, "a constructor belongs to a code");
    machine.tree.set(address, newRecord(code.cid, before?.balance ?? zeroAtto));
    const call = { from: this.#self, to: address, value: zeroAtto, method: "", params: constructorParams };
    const result = this.#waiting(() => execution.construct(call, method));
    if (result.exitCode !== vmExitCodes.ok) this.fail(result.exitCode, result.text);
  }

  codeNameOf(address: Address): string | undefined {
    this.charge(this.params.gas.actorLookup);
    return isAddress(address) ? codeNameAt(this.#execution.machine, address) : undefined;
  }

  rand(at: Epoch, tag: string, entropy: Uint8Array): Uint8Array {
    const { height, params } = this;
    this.charge(params.gas.randomness);
    if (tag.length + entropy.length > maxEntropyBytes) this.#refuse("tag and entropy of a draw are short");
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
      // A copy: what is decoded may point into it, and the message is not the actor's to change.
      return decode(codec, new Uint8Array(bytes), { maxBytes: maxParamBytes });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      return this.fail(vmExitCodes.invalidParams, `${codec.name}: ${error.message}`);
    }
  }

  fail(exitCode: number, text: string): never {
    const isCode = Number.isInteger(exitCode) && exitCode > 0 && exitCode <= maxExitCode;
    this.#failure = isCode
      ? new ActorRevert(exitCode, text)
      : new ActorRevert(vmExitCodes.illegalCall, `${exitCode} is no exit code of a failure: ${text}`);
    throw this.#failure;
  }
}

/** The objects of the state with every read and write charged before its bytes are used. */
function chargedStore(
  { machine, gas }: Execution,
  {
    assertRunning,
    check,
  }: { readonly assertRunning: () => void; readonly check: (cid: CID, bytes: Uint8Array) => void },
): Blockstore {
  const { tree } = machine;
  const prices = machine.env.params.gas;
  return {
    get(cid: CID): Uint8Array | undefined {
      assertRunning();
      gas.charge(prices.stateReadObject);
      const bytes = tree.objects.get(cid);
      if (bytes === undefined) return undefined;
      gas.charge(prices.stateReadByte * bytes.length);
      return new Uint8Array(bytes); // the store's own are nobody's to change
    },
    put(cid: CID, bytes: Uint8Array): void {
      assertRunning();
      check(cid, bytes);
      gas.charge(prices.stateWriteObject + prices.stateWriteByte * bytes.length);
      tree.objects.put(cid, new Uint8Array(bytes));
    },
    has(cid: CID): boolean {
      assertRunning();
      gas.charge(prices.stateReadObject);
      return tree.objects.has(cid);
    },
  };
}
