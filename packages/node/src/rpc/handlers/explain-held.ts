/** Why an order of pinning is not held by all of its nodes, and why idle space does not count (yet). */
import type { MethodResult } from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import { isInOffice, pinSlotAt, readIdleVerifiers } from "@holdfast/consensus";
import type { Explanation, HandlerNeeds } from "../needs.ts";
import { idleHandlers } from "./idle.ts";
import { pinOrderHandlers } from "./pin-orders.ts";

type Order = MethodResult<"pinOrder.show">;
type Told = Pick<Explanation, "light" | "summary" | "fix">;

/** Undefined if there is no such order. */
export async function explainOrder(
  needs: HandlerNeeds,
  pin: number,
  signal: AbortSignal,
): Promise<Explanation | undefined> {
  let order: Order;
  try {
    order = await pinOrderHandlers(needs)["pinOrder.show"]({ pin }, signal);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "rpc/no-order") return undefined;
    throw error;
  }
  const { chain } = needs;
  const slot = pinSlotAt(chain.params.pinSlotEpochs, chain.headState().tipset.height + 1);
  return {
    subject: String(pin),
    kind: "pin",
    state: order.state,
    causes: [
      ...(order.holders.length < order.nodesWanted
        ? [
            `${order.holders.length} of ${order.nodesWanted} places have a node: no other had room and took the price`,
          ]
        : []),
      ...order.holders.map((one) => holderText(one, slot)),
      ...order.holders.flatMap(askText),
      ...order.dropped.map(
        (node) =>
          `node ${node} was asked by the buyer and showed nothing in time: it lost the place, and what was held back`,
      ),
    ],
    ...orderTold(order),
  };
}

function holderText({ node, state, lastSlot, countedPercent }: Order["holders"][number], slot: number) {
  const last = lastSlot === null ? "it has never reported" : `its last report is of slot ${lastSlot}`;
  if (state === "holding" && countedPercent === null)
    return `node ${node} says that it has it, and is asked about it from its next report on`;
  if (state === "holding")
    return `node ${node} holds it: its report for slot ${lastSlot} counted ${countedPercent} %`;
  if (state === "assigned")
    return `node ${node} was drawn and fetches it; it counts from the slot after it first reports to have it`;
  if (state === "silent") return `node ${node} is silent: ${last}, and it is slot ${slot}`;
  return `node ${node} is gone: it left, was expelled, or its evidence has ended`;
}

function askText({ node, ask, look }: Order["holders"][number]): readonly string[] {
  if (ask !== null)
    return [`node ${node} is asked by the buyer, and can show it until height ${ask.answerBy}`];
  if (look === null || look.missed === 0) return [];
  const found = look.found === "silent" ? "nothing" : "other blocks";
  return [`node ${node} has shown this node ${found} for ${look.missed} slots`];
}

function orderTold(order: Order): Told {
  const { pin, state, nodesHolding, nodesWanted, holders } = order;
  const [held, repair] = [
    `${nodesHolding} of ${nodesWanted} nodes hold it`,
    `\`holdfast pin repair ${pin}\``,
  ];
  if (state === "ended")
    return { light: "ok", summary: "its time is over", fix: `holdfast pin settle ${pin}` };
  if (state === "held")
    return unshownTold(order) ?? lossTold(order) ?? { light: "ok", summary: held, fix: null };
  if (holders.some((one) => one.state === "gone" || one.state === "silent"))
    return { light: "failing", summary: held, fix: `${repair} draws others for who is gone or silent` };
  if (holders.length < nodesWanted)
    return { light: "failing", summary: held, fix: `${repair} draws more, once \`pin node ls\` shows some` };
  return { light: "waiting", summary: held, fix: null };
}

/** A node that reports and does not show this order to its buyer. */
function unshownTold({ pin, holders }: Order): Told | undefined {
  const unshown = holders.filter(({ ask, look }) => ask === null && look !== null && look.missed > 1);
  if (unshown.length === 0) return undefined;
  return {
    light: "failing",
    summary: `${unshown.length} of its nodes do not show it when this node looks`,
    fix: `holdfast pin ask ${pin} ${unshown[0]?.node}`,
  };
}

/** A node that is there and has lost blocks is paid for what it answers, and fetches them anew when it is told to. */
function lossTold({ holders, nodesWanted }: Order): Told | undefined {
  const lossy = holders.filter(
    ({ state, countedPercent }) => state === "holding" && (countedPercent ?? 100) < 100,
  );
  if (lossy.length === 0) return undefined;
  return {
    light: "failing",
    summary: `${lossy.length} of ${nodesWanted} nodes miss some of it, and are paid for what they have alone`,
    fix: "on such a node: `holdfast pin local ls`, then `holdfast pin local retry ID`",
  };
}

/** `rpc/no-sectors`, `rpc/no-idle-space`. */
export async function explainIdle(needs: HandlerNeeds, signal: AbortSignal): Promise<Explanation> {
  const status = await idleHandlers(needs)["idle.status"]({}, signal);
  const { state, tipset } = needs.chain.headState();
  const rules = needs.chain.params.idle;
  const all = readIdleVerifiers(needs.chain.store, state);
  const inOffice = all.filter((one) => isInOffice(one, rules, tipset.height + 1)).length;
  const { making, made, lost, certified } = status.layers;
  return {
    subject: "idle",
    kind: "idle",
    causes: [
      status.isRegistered ? "" : "the miner is not registered with the chain; its first layer does it",
      making > 0
        ? `${making} of its kept layers are being made, in memory first, one chain of hashes each`
        : "",
      made > 0
        ? `${made} of its kept layers wait for a certificate; ${inOffice} verifiers are in office`
        : "",
      lost > 0 ? `${lost} of its kept layers are damaged, and made again` : "",
      `${certified} of its kept layers are certified`,
    ].filter((cause) => cause !== ""),
    ...idleTold(status, inOffice),
  };
}

function idleTold(status: MethodResult<"idle.status">, inOffice: number): Told & { readonly state: string } {
  const { onChain, isFilling, layers, front, rear, maxBytes, totalBytes } = status;
  if (onChain !== null && onChain.faultySince !== null)
    return {
      state: "faulty",
      light: "failing",
      summary: `it counts nothing since height ${onChain.faultySince}: ${onChain.missed} challenges were missed, one after another`,
      fix: "it is asked again at every lot, and counts again when it answers; the node's log says what it could not read",
    };
  if (layers.made > 0 && inOffice === 0)
    return {
      state: "waiting",
      light: "failing",
      summary: "nobody is there to certify it",
      fix: "holdfast verifier ls",
    };
  if (!isFilling && rear === front)
    return {
      state: "off",
      light: "waiting",
      summary: "nothing is to be filled",
      fix: "holdfast idle fill --node NAME",
    };
  if (maxBytes !== null && totalBytes > maxBytes)
    return {
      state: "draining",
      light: "waiting",
      summary: "it is given back, on the chain before on the disk",
      fix: null,
    };
  if (layers.making + layers.made + layers.lost > 0)
    return { state: "filling", light: "waiting", summary: "more of it is on its way", fix: null };
  return { state: "proven", light: "ok", summary: "the chain knows all of it", fix: null };
}
