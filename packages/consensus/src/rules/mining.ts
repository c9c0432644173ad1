/**
 * Filling a block: candidates are tried in the order given (the mempool's), on the same path that every
 * verifier takes later. A candidate that cannot be applied is left out with the reason, and a defect of an
 * actor that one message reveals costs that message its place, not the miner its block.
 */
import type { Address, Blockstore, CID, Epoch } from "@holdfast/base";
import { BufferedBlockstore, HoldfastError } from "@holdfast/base";
import { messageErrors } from "../errors.ts";
import type { SignedMessage } from "../types/message.ts";
import { messageBytes, messageCid } from "../types/message.ts";
import type { Receipt } from "../types/receipt.ts";
import type { AppliedMessage } from "../vm/apply.ts";
import { applyChecked } from "../vm/apply.ts";
import type { Env } from "../vm/env.ts";
import type { Machine } from "../vm/machine.ts";
import { messagesRoot, receiptsRoot } from "./body.ts";
import { checkAgainstState, checkMessage, isPermanentRejection } from "./message-checks.ts";
import { startBlock, startRun } from "./transition.ts";

export interface MiningInput {
  readonly store: Blockstore;
  /** State of the parent tipset. */
  readonly parentState: CID;
  readonly miner: Address;
  readonly height: Epoch;
  /** In the order in which they shall be tried. */
  readonly candidates: readonly SignedMessage[];
  readonly env: Env;
  /** Bound of the messages' encoded sizes together (bytes), for the network's frame. */
  readonly maxBodyBytes?: number;
}

export interface RejectedMessage {
  readonly cid: CID;
  /** True if the message can never be applied, so that the pool drops it. */
  readonly permanent: boolean;
  /** Code of the error, for example `message/nonce-too-high`. */
  readonly reason: string;
  readonly text: string;
}

export interface MiningResult {
  readonly included: readonly SignedMessage[];
  readonly receipts: readonly Receipt[];
  readonly stateRoot: CID;
  readonly messagesRoot: CID;
  readonly receiptsRoot: CID;
  readonly rejected: readonly RejectedMessage[];
  readonly gasUsed: number;
}

class BlockSpace {
  #gas: number;
  #messages: number;
  #bytes: number;

  constructor(gas: number, messages: number, bytes: number) {
    this.#gas = gas;
    this.#messages = messages;
    this.#bytes = bytes;
  }

  /** `message/block-full` if there is no room for the message. */
  check(signed: SignedMessage): HoldfastError | undefined {
    const { gasLimit } = signed.message;
    if (gasLimit <= this.#gas && this.#messages > 0 && messageBytes(signed) <= this.#bytes) return undefined;
    return messageErrors.blockFull({ gasLimit, left: this.#messages > 0 ? this.#gas : 0 });
  }

  take(signed: SignedMessage): void {
    this.#gas -= signed.message.gasLimit;
    this.#messages -= 1;
    this.#bytes -= messageBytes(signed);
  }
}

/**
 * Executes what fits of the candidates and stores the resulting state. `block/unknown-miner` and
 * `state/implicit-message-failed` as for any block.
 */
export function executeForMining(input: MiningInput): MiningResult {
  const { store, parentState, miner, height, candidates, env } = input;
  const machine = startRun(store, parentState, env, height);
  const { params } = machine.env;
  const feeTo = startBlock(machine, miner);
  const space = new BlockSpace(
    params.blockGasLimit,
    params.maxBlockMessages,
    input.maxBodyBytes ?? Number.MAX_SAFE_INTEGER,
  );
  const included: SignedMessage[] = [];
  const receipts: Receipt[] = [];
  const rejected: RejectedMessage[] = [];
  for (const signed of candidates) {
    const outcome =
      checkMessage(signed, machine.env, env.verifiedMessages) ??
      space.check(signed) ??
      checkAgainstState(signed.message, machine.tree.get(signed.message.from)) ??
      tryMessage(machine, signed, feeTo);
    if (outcome instanceof HoldfastError) {
      const permanent = isPermanentRejection(outcome);
      const cid = messageCid(signed);
      rejected.push({ cid, permanent, reason: outcome.code, text: outcome.message });
    } else {
      space.take(signed);
      included.push(signed);
      receipts.push(outcome.receipt);
    }
  }
  const trees = new BufferedBlockstore(store);
  const result: MiningResult = {
    included,
    receipts,
    stateRoot: machine.tree.flush(),
    messagesRoot: messagesRoot(trees, included),
    receiptsRoot: receiptsRoot(trees, receipts),
    rejected,
    gasUsed: receipts.reduce((sum, receipt) => sum + receipt.gasUsed, 0),
  };
  trees.flush();
  machine.tree.persist();
  return result;
}

/** Runs a message in its own layer; a fault drops the layer and becomes `message/fault`. */
function tryMessage(machine: Machine, signed: SignedMessage, feeTo: Address): AppliedMessage | HoldfastError {
  const { tree } = machine;
  const snapshot = tree.snapshot();
  try {
    const applied = applyChecked(machine, signed.message, messageBytes(signed), feeTo);
    tree.commit(snapshot);
    return applied;
  } catch (error) {
    tree.revert(snapshot);
    // A store that lost an object must stop the miner: the message is not at fault.
    if (!(error instanceof HoldfastError) || error.code.startsWith("store/")) throw error;
    return messageErrors.fault({ cause: error.message }, error);
  }
}
