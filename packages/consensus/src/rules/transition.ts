/**
 * The state transition. A block claims the state after its own messages on its parents' state; a tipset of
 * several blocks gives one state: blocks in ascending order of their tickets, each message once. Both begin
 * with the network's tick, and every block with its reward. Invariant: a run that throws has written nothing
 * to the store; one that returns has written all that its roots reach.
 */
import type { Address, Blockstore, CID, Epoch } from "@holdfast/base";
import { BufferedBlockstore, c, decode, encode } from "@holdfast/base";
import { idleMethods } from "../actors/idle/index.ts";
import { none, noneCodec } from "../actors/kit.ts";
import { marketMethods } from "../actors/market/index.ts";
import { rewardMethods } from "../actors/reward.ts";
import { blockErrors } from "../errors.ts";
import type { FullBlock } from "../types/block.ts";
import { blockCid } from "../types/block.ts";
import type { SignedMessage } from "../types/message.ts";
import { messageBytes, messageCid } from "../types/message.ts";
import type { Receipt } from "../types/receipt.ts";
import { createTipset } from "../types/tipset.ts";
import type { AppliedMessage } from "../vm/apply.ts";
import { applyChecked, applyImplicit, callImplicit } from "../vm/apply.ts";
import type { Env, VerifiedMessages } from "../vm/env.ts";
import { vmExitCodes } from "../vm/exit-codes.ts";
import type { Machine } from "../vm/machine.ts";
import { StateTree } from "../vm/state-tree.ts";
import { checkBlockBody, messagesRoot, receiptsRoot } from "./body.ts";
import { checkAgainstState, checkMessage } from "./message-checks.ts";
import { createMachineAt, envAt } from "./protocol.ts";

/** The tick of the network: proof deadlines and what follows from them. */
export function runTick(machine: Machine): void {
  const { params } = marketMethods.cronTick;
  applyImplicit(machine, {
    to: machine.builtins.market,
    method: "cronTick",
    params: encode(params, { epoch: machine.height }),
  });
  applyImplicit(machine, {
    to: machine.builtins.idle,
    method: "cronTick",
    params: encode(idleMethods.cronTick.params, { epoch: machine.height }),
  });
}

const encodedNone = encode(noneCodec, none);

/** The owner of a block's miner, who gets its fees and rewards; `block/unknown-miner`. */
function ownerOf(machine: Machine, miner: Address): Address {
  const { exitCode, returns } = callImplicit(machine, { to: miner, method: "getOwner", params: encodedNone });
  if (exitCode !== vmExitCodes.ok) throw blockErrors.unknownMiner({ miner });
  return decode(c.address, returns);
}

/** Pays the reward of one block and gives the owner of its miner. */
export function startBlock(machine: Machine, miner: Address): Address {
  const owner = ownerOf(machine, miner);
  applyImplicit(machine, {
    to: machine.builtins.reward,
    method: "awardBlock",
    params: encode(rewardMethods.awardBlock.params, { owner }),
  });
  return owner;
}

/** Loads a state and runs what every block and tipset begins with. */
export function startRun(store: Blockstore, parentState: CID, env: Env, height: Epoch): Machine {
  const machine = createMachineAt(StateTree.load(store, parentState), env, height);
  runTick(machine);
  return machine;
}

export interface BlockInput {
  readonly store: Blockstore;
  /** State of the parent tipset. */
  readonly parentState: CID;
  readonly block: { readonly miner: Address; readonly height: Epoch };
  readonly messages: readonly SignedMessage[];
  readonly env: Env;
}

export interface BlockResult {
  readonly stateRoot: CID;
  /** One for each message, in order. */
  readonly receipts: readonly Receipt[];
  readonly receiptsRoot: CID;
  readonly messagesRoot: CID;
  /** Why messages failed, for people; "" for those that took effect. */
  readonly texts: readonly string[];
  readonly gasUsed: number;
}

interface PendingBlock {
  readonly result: BlockResult;
  /** Stores the Merkle trees of messages and receipts. */
  persistTrees(): void;
  persistState(): void;
}

function runBlock(input: BlockInput, verified: VerifiedMessages | undefined): PendingBlock {
  const { store, parentState, block, messages, env } = input;
  const machine = startRun(store, parentState, env, block.height);
  const feeTo = startBlock(machine, block.miner);
  const applied = messages.map((signed) => {
    const wrong =
      checkMessage(signed, machine.env, verified) ??
      checkAgainstState(signed.message, machine.tree.get(signed.message.from));
    if (wrong !== undefined) {
      const message = messageCid(signed).toString();
      throw blockErrors.invalidMessage({ message, reason: wrong.code, text: wrong.message }, wrong);
    }
    return applyChecked(machine, signed.message, messageBytes(signed), feeTo);
  });
  const trees = new BufferedBlockstore(store);
  const receipts = applied.map((one) => one.receipt);
  const result: BlockResult = {
    stateRoot: machine.tree.flush(),
    receipts,
    receiptsRoot: receiptsRoot(trees, receipts),
    messagesRoot: messagesRoot(trees, messages),
    texts: applied.map((one) => one.text),
    gasUsed: receipts.reduce((sum, receipt) => sum + receipt.gasUsed, 0),
  };
  return { result, persistTrees: () => trees.flush(), persistState: () => machine.tree.persist() };
}

/**
 * Applies one block alone on its parents' state and stores the result. `block/invalid-message` if a message
 * cannot be applied, `block/unknown-miner`, `state/implicit-message-failed`.
 */
export function applyBlock(input: BlockInput): BlockResult {
  const pending = runBlock(input, input.env.verifiedMessages);
  pending.persistTrees();
  pending.persistState();
  return pending.result;
}

/** Body checks, execution, and the three roots that the header claims. Stores nothing yet. */
function verifyPending(
  store: Blockstore,
  parentState: CID,
  block: FullBlock,
  env: Env,
  verified: VerifiedMessages,
): PendingBlock {
  const { header, messages } = block;
  checkBlockBody(block, envAt(store, parentState, env, header.height), verified);
  const pending = runBlock({ store, parentState, block: header, messages, env }, verified);
  const { result } = pending;
  const receipts = { claimed: header.receipts.toString(), computed: result.receiptsRoot.toString() };
  if (receipts.claimed !== receipts.computed) throw blockErrors.wrongReceiptsRoot(receipts);
  const state = { claimed: header.stateRoot.toString(), computed: result.stateRoot.toString() };
  if (state.claimed !== state.computed) throw blockErrors.wrongStateRoot(state);
  return pending;
}

export interface TipsetInput {
  readonly store: Blockstore;
  /** State of the parent tipset. */
  readonly parentState: CID;
  /** All blocks of one tipset, in any order. Their headers are checked by `validateHeader`. */
  readonly blocks: readonly FullBlock[];
  readonly env: Env;
}

/** A message that a block of the tipset holds but that the earlier blocks made impossible. */
export interface ConflictingMessage {
  readonly block: CID;
  readonly message: CID;
  /** Code of the error, for example `message/nonce-too-low`. */
  readonly reason: string;
  readonly text: string;
}

export interface TipsetResult {
  readonly stateRoot: CID;
  /** By the text of the message CID; a message in several blocks has one receipt. */
  readonly receipts: ReadonlyMap<string, Receipt>;
  /** Why messages failed, for people, by the text of the message CID. */
  readonly texts: ReadonlyMap<string, string>;
  readonly failures: readonly ConflictingMessage[];
  readonly gasUsed: number;
}

/**
 * Checks every block of a tipset alone (body, receipts root, state root) and gives the state of the tipset.
 * Errors: `block/…` of a body or a claimed root, `tipset/…`, `state/implicit-message-failed`.
 */
export function applyTipset(input: TipsetInput): TipsetResult {
  const { store, parentState, blocks, env } = input;
  const verified = env.verifiedMessages ?? new Set<string>();
  const byCid = new Map(blocks.map((block) => [blockCid(block.header).toString(), block]));
  const ordered = createTipset(blocks.map((block) => block.header)).blocks.map((header) => {
    const cid = blockCid(header);
    return { cid, block: byCid.get(cid.toString()) ?? { header, messages: [] } };
  });
  const pending = ordered.map(({ block }) => verifyPending(store, parentState, block, env, verified));
  const [only] = pending;
  const isSingle = only !== undefined && pending.length === 1;
  const result = isSingle ? resultOfOne(blocks, only.result) : aggregate(input, ordered);
  if (isSingle) only.persistState();
  for (const one of pending) one.persistTrees();
  return result;
}

function resultOfOne(blocks: readonly FullBlock[], result: BlockResult): TipsetResult {
  const receipts = new Map<string, Receipt>();
  const texts = new Map<string, string>();
  for (const [index, signed] of (blocks[0]?.messages ?? []).entries()) {
    const receipt = result.receipts[index];
    if (receipt !== undefined) receipts.set(messageCid(signed).toString(), receipt);
    const text = result.texts[index] ?? "";
    if (text !== "") texts.set(messageCid(signed).toString(), text);
  }
  return { stateRoot: result.stateRoot, receipts, texts, failures: [], gasUsed: result.gasUsed };
}

/** One state for several blocks, which were verified before. */
function aggregate(
  { store, parentState, env }: TipsetInput,
  ordered: readonly { readonly cid: CID; readonly block: FullBlock }[],
): TipsetResult {
  const receipts = new Map<string, Receipt>();
  const texts = new Map<string, string>();
  const failures: ConflictingMessage[] = [];
  let gasUsed = 0;
  const height = ordered[0]?.block.header.height ?? (0 as Epoch);
  const machine = startRun(store, parentState, env, height);
  for (const { cid, block } of ordered) {
    const feeTo = startBlock(machine, block.header.miner);
    for (const signed of block.messages) {
      const message = messageCid(signed);
      if (receipts.has(message.toString())) continue;
      const wrong = checkAgainstState(signed.message, machine.tree.get(signed.message.from));
      if (wrong !== undefined) {
        failures.push({ block: cid, message, reason: wrong.code, text: wrong.message });
        continue;
      }
      const applied: AppliedMessage = applyChecked(machine, signed.message, messageBytes(signed), feeTo);
      receipts.set(message.toString(), applied.receipt);
      if (applied.text !== "") texts.set(message.toString(), applied.text);
      gasUsed += applied.receipt.gasUsed;
    }
  }
  const stateRoot = machine.tree.flush();
  machine.tree.persist();
  const lasting = failures.filter((failure) => !receipts.has(failure.message.toString()));
  return { stateRoot, receipts, texts, failures: lasting, gasUsed };
}
