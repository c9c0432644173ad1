/**
 * State of attested pinning. Invariants: `held` is the sum of all stakes, earnings, orders' escrows and deposits; a
 * node's set holds exactly the orders that it has confirmed, each at the place that the order names; nodes that orders
 * are drawn from stand in `drawn` exactly once, at their position.
 */
import type { Address, AttoFil, Blockstore, CID, Codec, Epoch } from "@holdfast/base";
import { Amt, addressBytes, c, concatBytes, Hamt, putObject, utf8Bytes, zeroAtto } from "@holdfast/base";
import type { Pin, PinChallenge, PinMark, PinNode, PinProgram } from "../../types/pin.ts";
import { pinChallengeCodec, pinCodec, pinMarkCodec, pinNodeCodec, pinProgramCodec } from "../../types/pin.ts";

export interface PinsState {
  /** Time of the first block (milliseconds): with the height it gives the time at which evidence is judged. */
  readonly genesisTimeMs: number;
  /** HAMT: `programName` → PinProgram. */
  readonly programs: CID;
  /** AMT: number → PinNode. */
  readonly nodes: CID;
  readonly nextNode: number;
  /** HAMT: `keyName` or `peerName` → number of the node. */
  readonly names: CID;
  /** AMT without gaps: numbers of the nodes that orders are drawn from. */
  readonly drawn: CID;
  readonly drawnCount: number;
  /** AMT: number → Pin. */
  readonly orders: CID;
  readonly nextOrder: number;
  /** AMT: number → PinChallenge. */
  readonly challenges: CID;
  readonly nextChallenge: number;
  /** The newest slot in which any node reported, and the one before it in which any did. */
  readonly lastSlot: number | null;
  readonly slotBefore: number | null;
  readonly held: AttoFil;
}
export const pinsStateCodec: Codec<PinsState> = c.tuple("PinsState", {
  genesisTimeMs: c.uint(),
  programs: c.cid,
  nodes: c.cid,
  nextNode: c.uint(),
  names: c.cid,
  drawn: c.cid,
  drawnCount: c.uint(),
  orders: c.cid,
  nextOrder: c.uint(),
  challenges: c.cid,
  nextChallenge: c.uint(),
  lastSlot: c.nullable(c.uint()),
  slotBefore: c.nullable(c.uint()),
  held: c.attoFil,
});

/** Kinds measure different things, so the same 32 bytes of another kind are another program. */
export function programName({ kind, program }: Pick<PinProgram, "kind" | "program">): Uint8Array {
  return concatBytes(utf8Bytes(`${kind} `), program);
}

/** Under which a key's node is found, also after the node has taken another key. */
export function keyName(key: Address): Uint8Array {
  return addressBytes(key);
}
/** Longer than any key's name, so that the two never meet. */
export function peerName(peerId: string): Uint8Array {
  return utf8Bytes(`the pinning node with the peer id ${peerId}`);
}

export function loadPrograms(store: Blockstore, state: Pick<PinsState, "programs">): Hamt<PinProgram> {
  return Hamt.load(store, pinProgramCodec, state.programs);
}
export function loadPinNodes(store: Blockstore, state: Pick<PinsState, "nodes">): Amt<PinNode> {
  return Amt.load(store, pinNodeCodec, state.nodes);
}
export function loadPinNames(store: Blockstore, state: Pick<PinsState, "names">): Hamt<number> {
  return Hamt.load(store, c.uint(), state.names);
}
export function loadPins(store: Blockstore, state: Pick<PinsState, "orders">): Amt<Pin> {
  return Amt.load(store, pinCodec, state.orders);
}
export function loadPinChallenges(
  store: Blockstore,
  state: Pick<PinsState, "challenges">,
): Amt<PinChallenge> {
  return Amt.load(store, pinChallengeCodec, state.challenges);
}
export function loadMarks(store: Blockstore, node: Pick<PinNode, "history">): Amt<PinMark> {
  return Amt.load(store, pinMarkCodec, node.history);
}
/** A list of numbers of orders or nodes. */
export function loadNumbers(store: Blockstore, root: CID): Amt<number> {
  return Amt.load(store, c.uint(), root);
}

/** The last mark of a node in a slot below `slot`; undefined if there is none. */
export function markBefore(store: Blockstore, node: PinNode, slot: number): PinMark | undefined {
  const marks = loadMarks(store, node);
  let low = 0;
  let high = marks.count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((marks.get(middle)?.slot ?? Number.POSITIVE_INFINITY) < slot) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? undefined : marks.get(low - 1);
}

/** The sum of a node's accuracies in all slots below `slot`. */
export function indexBefore(store: Blockstore, node: PinNode, slot: number): number {
  if (node.lastSlot === null) return 0;
  return node.lastSlot < slot ? node.index : (markBefore(store, node, slot)?.index ?? 0);
}

/** The orders of a node as a slot began. */
export function setAt(node: PinNode, slot: number): { readonly root: CID; readonly count: number } {
  if (node.setChangedIn === slot) return { root: node.setBefore, count: node.setBeforeCount };
  return { root: node.set, count: node.setCount };
}

/** The state at genesis. */
export function createPinsState(
  store: Blockstore,
  genesisTimeMs: number,
  listed: readonly PinProgram[],
): CID {
  const programs = Hamt.empty(store, pinProgramCodec);
  for (const one of listed) programs.set(programName(one), one);
  return putObject(store, pinsStateCodec, {
    genesisTimeMs,
    programs: programs.flush(),
    nodes: Amt.empty(store, pinNodeCodec).flush(),
    nextNode: 0,
    names: Hamt.empty(store, c.uint()).flush(),
    drawn: Amt.empty(store, c.uint()).flush(),
    drawnCount: 0,
    orders: Amt.empty(store, pinCodec).flush(),
    nextOrder: 0,
    challenges: Amt.empty(store, pinChallengeCodec).flush(),
    nextChallenge: 0,
    lastSlot: null,
    slotBefore: null,
    held: zeroAtto,
  });
}

/** A node that has just been admitted. */
export function newPinNode(
  store: Blockstore,
  given: Pick<
    PinNode,
    "operator" | "key" | "peerId" | "kind" | "program" | "evidence" | "stake" | "leastPrice" | "capacityBytes"
  > & { readonly validUntil: Epoch },
): PinNode {
  const noNumbers = Amt.empty(store, c.uint()).flush();
  return {
    ...given,
    status: "active",
    earned: zeroAtto,
    assigned: noNumbers,
    assignedBytes: 0,
    position: null,
    set: noNumbers,
    setCount: 0,
    setBefore: noNumbers,
    setBeforeCount: 0,
    setChangedIn: 0,
    lastSlot: null,
    lastReport: new Uint8Array(32),
    history: Amt.empty(store, pinMarkCodec).flush(),
    index: 0,
    unpaidBefore: 0,
    endedIn: null,
    openChallenges: 0,
    openAsks: 0,
  };
}
