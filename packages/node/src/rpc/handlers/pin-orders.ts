/** Methods about pinning that is bought: what the chain says of orders, nodes and programs, and calls of its actor. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import {
  type Address,
  type AttoFil,
  encode,
  epoch,
  equalBytes,
  filText,
  fromHex,
  parseFil,
  toHex,
} from "@holdfast/base";
import {
  askStart,
  builtinAddresses,
  listPinNodes,
  listPinPrograms,
  listPins,
  maxPinSlots,
  methods,
  type NetworkParams,
  type Pin,
  type PinNode,
  pinCost,
  pinOwed,
  pinReportSummary,
  pinSlotAt,
  pinSlotPrice,
  readGapEnd,
  readPin,
  readPinNode,
} from "@holdfast/consensus";
import { anyPlatform } from "@holdfast/proofs/attestation";
import { pricePerDay, pricePerSlot, slotMs } from "../../pin-price.ts";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { callAs } from "./owner-calls.ts";
import { addressParam } from "./params.ts";
import { cidOf } from "./views.ts";

type PinOrderHandlers = Pick<
  ApiHandlers,
  Extract<keyof ApiHandlers, `pinOrder.${string}` | `pinNode.${string}` | `pinProgram.${string}`>
>;
type OrderView = MethodResult<"pinOrder.show">;
type Holder = OrderView["holders"][number];
type NodeView = MethodResult<"pinNode.show">;
type PinsMethod = keyof typeof methods.pins;

/** Whole slots, at least one, at most what an order can have. */
function slotsOf(forMs: number, params: NetworkParams): number {
  return Math.min(maxPinSlots, Math.max(1, Math.ceil(forMs / slotMs(params))));
}

export function pinOrderHandlers(needs: HandlerNeeds): PinOrderHandlers {
  const { chain } = needs;
  const { params } = chain;
  const at = () => ({ store: chain.store, state: chain.headState().state });
  const named = (text: string | undefined): Address | undefined =>
    text === undefined ? undefined : addressParam(needs, text);
  const orderOf = (pin: number): Pin => {
    const { store, state } = at();
    const found = readPin(store, state, pin);
    if (found === undefined) throw rpcErrors.noOrder({ pin });
    return found;
  };
  const send = sender(needs);
  return {
    "pinOrder.add": async ({ cid, sizeBytes, nodes, price: text, forMs, from, key }) => {
      const price = pricePerSlot(parseFil(text), params);
      const slots = slotsOf(forMs, params);
      const terms = { cid: cidOf(cid), bytes: sizeBytes, wanted: nodes, price, slots };
      const value = pinCost(terms, slots);
      const bytes = encode(methods.pins.addPin.params, terms);
      return {
        ...(await send("addPin", bytes, { from: named(from), key, value })),
        costFil: filText(value),
        slots,
      };
    },
    "pinOrder.ls": async ({ from, limit, buyer: text, cid }) => {
      const { store, state } = at();
      const [buyer, wanted] = [named(text), cid === undefined ? undefined : cidOf(cid)];
      const isWanted = (pin: Pin): boolean =>
        (buyer === undefined || pin.buyer === buyer) && (wanted === undefined || pin.cid.equals(wanted));
      const { entries, next } = listPins(store, state, { from, limit }, isWanted);
      return { pins: entries.map((pin) => orderView(needs, pin.number, pin)), next };
    },
    "pinOrder.show": async ({ pin }) => orderView(needs, pin, orderOf(pin)),
    "pinOrder.extend": async ({ pin, forMs, from, key }) => {
      const slots = slotsOf(forMs, params);
      const value = pinCost(orderOf(pin), slots);
      const bytes = encode(methods.pins.extendPin.params, { pin, slots });
      const sent = await send("extendPin", bytes, { from: named(from), key, value });
      return { ...sent, costFil: filText(value), slots };
    },
    "pinOrder.rm": async ({ pin, from, key }) => {
      const bytes = encode(methods.pins.removePin.params, { pin });
      return send("removePin", bytes, { from: named(from) ?? orderOf(pin).buyer, key });
    },
    "pinOrder.ask": async ({ pin, node, key }) => {
      const value = chain.protocol().params.pinChallengeDeposit;
      const bytes = encode(methods.pins.askOrder.params, { pin, node });
      const sent = await send("askOrder", bytes, { from: orderOf(pin).buyer, key, value });
      return { ...sent, depositFil: filText(value) };
    },
    "pinOrder.settle": ({ pins, from, key }) =>
      send("settlePins", encode(methods.pins.settlePins.params, { pins }), { from: named(from), key }),
    "pinOrder.repair": ({ pin, from, key }) =>
      send("repairPin", encode(methods.pins.repairPin.params, { pin }), { from: named(from), key }),
    ...nodeHandlers(needs, send),
  };
}

interface Sending {
  readonly from?: Address | undefined;
  readonly key?: string | undefined;
  readonly value?: AttoFil;
}
type Send = (method: PinsMethod, params: Uint8Array, sending: Sending) => ReturnType<typeof callAs>;

function sender(needs: HandlerNeeds): Send {
  const to = builtinAddresses(needs.chain.params.networkByte).pins;
  return async (method, params, { from, key, value }) => {
    const payer = from ?? needs.wallet.defaultAddress();
    if (payer === undefined) throw rpcErrors.notFound({ what: "account in this wallet" });
    const call = { to, method, params, ...(value === undefined ? {} : { value }) };
    return callAs(needs, payer, call, { key });
  };
}

function nodeHandlers(needs: HandlerNeeds, send: Send) {
  const { chain } = needs;
  const at = () => ({ store: chain.store, state: chain.headState().state });
  const nodeOf = (node: number): PinNode => {
    const { store, state } = at();
    const found = readPinNode(store, state, node);
    if (found === undefined) throw rpcErrors.noPinNode({ node });
    return found;
  };
  return {
    "pinNode.ls": async ({ from, limit, operator: text }) => {
      const { store, state } = at();
      const operator = text === undefined ? undefined : addressParam(needs, text);
      const isWanted = (node: PinNode): boolean => operator === undefined || node.operator === operator;
      const { entries, next } = listPinNodes(store, state, { from, limit }, isWanted);
      return { nodes: entries.map((node) => nodeView(needs, node.number, node)), next };
    },
    "pinNode.show": async ({ node }) => nodeView(needs, node, nodeOf(node)),
    "pinNode.claim": async ({ node, key }) => {
      const { operator, earned } = nodeOf(node);
      const params = encode(methods.pins.claimEarned.params, { node });
      return { ...(await send("claimEarned", params, { from: operator, key })), earnedFil: filText(earned) };
    },
    "pinProgram.ls": async () => {
      const { store, state } = at();
      return listPinPrograms(store, state).map(({ program, platform, ...entry }) => ({
        ...entry,
        programHex: toHex(program),
        platform: {
          leastTcbEvaluation: platform.leastTcbEvaluation,
          tcbStatuses: [...platform.tcbStatuses],
          leastFirmware: [...platform.leastFirmware],
        },
      }));
    },
    "pinProgram.set": async ({ programHex, key, kind, name, expires, platform: rule }) => {
      const authority = chain.protocol().params.upgradeAuthority;
      if (authority === null) throw rpcErrors.noProgramAuthority({});
      const { store, state } = at();
      const program = fromHex(programHex);
      const listed = listPinPrograms(store, state).find(
        (one) => one.kind === kind && equalBytes(one.program, program),
      );
      // Whoever moves an end shall not lift by accident what is asked of platforms.
      const platform = rule ?? listed?.platform ?? anyPlatform;
      const entry = { kind, program, name, expires: epoch(expires), platform };
      return send("setProgram", encode(methods.pins.setProgram.params, entry), { from: authority, key });
    },
  } satisfies Partial<PinOrderHandlers>;
}

/** A node's part in an order, from the last report that the chain has taken of it. */
function holderView(
  { chain, posc }: HandlerNeeds,
  { number, ...pin }: Pin & { readonly number: number },
  replica: Pin["replicas"][number],
): Holder {
  const { params, store } = chain;
  const { state, tipset } = chain.headState();
  const { node: of, fromSlot, ask } = replica;
  const node = readPinNode(store, state, of);
  if (node === undefined) throw rpcErrors.noPinNode({ node: of });
  const { peerId, operator, lastSlot, status, validUntil } = node;
  const slot = pinSlotAt(params.pinSlotEpochs, tipset.height + 1);
  const isGone = status !== "active" || validUntil <= tipset.height;
  const isHeard = lastSlot !== null && lastSlot >= slot - 1;
  const holding = isHeard ? "holding" : "silent";
  const isAsked = lastSlot !== null && fromSlot !== null && lastSlot >= fromSlot;
  const { counted } = pinReportSummary(store, node);
  const owed = pinOwed(store, node, pin, replica, slot);
  const credited = slot >= pin.endSlot ? slot : slot - params.pinDisputeSlots;
  const held = ask === null ? owed - pinOwed(store, node, pin, replica, credited) : owed;
  return {
    node: of,
    peerId,
    operator,
    state: isGone ? "gone" : fromSlot === null ? "assigned" : holding,
    lastSlot,
    countedPercent: counted === undefined || !isAsked ? null : counted / 10_000,
    owedFil: filText(owed),
    heldFil: filText(held as AttoFil),
    ask: ask && {
      answerBy: askStart(ask, readGapEnd(store, state)) + params.pinAnswerEpochs,
      depositFil: filText(ask.deposit),
    },
    look: posc?.lookOf(number, of) ?? null,
    check: lastSlot === null ? null : (posc?.checkOf(of, lastSlot) ?? null),
  };
}

function orderView(needs: HandlerNeeds, number: number, pin: Pin): OrderView {
  const { params } = needs.chain;
  const { tipset } = needs.chain.headState();
  const slot = pinSlotAt(params.pinSlotEpochs, tipset.height + 1);
  const holders = pin.replicas.map((replica) => holderView(needs, { ...pin, number }, replica));
  const holding = holders.filter((one) => one.state === "holding").length;
  const running = holding === 0 ? "waiting" : holding < pin.wanted ? "partly" : "held";
  return {
    pin: number,
    cid: pin.cid.toString(),
    buyer: pin.buyer,
    sizeBytes: pin.bytes,
    state: slot >= pin.endSlot ? "ended" : running,
    nodesWanted: pin.wanted,
    nodesHolding: holding,
    priceFilPerGiBPerDay: pricePerDay(pin.price, params),
    slotFil: filText(pinSlotPrice(pin.bytes, pin.price)),
    escrowFil: filText(pin.escrow),
    endHeight: pin.endSlot * params.pinSlotEpochs,
    holders,
    dropped: [...pin.dropped],
  };
}

function nodeView({ chain }: HandlerNeeds, number: number, node: PinNode): NodeView {
  const { store, params } = chain;
  const { state } = chain.headState();
  const listed = listPinPrograms(store, state).find(
    ({ kind, program }) => kind === node.kind && toHex(program) === toHex(node.program),
  );
  const { reports, counted } = pinReportSummary(store, node);
  return {
    node: number,
    operator: node.operator,
    key: node.key,
    peerId: node.peerId,
    kind: node.kind,
    programHex: toHex(node.program),
    program: listed?.name ?? null,
    status: node.status,
    validUntil: node.validUntil,
    stakeFil: filText(node.stake),
    earnedFil: filText(node.earned),
    leastFilPerGiBPerDay: pricePerDay(node.leastPrice, params),
    capacityBytes: node.capacityBytes,
    assignedBytes: node.assignedBytes,
    holds: node.setCount,
    reports,
    countedPercent: counted === undefined ? null : counted / 10_000,
    lastSlot: node.lastSlot,
    openChallenges: node.openChallenges,
    openAsks: node.openAsks,
  };
}
