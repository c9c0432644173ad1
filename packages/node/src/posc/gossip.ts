/**
 * Reports as they are heard: decoded strictly, judged by the chain's own rules before they are passed on, and stored.
 * What is wrong has the name that the chain gives it and is counted under that. Invariants: nothing is passed on that
 * this node has not verified; of one node and slot no more than two reports are kept, because two prove the crime.
 */
import { decode, encode, equalBytes, type GossipVerdict, HoldfastError } from "@holdfast/base";
import {
  isPinReportSigned,
  type PinReport,
  type PinReportFault,
  pinReportCodec,
  pinReportDigest,
  pinReportFault,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import type { PoscNeeds } from "./needs.ts";
import type { PoscStore } from "./store.ts";

export const reportTopic = (network: string): string => `/holdfast/pin/report/1.0.0/${network}`;

/** What is wrong with a report that was heard. */
export type HeardFault = PinReportFault | "malformed" | "unknownNode" | "tooMany" | "known" | "equivocation";

/** Faults that no honest node's report has on any view of the chain: who passes it on has not looked. */
const rejected: ReadonlySet<HeardFault> = new Set(["malformed", "pinReportForeign", "pinSignatureInvalid"]);

export interface Heard {
  readonly verdict: GossipVerdict;
  readonly fault: HeardFault | undefined;
  readonly report: PinReport | undefined;
}

export interface ReportGossip {
  publish(report: PinReport): Promise<void>;
  /** A report that was in a block: the chain has judged it. */
  take(report: PinReport): void;
  /** How often each fault was heard. */
  refused(): { readonly [fault: string]: number };
  stop(): void;
}

export function openReportGossip(
  needs: Pick<PoscNeeds, "chain" | "wire" | "clock" | "logger">,
  store: PoscStore,
  told: {
    /** A new report of another node, good by all that the chain says. */
    readonly onReport: (report: PinReport) => void;
    /** Two that a key signed for one slot. */
    readonly onEquivocation: (first: PinReport, second: PinReport) => void;
  },
): ReportGossip {
  const { chain, wire, clock, logger } = needs;
  const topic = reportTopic(chain.network);
  const counts = new Map<string, number>();
  const keep = (report: PinReport): void => {
    const [other] = store.of(report.node, report.slot);
    if (!store.insert(report, clock.nowMs())) return;
    if (other !== undefined) told.onEquivocation(other.report, report);
    else told.onReport(report);
  };
  const hear = (bytes: Uint8Array): Heard => {
    const heard = judge(needs, store, bytes);
    const { fault, report } = heard;
    if (report !== undefined && (fault === undefined || fault === "equivocation")) keep(report);
    return heard;
  };
  const end = wire.subscribe(topic, (bytes) => {
    const { verdict, fault, report } = hear(bytes);
    if (fault !== undefined && fault !== "known") {
      counts.set(fault, (counts.get(fault) ?? 0) + 1);
      logger.debug("a report is refused", { fault, node: report?.node ?? null, slot: report?.slot ?? null });
    }
    return verdict;
  });
  return {
    async publish(report) {
      store.insert(report, clock.nowMs());
      await wire.publish(topic, encode(pinReportCodec, report));
    },
    take(report) {
      const facts = chain.view().facts(report.node);
      const mark = facts && chain.view().markOf(facts.node, report.slot);
      // A message may fail, and another signature makes no other digest.
      if (mark === undefined || !equalBytes(mark.report, pinReportDigest(report))) return;
      if (isPinReportSigned(report, chain.networkId)) keep(report);
    },
    refused: () => Object.fromEntries(counts),
    stop: end,
  };
}

/** Pure but for what is stored: the same bytes on the same head have the same verdict. */
export function judge(
  { chain }: Pick<PoscNeeds, "chain">,
  store: Pick<PoscStore, "of">,
  bytes: Uint8Array,
): Heard {
  const say = (fault: HeardFault | undefined, report?: PinReport): Heard => {
    const verdict = fault === undefined ? "accept" : rejected.has(fault) ? "reject" : "ignore";
    return { verdict, fault, report };
  };
  const report = decoded(bytes);
  if (report === undefined) return say("malformed");
  const view = chain.view();
  const facts = view.facts(report.node);
  if (facts === undefined) return say("unknownNode", report);
  const stored = store.of(report.node, report.slot);
  const digest = pinReportDigest(report);
  if (stored.some((one) => equalBytes(one.digest, digest))) return say("known", report);
  if (stored.length > 1) return say("tooMany", report);
  // Another one of this slot is here: whatever else is true of it, its signature proves what its signer did.
  if (stored.length === 1) {
    const isCrime = report.key === facts.node.key && isPinReportSigned(report, facts.networkId);
    return say(isCrime ? "equivocation" : "pinSignatureInvalid", report);
  }
  // What the chain took a moment ago is no replay for who hears it only now.
  const mark = view.markOf(facts.node, report.slot);
  if (mark !== undefined && equalBytes(mark.report, digest))
    return say(isPinReportSigned(report, facts.networkId) ? undefined : "pinSignatureInvalid", report);
  return say(pinReportFault(report, facts), report);
}

function decoded(bytes: Uint8Array): PinReport | undefined {
  try {
    return decode(pinReportCodec, bytes, { maxBytes: limits.pinReportBytes });
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}
