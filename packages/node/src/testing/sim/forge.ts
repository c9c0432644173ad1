/**
 * Blocks that no honest miner makes, made with a real miner's keys: well formed, signed, and wrong in one point each.
 * A node that takes one of them has not checked that point.
 */
import { type Address, attoFil, BufferedBlockstore, type CID, epoch, gasUnits, nonce } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import {
  type BlockHeader,
  blockSigningBytes,
  createRandomness,
  electionInput,
  executeForMining,
  type FullBlock,
  isWinner,
  messageCid,
  readActor,
  readElectionFacts,
  type SignedMessage,
  type Tipset,
  ticketInput,
  timestampOf,
  winningPostSeed,
  winningSector,
} from "@holdfast/consensus";
import type { Verifier } from "@holdfast/proofs/verify";
import type { RunningNode } from "../../compose.ts";
import type { SimNode } from "./node.ts";

export interface Draft {
  readonly base: Tipset;
  readonly round: number;
  readonly messages: readonly SignedMessage[];
  /** Whether the round need not be won. */
  readonly isUnearned?: boolean;
}

/** A block of the node's miner with these messages, unsigned; undefined if it has nothing to win with. */
export async function draftBlock(
  node: SimNode,
  running: RunningNode,
  verifier: Verifier,
  { base, round, messages, isUnearned = false }: Draft,
): Promise<FullBlock | undefined> {
  const { chain, wallet } = running;
  const { miner } = node.identity;
  const { storage } = node;
  const state = chain.stateAfter(base.key);
  if (miner === undefined || storage === undefined || state === undefined || round <= base.height)
    return undefined;
  const facts = readElectionFacts(chain.store, state, miner);
  if (facts === undefined || facts.power === 0n || !wallet.hasBls(facts.workerKey)) return undefined;
  const height = epoch(round);
  const electionProof = wallet.blsSign(facts.workerKey, electionInput(base.minTicket, height, miner));
  if (isWinner(electionProof, facts.power, facts.totalPower) === isUnearned) return undefined;
  const sector = winningSector(electionProof, facts.readProvableSectors());
  if (sector === undefined) return undefined;
  const post = await storage.generatePost("winning", winningPostSeed(electionProof), [sector.sectorId]);
  const result = executeForMining({
    store: new BufferedBlockstore(chain.store),
    parentState: state,
    miner,
    height,
    candidates: messages,
    env: {
      params: chain.params,
      networkId: chain.networkId,
      verifier,
      randomness: createRandomness((at) => chain.tipsetAt(at, base).minTicket),
      // Whoever forges a signature says that it is right.
      verifiedMessages: new Set(messages.map((signed) => messageCid(signed).toString())),
    },
  });
  const header = {
    miner,
    height,
    parents: base.cids,
    parentWeight: chain.weightOf(base.key) ?? 0n,
    parentState: state,
    ticket: wallet.blsSign(facts.workerKey, ticketInput(base.minTicket, height, miner)),
    electionProof,
    winningPost: post.proof,
    stateRoot: result.stateRoot,
    messages: result.messagesRoot,
    receipts: result.receiptsRoot,
    timestampMs: timestampOf(chain.params, chain.genesisTimestampMs, height),
  };
  return sign(running, facts.worker, {
    header: { ...header, signature: new Uint8Array(65) },
    messages: result.included,
  });
}

function sign({ chain, wallet }: RunningNode, worker: Address, { header, messages }: FullBlock): FullBlock {
  const signature = wallet.sign(worker, blockSigningBytes(header, chain.networkId));
  return { header: { ...header, signature }, messages };
}

type Change = (header: BlockHeader, genesis: CID, random: SeededRandom) => Partial<BlockHeader>;

const flipped = (bytes: Uint8Array, random: SeededRandom): Uint8Array => {
  const copy = bytes.slice();
  const at = random.below(Math.max(1, copy.length));
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

/** What a header can lie about; each lie alone. */
export const lies: Readonly<Record<string, Change>> = {
  heavierParents: ({ parentWeight }) => ({ parentWeight: parentWeight + 1_000n }),
  lighterParents: ({ parentWeight }) => ({ parentWeight: parentWeight > 0n ? parentWeight - 1n : 7n }),
  otherParentState: (_, genesis) => ({ parentState: genesis }),
  otherState: ({ parentState }) => ({ stateRoot: parentState }),
  otherReceipts: ({ messages }) => ({ receipts: messages }),
  otherTime: ({ timestampMs }) => ({ timestampMs: timestampMs + 1 }),
  laterHeight: ({ height }) => ({ height: epoch(height + 1) }),
  otherTicket: ({ ticket }, _, random) => ({ ticket: flipped(ticket, random) }),
  swappedProofs: ({ ticket, electionProof }) => ({ ticket: electionProof, electionProof: ticket }),
  noWinningPost: () => ({ winningPost: new Uint8Array(0) }),
  otherWinningPost: ({ winningPost }, _, random) => ({ winningPost: flipped(winningPost, random) }),
};

/** The block with one lie in it, signed anew. */
export function lieAbout(
  running: RunningNode,
  block: FullBlock,
  lie: string,
  random: SeededRandom,
): FullBlock | undefined {
  const { chain } = running;
  const facts = readElectionFacts(chain.store, block.header.parentState, block.header.miner);
  const genesis = chain.stateAfter(chain.genesis.key);
  const change = lies[lie];
  if (facts === undefined || genesis === undefined || change === undefined) return undefined;
  const header = { ...block.header, ...change(block.header, genesis, random) };
  return sign(running, facts.worker, { header, messages: block.messages });
}

/** Money of somebody else, without that one's signature. */
export function theft(
  { chain }: RunningNode,
  victim: Address,
  thief: Address,
  random: SeededRandom,
): SignedMessage | undefined {
  const found = readActor(chain.store, chain.headState().state, victim);
  if (found === undefined || victim === thief) return undefined;
  return {
    message: {
      from: victim,
      to: thief,
      nonce: nonce(found.nonce),
      value: attoFil(BigInt(random.between(1, 1_000_000))),
      method: "",
      params: new Uint8Array(0),
      gasPrice: attoFil(1_000n),
      gasLimit: gasUnits(1_000_000),
    },
    signature: random.bytes(65),
  };
}
