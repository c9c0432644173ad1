/**
 * What can be said of a report's bytes by anybody who has the chain: each check with the code that the chain has for
 * its fault. A report of a slot that is over is compared with what the chain has taken; one of the present slot, which
 * may be on its way into a block, is judged by all the rules of a block.
 */
import type { MethodResult } from "@holdfast/api";
import { decode, epoch, equalBytes, fromHex, HoldfastError, toHex } from "@holdfast/base";
import {
  isPinReportSigned,
  type PinReport,
  pinMarkBefore,
  pinReportCodec,
  pinReportDigest,
  pinReportFault,
  pinSlotTag,
} from "@holdfast/consensus";
import type { Chain } from "./chain/index.ts";
import { poscErrors } from "./posc/index.ts";
import { viewOf } from "./posc-view.ts";

type Verdict = MethodResult<"pinReport.verify">;

const noReport = new Uint8Array(32);

/** `posc/bad-report`. */
export function verifiedReport(chain: Chain, bytesHex: string): Verdict {
  const report = decoded(bytesHex);
  const { slot, key } = report;
  const view = viewOf(chain);
  const node = view.node(report.node);
  const mark = node && view.markOf(node, slot);
  const digest = pinReportDigest(report);
  const onChain = mark === undefined ? "none" : equalBytes(mark.report, digest) ? "this" : "another";
  const check = (name: string, ok: boolean, code: string) => ({ name, ok, code: ok ? null : code });
  // A key answers for what it signed also after a renewal.
  const checks = [
    check("node", node !== undefined, "pinNodeNotFound"),
    check("key", view.nodeOfKey(key) === report.node, "pinReportForeign"),
    check("signature", isPinReportSigned(report, chain.networkId), "pinSignatureInvalid"),
  ];
  const drawn = drawOf(chain, slot * view.slotEpochs);
  if (drawn !== undefined) checks.push(check("draw", equalBytes(drawn, report.slotHash), "pinSlotHashWrong"));
  if (node !== undefined) {
    const previous = pinMarkBefore(chain.store, node, slot)?.report ?? noReport;
    checks.push(check("previous", equalBytes(previous, report.previous), "pinReportUnchained"));
  }
  const facts = view.facts(report.node);
  if (facts !== undefined && onChain === "none") {
    const fault = pinReportFault(report, facts);
    checks.push(check("rules", fault === undefined, fault ?? ""));
  }
  checks.push(
    check("chain", onChain === "this", onChain === "none" ? "pinReportUnknown" : "pinReportReplayed"),
  );
  return {
    ok: checks.every(({ ok }) => ok),
    code: checks.find(({ ok }) => !ok)?.code ?? null,
    ...{ node: report.node, slot, digestHex: toHex(digest), onChain, checks },
  };
}

function decoded(bytesHex: string): PinReport {
  try {
    return decode(pinReportCodec, fromHex(bytesHex));
  } catch (error) {
    throw poscErrors.badReport({ problem: error instanceof Error ? error.message : String(error) });
  }
}

/** Undefined: the chain has not drawn it yet, or this node has that part of the chain no more. */
function drawOf(chain: Chain, start: number): Uint8Array | undefined {
  const head = chain.head();
  if (start > head.height) return undefined;
  try {
    return chain.randomnessBelow(head)(epoch(start), pinSlotTag, new Uint8Array(0));
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}
