/**
 * The block loop: at the start of every round, draw on the head; a winner proves one of its sectors,
 * executes messages, signs and submits. Expected Consensus as in `consensus/rules`. No fault is ever signed: a
 * height is claimed on disk before the signature, the block is on disk before it leaves, and a block that would
 * contradict a recent one of ours is not made.
 */
import { BufferedBlockstore, type CID, epoch, HoldfastError } from "@holdfast/base";
import {
  type BlockHeader,
  blockCid,
  blockSigningBytes,
  consensusFaultOf,
  type ElectionFacts,
  electionInput,
  executeForMining,
  type FullBlock,
  isWinner,
  readElectionFacts,
  type SignedMessage,
  type Tipset,
  ticketInput,
  timestampOf,
  winningPostSeed,
  winningSector,
} from "@holdfast/consensus";
import { isDatabaseSilent } from "@holdfast/storage";
import { limits } from "../limits.ts";
import type { MineNeeds } from "./needs.ts";
import type { SignedHeights } from "./store.ts";
import type { TwinWatch } from "./twins.ts";

/** The part of a round that others' blocks of the round before get to arrive. */
const propagationShare = 0.1;
const propagationMaxMs = 100;

/** Runs until the signal aborts. */
export async function mineBlocks(
  needs: MineNeeds,
  heights: SignedHeights,
  twins: TwinWatch | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { chain, clock, logger } = needs;
  const { roundMs } = chain.params;
  const delayMs = Math.min(propagationMaxMs, roundMs * propagationShare);
  await offerKept(needs, heights);
  for (;;) {
    const round = Math.floor((clock.nowMs() - chain.genesisTimestampMs) / roundMs) + 1;
    const startMs = timestampOf(chain.params, chain.genesisTimestampMs, round) + delayMs;
    await clock.sleep(Math.max(0, startMs - clock.nowMs()), signal);
    twins?.nextRound(round);
    try {
      await mineRound(needs, heights, round, twins && { watch: twins, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      if (!isDatabaseSilent(error)) logger.warn("no block this round", { round, detail: String(error) });
    }
  }
}

/** One draw; true if a block was submitted. */
export async function mineRound(
  needs: MineNeeds,
  heights: SignedHeights,
  round: number,
  twins?: { readonly watch: TwinWatch; readonly signal: AbortSignal },
): Promise<boolean> {
  const { chain, miner, signer, logger } = needs;
  const base = chain.head();
  const state = chain.stateAfter(base.key);
  if (base.height >= round || state === undefined || !mayMineAt(needs, round)) return false;
  const facts = readElectionFacts(chain.store, state, miner);
  if (facts === undefined || facts.power === 0n || !signer.hasBls(facts.workerKey)) return false;
  const height = epoch(round);
  const electionProof = signer.blsSign(facts.workerKey, electionInput(base.minTicket, height, miner));
  if (!isWinner(electionProof, facts.power, facts.totalPower)) return false;
  if (twins?.watch.mayTake(round) === false) return false;
  const winningPost = await proveWin(needs, round, electionProof, facts);
  if (winningPost === undefined) return false;
  const ticket = signer.blsSign(facts.workerKey, ticketInput(base.minTicket, height, miner));
  const drawn = { height, electionProof, ticket, winningPost };
  const { unsigned, messages } = await assemble(needs, { base, state }, drawn);
  const fault = wouldBeFault(recentOf(needs, heights, round), unsigned, base);
  if (fault !== undefined) {
    logger.warn("won, but the head leaves out a block of ours", { round, fault });
    await offerKept(needs, heights);
    return false;
  }
  if (twins !== undefined && !(await twins.watch.isAlone(round, twins.signal))) return false;
  const before = heights.won(miner);
  if (!heights.claim(miner, round)) return false;
  try {
    const header = {
      ...unsigned,
      signature: signer.sign(facts.worker, blockSigningBytes(unsigned, chain.networkId)),
    };
    const block = { header, messages };
    heights.keep(block, round - chain.params.finalityEpochs);
    await submit(needs, heights, block);
    twins?.watch.signed(round);
  } catch (error) {
    heights.takeBack(miner, before);
    throw error;
  }
  logger.info("block mined", { height: round, messages: messages.length });
  return true;
}

/** The proof of the drawn sector; empty for a miner all of whose power is idle space. */
async function proveWin(
  { storage, logger }: MineNeeds,
  round: number,
  electionProof: Uint8Array,
  facts: ElectionFacts,
): Promise<Uint8Array | undefined> {
  const sector = winningSector(electionProof, facts.readProvableSectors());
  if (sector === undefined) return new Uint8Array(0);
  const post = await storage.generatePost("winning", winningPostSeed(electionProof), [sector.sectorId]);
  if (post.faults.length === 0) return post.proof;
  logger.warn("won, but the sector cannot be proven", { round, sectorId: sector.sectorId });
  return undefined;
}

/** From an upgrade on that this program does not know, whatever it made would be nonsense. */
function mayMineAt({ chain, logger }: MineNeeds, round: number): boolean {
  const unknown = chain.unknownUpgrade(round);
  if (unknown === undefined) return true;
  const { version, height } = unknown;
  logger.error("no block: the network follows rules that this program does not know", {
    round,
    version,
    height,
  });
  return false;
}

/** The fault that a block would be beside those that were signed before. */
function wouldBeFault(
  signed: readonly BlockHeader[],
  unsigned: Omit<BlockHeader, "signature">,
  base: Tipset,
): string | undefined {
  const next = { ...unsigned, signature: new Uint8Array(65) };
  for (const header of signed) {
    for (const witness of [null, ...base.blocks]) {
      const fault = consensusFaultOf(header, next, witness);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

/** Headers of own blocks that a report could still name beside one of this round. */
function recentOf(
  { miner, chain }: MineNeeds,
  heights: SignedHeights,
  round: number,
): readonly BlockHeader[] {
  return heights.kept(miner).filter(({ height }) => height >= round - chain.params.finalityEpochs);
}

/**
 * What this node itself refuses has not left it, so it can contradict nothing. But one that is from the future is
 * refused by a clock that was set back, and may have left before.
 */
async function submit(needs: MineNeeds, heights: SignedHeights, block: FullBlock): Promise<void> {
  try {
    await needs.submitBlock(block);
  } catch (error) {
    const isRefused = error instanceof HoldfastError && error.code.startsWith("block/");
    if (isRefused && error.code !== "block/from-the-future") heights.forget(block);
    throw error;
  }
}

/** Blocks that were signed and, for a crash or a full disk, never came into the chain of the head. */
async function offerKept(needs: MineNeeds, heights: SignedHeights): Promise<void> {
  const { chain } = needs;
  for (const header of recentOf(needs, heights, chain.head().height)) {
    const cid = blockCid(header);
    if (chain.tipsetAt(header.height).cids.some((known) => known.equals(cid))) continue;
    const block = heights.block(header);
    if (block === undefined) continue;
    try {
      await submit(needs, heights, block);
    } catch (error) {
      needs.logger.debug("a block that was signed before is not taken", { detail: String(error) });
    }
  }
}

type Drawn = Pick<BlockHeader, "height" | "electionProof" | "ticket" | "winningPost">;

/** Executes the messages that fit. Nothing is signed here: the height must be claimed first. */
async function assemble(
  needs: MineNeeds,
  on: { readonly base: Tipset; readonly state: CID },
  drawn: Drawn,
): Promise<{
  readonly unsigned: Omit<BlockHeader, "signature">;
  readonly messages: readonly SignedMessage[];
}> {
  const { chain, miner, proofs } = needs;
  const candidates = needs.candidates(chain.params.maxBlockMessages);
  const result = await proofs.run((verifier) =>
    executeForMining({
      store: new BufferedBlockstore(chain.store),
      parentState: on.state,
      miner,
      height: drawn.height,
      candidates,
      env: {
        params: chain.params,
        networkId: chain.networkId,
        protocols: chain.protocols,
        verifier,
        randomness: chain.randomnessBelow(on.base),
        ...(needs.verified === undefined ? {} : { verifiedMessages: needs.verified }),
      },
      maxBodyBytes: limits.blockBodyBytes,
    }),
  );
  const unsigned = {
    ...drawn,
    miner,
    parents: on.base.cids,
    parentWeight: chain.weightOf(on.base.key) ?? 0n,
    parentState: on.state,
    stateRoot: result.stateRoot,
    messages: result.messagesRoot,
    receipts: result.receiptsRoot,
    timestampMs: timestampOf(chain.params, chain.genesisTimestampMs, drawn.height),
  };
  return { unsigned, messages: result.included };
}
