/**
 * Blocks that no honest miner makes, made with a real miner's keys: well formed, signed, and wrong in one point each.
 * A node that takes one of them has not checked that point: all others are right, the draw among them, which is looked
 * for on the latest tipsets until one has won.
 */
import {
  type Address,
  BufferedBlockstore,
  type CID,
  concatBytes,
  epoch,
  MemoryBlockstore,
} from "@holdfast/base";
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
  messagesRoot,
  readElectionFacts,
  type SignedMessage,
  signBlock,
  type Tipset,
  ticketInput,
  timestampOf,
  winningPostSeed,
  winningSector,
} from "@holdfast/consensus";
import type { Verifier } from "@holdfast/proofs/verify";
import type { RunningNode } from "../../compose.ts";
import type { SimNode } from "./node.ts";

type Messages = readonly SignedMessage[];

/** How a block comes by its election proof: it won, it did not, or it drew lots until some bytes would win. */
export type Draw = "won" | "lost" | "by lot";

export interface Draft {
  readonly base: Tipset;
  readonly round: number;
  readonly messages: Messages;
  /** Default: it has won. */
  readonly draw?: Draw;
}

export interface Making {
  readonly verifier: Verifier;
  readonly random: SeededRandom;
}

/** Latest tipsets, and rounds on each of them, among which a winning draw is looked for. */
const basesTried = 8;
const roundsTried = 8;
const electionProofBytes = 96;

function proofOf(
  { wallet }: RunningNode,
  { base, round, draw = "won" }: Draft,
  facts: NonNullable<ReturnType<typeof readElectionFacts>>,
  { miner, random }: { readonly miner: Address; readonly random: SeededRandom },
): Uint8Array | undefined {
  const wins = (proof: Uint8Array): boolean => isWinner(proof, facts.power, facts.totalPower);
  if (draw === "by lot") {
    let proof = random.bytes(electionProofBytes);
    while (!wins(proof)) proof = random.bytes(electionProofBytes);
    return proof;
  }
  const proof = wallet.blsSign(facts.workerKey, electionInput(base.minTicket, epoch(round), miner));
  return wins(proof) === (draw === "won") ? proof : undefined;
}

/** The facts by which the node's miner may mine on a tipset; undefined if it may not. */
function factsOn({ identity: { miner } }: SimNode, { chain, wallet }: RunningNode, base: Tipset) {
  const state = chain.stateAfter(base.key);
  if (miner === undefined || state === undefined) return undefined;
  const facts = readElectionFacts(chain.store, state, miner);
  if (facts === undefined || facts.power === 0n || !wallet.hasBls(facts.workerKey)) return undefined;
  return { miner, state, facts };
}

/**
 * A place of a block that the node's miner may make, in a round up to `latest`; undefined if it has won none of the
 * latest ones.
 */
export function findDraw(
  node: SimNode,
  running: RunningNode,
  latest: number,
): Pick<Draft, "base" | "round"> | undefined {
  const { chain, wallet } = running;
  let tried = 0;
  for (const base of chain.ancestors(chain.head())) {
    if (tried === basesTried) return undefined;
    tried += 1;
    const on = factsOn(node, running, base);
    if (on === undefined) continue;
    const { miner, facts } = on;
    for (let round = latest; round > base.height && round > latest - roundsTried; round -= 1) {
      const input = electionInput(base.minTicket, epoch(round), miner);
      const proof = wallet.blsSign(facts.workerKey, input);
      if (isWinner(proof, facts.power, facts.totalPower)) return { base, round };
    }
  }
  return undefined;
}

/** A block of the node's miner with these messages, signed; undefined if it has nothing to win with. */
export async function draftBlock(
  node: SimNode,
  running: RunningNode,
  { verifier, random }: Making,
  draft: Draft,
): Promise<FullBlock | undefined> {
  const { base, round, messages } = draft;
  const { chain, wallet } = running;
  const { storage } = node;
  const on = factsOn(node, running, base);
  if (on === undefined || storage === undefined || round < base.height) return undefined;
  const { miner, state, facts } = on;
  const height = epoch(round);
  const electionProof = proofOf(running, draft, facts, { miner, random });
  if (electionProof === undefined) return undefined;
  const sector = winningSector(electionProof, facts.readProvableSectors());
  if (sector === undefined) return undefined; // idle space is not part of simulations
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

interface Hints {
  readonly genesis: CID;
  readonly random: SeededRandom;
}

export interface Lie {
  /** Default: it has won. */
  readonly draw?: Draw;
  /** Rounds above the tipset that it stands on, whatever the draw found. */
  readonly above?: number;
  readonly change?: (header: BlockHeader, hints: Hints) => Partial<BlockHeader>;
  /** Signed by whom the header names; or not at all, or by a stranger. */
  readonly signer?: "nobody" | "a stranger";
}

const flipped = (bytes: Uint8Array, random: SeededRandom): Uint8Array => {
  const copy = bytes.slice();
  const at = random.below(Math.max(1, copy.length));
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

/** What a header can lie about; each lie alone. */
export const lies: Readonly<Record<string, Lie>> = {
  heavierParents: { change: ({ parentWeight }) => ({ parentWeight: parentWeight + 1_000n }) },
  lighterParents: {
    change: ({ parentWeight }) => ({ parentWeight: parentWeight > 0n ? parentWeight - 1n : 7n }),
  },
  otherParentState: {
    change: ({ parentState, stateRoot }, { genesis }) => ({
      parentState: parentState.equals(genesis) ? stateRoot : genesis,
    }),
  },
  otherState: { change: ({ parentState }) => ({ stateRoot: parentState }) },
  otherReceipts: { change: ({ stateRoot }) => ({ receipts: stateRoot }) },
  otherMessages: { change: ({ stateRoot }) => ({ messages: stateRoot }) },
  otherTime: { change: ({ timestampMs }) => ({ timestampMs: timestampMs + 1 }) },
  otherTicket: { change: ({ ticket }, { random }) => ({ ticket: flipped(ticket, random) }) },
  electionAsTicket: { change: ({ electionProof }) => ({ ticket: electionProof }) },
  noWinningPost: { change: () => ({ winningPost: new Uint8Array(0) }) },
  otherWinningPost: {
    change: ({ winningPost }, { random }) => ({ winningPost: flipped(winningPost, random) }),
  },
  electionByLot: { draw: "by lot" },
  notWon: { draw: "lost" },
  sameHeight: { above: 0 },
  otherSignature: { signer: "nobody" },
  strangersSignature: { signer: "a stranger" },
};

/** A block with this lie in it and nothing else wrong; undefined if none can be made now. */
export async function forgeBlock(
  node: SimNode,
  running: RunningNode,
  making: Making,
  { lie: { draw, above, change, signer }, latest, messages }: Forgery,
): Promise<FullBlock | undefined> {
  const { chain } = running;
  const { random } = making;
  const place = placeOf(node, running, { draw, above, latest });
  const genesis = chain.stateAfter(chain.genesis.key);
  if (place === undefined || genesis === undefined) return undefined;
  const honest = await draftBlock(node, running, making, {
    ...place,
    messages,
    ...(draw === undefined ? {} : { draw }),
  });
  if (honest === undefined) return undefined;
  const changed = { ...honest.header, ...change?.(honest.header, { genesis, random }) };
  const block = { ...honest, header: changed };
  if (signer === "nobody") {
    const signature = flipped(changed.signature.subarray(0, 64), random);
    const recovery = changed.signature.subarray(64);
    return { ...block, header: { ...changed, signature: concatBytes(signature, recovery) } };
  }
  if (signer === "a stranger")
    return { ...block, header: signBlock(random.bytes(32), chain.networkId, changed) };
  return change === undefined ? block : resigned(running, block);
}

export interface Forgery {
  readonly lie: Lie;
  /** The present round. */
  readonly latest: number;
  readonly messages: Messages;
}

function placeOf(
  node: SimNode,
  running: RunningNode,
  { draw, above, latest }: { draw: Draw | undefined; above: number | undefined; latest: number },
): Pick<Draft, "base" | "round"> | undefined {
  const base = running.chain.head();
  if (above !== undefined) return { base, round: base.height + above };
  if (draw === undefined || draw === "won") return findDraw(node, running, latest);
  return latest > base.height ? { base, round: latest } : undefined;
}

/** Signed anew by the worker, in whose name the forger has the keys. */
function resigned(running: RunningNode, block: FullBlock): FullBlock | undefined {
  const { chain } = running;
  const { miner, parents } = block.header;
  const state = chain.stateAfter(parents.map(String).join(","));
  const facts = state === undefined ? undefined : readElectionFacts(chain.store, state, miner);
  return facts === undefined ? undefined : sign(running, facts.worker, block);
}

/** A block with messages that no block may hold, whether the rules know that or not. */
export async function forgeBody(
  node: SimNode,
  running: RunningNode,
  making: Making,
  { latest, fraud }: { readonly latest: number; readonly fraud: (base: Tipset) => Messages | undefined },
): Promise<FullBlock | undefined> {
  const place = findDraw(node, running, latest);
  const messages = place === undefined ? undefined : fraud(place.base);
  if (place === undefined || messages === undefined) return undefined;
  const drafted = await draftBlock(node, running, making, { ...place, messages });
  // Rules that take such messages have counted them in; otherwise the body is what is wrong with the block.
  if (drafted === undefined || drafted.messages.length === messages.length) return drafted;
  const root = messagesRoot(new MemoryBlockstore(), messages);
  return resigned(running, { header: { ...drafted.header, messages: root }, messages });
}
