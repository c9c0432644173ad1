/** Attested pinning as the API shows it: this node's part, the reports of all, looking at them, disputes. */
import type { MethodResult } from "@holdfast/api";
import { encode, filText, parseFil, toHex } from "@holdfast/base";
import { type PinChallenge, pinReportCodec } from "@holdfast/consensus";
import type { Chain } from "./chain/index.ts";
import { limits } from "./limits.ts";
import { pricePerSlot } from "./pin-price.ts";
import { type Posc, poscErrors, type StoredReport } from "./posc/index.ts";
import { verifiedReport } from "./posc-verify.ts";
import { viewOf } from "./posc-view.ts";
import type { PoscDoor } from "./rpc/index.ts";

type CheckText = MethodResult<"pinReport.show">["check"];

function checkText({ report: { node, samples }, check }: StoredReport, own: number | undefined): CheckText {
  if (node === own) return "own";
  return samples.some(({ block }) => block !== null) ? check : "nothing";
}

function reportView(stored: StoredReport, own: number | undefined): MethodResult<"pinReport.show"> {
  const { report, digest, accuracy, receivedMs } = stored;
  const { node, key, slot, count, added, samples, program } = report;
  return {
    ...{ node, key, slot, count, program, receivedMs },
    check: checkText(stored, own),
    digestHex: toHex(digest),
    previousHex: toHex(report.previous),
    accuracyPercent: accuracy / 10_000,
    added: [...added],
    samples: samples.map(({ pin, root, block, bytes, elapsedMs }) => ({
      ...{ pin, bytes, elapsedMs },
      root: root.toString(),
      block: block?.toString() ?? null,
    })),
    bytesHex: toHex(encode(pinReportCodec, report)),
  };
}

const numberOf = (posc: Posc): number | undefined => posc.status().node;

export function poscDoor(posc: Posc, chain: Chain): PoscDoor {
  return {
    async "posc.join"({ capacityBytes, leastPriceFil }, signal) {
      const leastPrice = pricePerSlot(parseFil(`${leastPriceFil ?? 0}FIL`), chain.params);
      const node = await posc.join({ capacityBytes, leastPrice }, signal as AbortSignal);
      return { node };
    },
    "posc.leave": async (_params, signal) => ({ node: await posc.leave(signal as AbortSignal) }),
    "posc.status"() {
      const { node, entry, slot, lastReport, orders, reports, refused } = posc.status();
      const found = node === undefined ? undefined : viewOf(chain).node(node);
      const { attesting, reason } = entry;
      return {
        node: node ?? null,
        status: found?.status ?? null,
        kind: found?.kind ?? attesting?.kind ?? null,
        programHex: attesting === undefined ? null : toHex(attesting.program),
        keyBoundTo: attesting?.boundTo ?? null,
        validUntil: found?.validUntil ?? null,
        stakeFil: found === undefined ? null : filText(found.stake),
        earnedFil: found === undefined ? null : filText(found.earned),
        ...{ slot, reports, refused },
        lastSlot: found?.lastSlot ?? null,
        lastAccuracyPercent: lastReport?.report.samples.length ? lastReport.accuracy / 10_000 : null,
        orders: orders.all,
        holds: found?.setCount ?? 0,
        openChallenges: found?.openChallenges ?? 0,
        openAsks: found?.openAsks ?? 0,
        reason: reason ?? null,
      };
    },
    "pinReport.ls": (page) => {
      const own = numberOf(posc);
      return posc.reports(page).map((report) => reportView(report, own));
    },
    "pinReport.show"({ node, slot }) {
      const found = posc.report(node, slot);
      if (found === undefined) throw poscErrors.noReport({ what: `of node ${node} for slot ${slot}` });
      return reportView(found, numberOf(posc));
    },
    "pinReport.verify": ({ bytesHex }) => verifiedReport(chain, bytesHex),
    checkOf(node, slot) {
      const found = posc.report(node, slot);
      return found && checkText(found, numberOf(posc));
    },
    lookOf: (order, node) => posc.look(order, node),
    ...disputeDoor(posc, chain),
  };
}

type DisputeCall = "pinReport.inspect" | "pinDispute.open" | "pinDispute.ls" | "posc.ask";

function disputeDoor(posc: Posc, chain: Chain): Pick<PoscDoor, DisputeCall> {
  return {
    async "pinReport.inspect"({ node, slot, sample }, signal) {
      const found = await posc.inspect({ node, slot, sample }, signal);
      return found.map(({ sample: of, place, check, found: end, blocks }) => ({
        ...{ sample: place, pin: of.pin, root: of.root.toString(), check },
        reported: of.block === null ? null : { block: of.block.toString(), answerHex: toHex(of.answer) },
        found: end === undefined ? null : { block: end.block.toString(), answerHex: toHex(end.answer) },
        blocks: blocks.map(({ length }) => length),
      }));
    },
    async "posc.ask"({ node }, signal) {
      if (viewOf(chain).node(node) === undefined) throw poscErrors.noNode({ node });
      const { key, list } = await posc.ask(node, signal);
      return {
        node,
        key: key.key,
        peerId: key.peerId,
        kind: key.evidenceKind,
        programHex: toHex(key.program),
        validUntil: key.validUntil,
        set: list.set.toString(),
        holds: list.count,
      };
    },
    async "pinDispute.open"({ node, slot, sample }, signal) {
      const { place, method, check, message } = await posc.dispute({ node, slot, sample }, signal);
      return { node, slot, sample: place, method, check, message: message.toString() };
    },
    "pinDispute.ls"({ node }) {
      const shown: MethodResult<"pinDispute.ls"> = [];
      for (const one of viewOf(chain).challenges()) {
        if (shown.length >= limits.pinDisputesShown) break;
        if (node === undefined || one.node === node) shown.push(challengeView(one));
      }
      return shown;
    },
  };
}

function challengeView(
  one: PinChallenge & { readonly number: number },
): MethodResult<"pinDispute.ls">[number] {
  const { number: challenge, node, slot, challenger, deposit, answerBy, root, block, answer } = one;
  return {
    ...{ challenge, node, slot, challenger, answerBy },
    depositFil: filText(deposit),
    root: root.toString(),
    block: block.toString(),
    answerHex: toHex(answer),
  };
}
