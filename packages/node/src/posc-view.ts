/** What the chain says of attested pinning at its head, as the room asks for it. */
import { type CID, epoch } from "@holdfast/base";
import {
  askEntropy,
  askStart,
  assignedPins,
  findPinNode,
  listPinChallenges,
  listPinPrograms,
  listPins,
  type Pin,
  type PinChallenge,
  type PinPage,
  pinAskTag,
  pinMarkOf,
  pinNonceTag,
  pinOwed,
  pinReportFacts,
  pinSlotAt,
  pinSlotTag,
  readGapEnd,
  readNetworkParams,
  readPin,
  readPinNode,
  readPinsState,
} from "@holdfast/consensus";
import type { Chain } from "./chain/index.ts";
import type { NumberedPin, PoscView } from "./posc/index.ts";

const noEntropy = new Uint8Array(0);
const pageLimit = 256;

export const paramsOf = (chain: Chain) => readNetworkParams(chain.store, chain.headState().state);

export function viewOf(chain: Chain): PoscView {
  const { state, tipset: head } = chain.headState();
  const { store, networkId } = chain;
  const params = readNetworkParams(store, state);
  const rand = chain.randomnessBelow(head);
  const height = head.height;
  const gapEnd = readGapEnd(store, state);
  return {
    height,
    slotEpochs: params.pinSlotEpochs,
    disputeSlots: params.pinDisputeSlots,
    evidenceEpochs: params.pinEvidenceEpochs,
    stake: params.pinStake,
    facts(node) {
      const start = pinSlotAt(params.pinSlotEpochs, height + 1) * params.pinSlotEpochs;
      if (start > height) return undefined;
      const slotHash = rand(epoch(start), pinSlotTag, noEntropy);
      return pinReportFacts(store, state, { node, height: epoch(height + 1), slotHash, networkId });
    },
    node: (number) => readPinNode(store, state, number),
    nodeOfKey: (key) => findPinNode(store, state, key),
    assigned: (number) => assignedPins(store, state, number),
    markOf: (node, slot) => pinMarkOf(store, node, slot),
    challenges: () => challengesOf(chain, state),
    nodeCount: () => readPinsState(store, state).nextNode,
    activeNodes: () => readPinsState(store, state).drawnCount,
    buyerOf: (order) => readPin(store, state, order)?.buyer,
    orderCount: () => readPinsState(store, state).nextOrder,
    orders: (from) => ordersOf(chain, state, from),
    order: (number) => readPin(store, state, number),
    answerEpochs: params.pinAnswerEpochs,
    gapEnd,
    askSeed(order, node, ask) {
      const drawnAt = askStart(ask, gapEnd) + 1;
      return drawnAt > height ? undefined : rand(epoch(drawnAt), pinAskTag, askEntropy(order, node));
    },
    owed: (node, order, replica) =>
      pinOwed(store, node, order, replica, pinSlotAt(params.pinSlotEpochs, height + 1)),
    programEnds: (kind, program) =>
      listPinPrograms(store, state).find(
        (one) => one.kind === kind && Buffer.compare(one.program, program) === 0,
      )?.expires,
    draw: (at) => (at > height ? undefined : rand(epoch(at), pinNonceTag, noEntropy)),
  };
}

function* ordersOf({ store }: Chain, state: CID, first: number): IterableIterator<NumberedPin> {
  for (let from: number | null = first; from !== null; ) {
    const page: PinPage<Pin> = listPins(store, state, { from, limit: pageLimit });
    yield* page.entries;
    from = page.next;
  }
}

function* challengesOf(
  { store }: Chain,
  state: CID,
): IterableIterator<PinChallenge & { readonly number: number }> {
  for (let from: number | null = 0; from !== null; ) {
    const page: PinPage<PinChallenge> = listPinChallenges(store, state, { from, limit: pageLimit });
    yield* page.entries;
    from = page.next;
  }
}
