/** Methods about files, puts and deals, and `why`, which knows where to ask. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import { filText, HoldfastError, parseFil } from "@holdfast/base";
import { rpcErrors } from "../errors.ts";
import type { DealDetail, Explanation, HandlerNeeds } from "../needs.ts";
import { policyView, quotesOf } from "./deal-terms.ts";
import { explainIdle, explainOrder } from "./explain-held.ts";
import { explainStorage } from "./explain-storage.ts";
import { whyMessage } from "./messages.ts";
import { minerHandlers } from "./miner.ts";
import { callAs } from "./owner-calls.ts";
import { cidOf, epochsOf, inRounds, messageStateView } from "./views.ts";

type MarketHandlers = Pick<
  ApiHandlers,
  | "deal.ls"
  | "deal.show"
  | "deal.extend"
  | "deal.release"
  | "deal.policy"
  | "deal.redeem"
  | "ask.quote"
  | "file.ls"
  | "file.rm"
  | "file.stat"
  | "folder.ls"
  | "put.quote"
  | "put.start"
  | "put.keep"
  | "put.show"
  | "put.ls"
  | "put.watch"
  | "put.receipt"
  | "why"
>;

export function marketHandlers(needs: HandlerNeeds): MarketHandlers {
  const { market, files } = needs;
  const putOf = (jobId: string): MethodResult<"put.show"> => {
    const found = market.put(jobId);
    if (found === undefined) throw rpcErrors.notFound({ what: `put ${jobId}` });
    return found;
  };
  return {
    "deal.ls": async (page) => [...(await market.deals(page))],
    "deal.show": async ({ dealId }) => {
      const found = await market.deal(dealId);
      if (found === undefined) throw rpcErrors.notFound({ what: `deal ${dealId}` });
      return found;
    },
    ...changeHandlers(needs),
    "file.ls": async (page) => [...market.files(page)],
    "file.rm": async ({ cid }) => ({ cid, removed: await files.remove(cidOf(cid).toString()) }),
    "file.stat": async ({ cid }, signal) => files.stat(cid, signal),
    "folder.ls": ({ cid, path, maxPrice }, signal) => {
      if (maxPrice !== undefined) files.allow(signal, maxPrice);
      return files.list(cid, path, signal);
    },
    "ask.quote": (params) => quotesOf(needs, params),
    "put.quote": async (params) => market.quote(params),
    "put.start": async (params) => market.startPut(params),
    "put.keep": async ({ jobId, ...change }) => {
      putOf(jobId);
      return market.keep(jobId, change);
    },
    "put.show": async ({ jobId }) => putOf(jobId),
    "put.ls": async (page) => [...market.puts(page)],
    "put.watch": ({ jobId }, signal) => {
      putOf(jobId);
      return market.watch(jobId, signal);
    },
    "put.receipt": async ({ jobId }) => {
      putOf(jobId);
      return market.receipt(jobId);
    },
    why: async ({ subject }, signal) => explain(needs, subject, signal),
  };
}

function changeHandlers(
  needs: HandlerNeeds,
): Pick<MarketHandlers, "deal.extend" | "deal.release" | "deal.policy" | "deal.redeem"> {
  const { market, chain } = needs;
  const own = async (id: string): Promise<DealDetail> => {
    const found = await market.deal(id, "client");
    if (found === undefined) throw rpcErrors.notFound({ what: `deal ${id} of this client` });
    return found;
  };
  return {
    "deal.extend": async ({ dealId, forMs, untilHeight, maxPrice, key }) => {
      const deal = await own(dealId);
      const later = forMs === undefined ? undefined : (deal.endHeight ?? 0) + epochsOf(forMs, chain.params);
      const endHeight = untilHeight ?? later;
      if (endHeight === undefined) throw rpcErrors.noTerm({});
      const most = maxPrice === undefined ? undefined : parseFil(maxPrice);
      return market.change(deal.dealId, { kind: "extend", endHeight, maxPrice: most, key });
    },
    "deal.release": async ({ dealId, key }) =>
      market.change((await own(dealId)).dealId, { kind: "release", key }),
    "deal.redeem": async ({ dealId: id }) => {
      const dealId = (await market.deal(id, "miner"))?.dealId;
      const due = dealId === undefined ? undefined : market.redemption(dealId);
      if (due === undefined)
        throw rpcErrors.notFound({ what: `voucher that is due of a deal ${id} of this miner` });
      const { from, amount, adds, ...call } = due;
      // The same voucher again is the same message.
      const sent = await callAs(needs, from, call, { key: `redeem ${dealId} ${amount}` });
      return { ...sent, method: call.method, amountFil: filText(amount), addsFil: filText(adds) };
    },
    "deal.policy": async (given) => policyView(needs, given),
  };
}

async function explain(needs: HandlerNeeds, subject: string, signal: AbortSignal): Promise<Explanation> {
  const dealId = (await needs.market.deal(subject))?.dealId ?? subject;
  const known = await needs.market.explain(dealId);
  if (known !== undefined) return known;
  if (subject === "sync") return explainSync(needs);
  if (subject === "idle") return explainIdle(needs, signal);
  if (subject === "storage") return explainStorage(needs, signal);
  const order = /^pin:(\d{1,15})$/.exec(subject);
  if (order !== null) return (await explainOrder(needs, Number(order[1]), signal)) ?? unknownSubject(subject);
  if (/^\d{1,15}$/.test(subject)) return explainSector(needs, Number(subject), signal);
  return explainMessage(needs, subject);
}

function explainSync({ sync, net, chain }: HandlerNeeds): Explanation {
  const { state, code, reason, fix } = sync.state();
  const heights = [...net.peerHeights().values()];
  const told =
    heights.length === 0
      ? "no peer has told its height"
      : `peers told of heights up to ${Math.max(...heights)}`;
  const bad = sync.badTipsets().filter(({ key, root }) => key === root);
  return {
    subject: "sync",
    kind: "sync",
    state: code === "none" ? state : `${state}, ${code}`,
    light: ({ synced: "ok", syncing: "waiting", stalled: "failing" } as const)[state],
    summary: reason,
    causes: [
      `the head is at height ${chain.head().height}, and ${told}`,
      ...bad.slice(0, 4).map(({ height, reason: why }) => `at height ${height} a block is invalid: ${why}`),
    ],
    fix,
  };
}

const unknownSubject = (subject: string): Explanation => ({
  subject,
  kind: "unknown",
  state: "unknown",
  light: "failing",
  summary: "this node knows no deal, put, message, sector or order of pinning by this name",
  causes: ["the id may belong to another node, or be cut off"],
  fix: "list what there is: holdfast deals, holdfast jobs, holdfast message ls, holdfast sector ls, holdfast pin ls",
});

function explainMessage(needs: HandlerNeeds, subject: string): Explanation {
  const found = messageOf(needs, subject);
  if (found === undefined) return unknownSubject(subject);
  const { receipt, state, confirmations, message } = found;
  if (state === "pending") {
    return {
      subject,
      kind: "message",
      state: "waiting",
      light: "waiting",
      summary: `${message.method || "the transfer"} waits for a block`,
      ...pendingCauses(needs, message.cid),
    };
  }
  const failed = receipt !== null && receipt.exitCode !== 0;
  return {
    subject,
    kind: "message",
    state: failed ? "failed" : "mined",
    light: failed ? "failing" : "ok",
    summary: failed
      ? receipt.meaning
      : `${message.method || "the transfer"} took effect at height ${found.height}`,
    causes: failed
      ? [`exit code ${receipt.exitCode} of ${message.method || "a transfer"} to ${message.to}`]
      : [`${confirmations} rounds lie on top of it`],
    fix: failed ? "correct the cause and send the message again; its gas is spent" : null,
  };
}

function pendingCauses(needs: HandlerNeeds, cid: string): Pick<Explanation, "causes" | "fix"> {
  const { reasons } = whyMessage(needs, cid);
  const sync = needs.sync.state();
  return {
    causes: [...reasons.map(({ detail }) => detail), ...(sync.state === "synced" ? [] : [sync.reason])],
    fix: reasons.find(({ fix }) => fix !== null)?.fix ?? null,
  };
}

function messageOf(needs: HandlerNeeds, subject: string): MethodResult<"message.show"> | undefined {
  try {
    const found = needs.sender.find(cidOf(subject));
    return found === undefined ? undefined : messageStateView(needs.chain, found.message, found.mined);
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

async function explainSector(
  needs: HandlerNeeds,
  sectorId: number,
  signal: AbortSignal,
): Promise<Explanation> {
  const sector = await minerHandlers(needs)["sector.show"]({ sectorId }, signal);
  const subject = String(sectorId);
  const base = { subject, kind: "sector" as const, state: sector.state };
  if (sector.state === "active") {
    const proven =
      sector.lastProvenAt === null
        ? "its first proof is due in the next proving period"
        : `its last proof was accepted at ${sector.lastProvenAt}`;
    return { ...base, light: "ok", summary: "the sector counts", causes: [proven], fix: null };
  }
  if (sector.state === "faulty") {
    return {
      ...base,
      light: "failing",
      summary: "the sector gives no power until it is proven again",
      causes: [sector.detail, "a proof was missed or a fault was declared"],
      fix: "the node declares the recovery by itself when the replica can be read: holdfast mine status",
    };
  }
  const failed = sector.state === "failed" || sector.detail !== "";
  return {
    ...base,
    light: failed ? "failing" : "waiting",
    summary: sector.detail || stepOf(sector.state, needs),
    causes: [stepOf(sector.state, needs)],
    fix: failed ? "look at the node's log; the step is tried again every few rounds" : null,
  };
}

function stepOf(state: string, { chain }: HandlerNeeds): string {
  const delay = inRounds(chain.params.sealChallengeDelayEpochs, chain.params);
  const words: { readonly [State in string]?: string } = {
    staging: "it takes in pieces until it is full or old enough",
    closing: "it waits for the seal to start",
    sealing: "its replica is being made",
    sealed: `its commitment goes onto the chain, then it is challenged after ${delay}`,
    proving: "the proof of its replica is being made",
    proved: "its proof goes onto the chain",
    expired: "its life is over",
    failed: "a step failed for good",
  };
  return words[state] ?? state;
}
