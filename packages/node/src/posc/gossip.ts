/**
 * Reports as they are heard: decoded strictly, judged by the chain's own rules before they are passed on, and stored.
 * What is wrong has the name that the chain gives it and is counted under that. A report may be ahead of the head that
 * this node stands on; it waits some heads and is judged anew. Invariants: nothing is passed on that this node has not
 * verified; of one node and slot no more than two reports are kept, because two prove the crime.
 */
import { decode, encode, equalBytes, type GossipVerdict, HoldfastError, toHex } from "@holdfast/base";
import {
  isPinReportSigned,
  type PinReport,
  type PinReportFault,
  pinReportCodec,
  pinReportDigest,
  pinReportFault,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import type { PoscNeeds, PoscView } from "./needs.ts";
import type { PoscStore } from "./store.ts";

export const reportTopic = (network: string): string => `/holdfast/pin/report/1.0.0/${network}`;

/** What is wrong with a report that was heard. */
export type HeardFault = PinReportFault | "malformed" | "unknownNode" | "tooMany" | "known" | "equivocation";

/** Faults that no honest node's report has on any view of the chain: who passes it on has not looked. */
const rejected: ReadonlySet<HeardFault> = new Set(["malformed", "pinReportForeign", "pinSignatureInvalid"]);

/** Faults that go by themselves when this node's head is where the reporter's was. */
const premature: ReadonlySet<HeardFault> = new Set([
  ...(["unknownNode", "pinReportEarly", "pinSlotHashWrong", "pinReportUnchained"] as const),
  ...(["pinSetWrong", "pinSamplesWrong", "evidenceExpired", "programExpired"] as const),
]);

export interface Heard {
  readonly verdict: GossipVerdict;
  readonly fault: HeardFault | undefined;
  readonly report: PinReport | undefined;
}

export interface ReportGossip {
  publish(report: PinReport): Promise<void>;
  /** A report that was in a block: the chain has judged it. */
  take(report: PinReport): void;
  /** The head has moved: what was ahead of it is judged anew. */
  again(): void;
  /** How often each fault was heard. */
  refused(): { readonly [fault: string]: number };
  stop(): void;
}

interface Waiting {
  readonly bytes: Uint8Array;
  /** Heights from which on it is not waited for any more. */
  readonly until: number;
}

/** Signed reports that are ahead of the head, in the order in which they came; the oldest go first. */
class EarlyReports {
  readonly #waiting = new Map<string, Waiting>();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }
  add(digest: Uint8Array, waiting: Waiting): void {
    this.#waiting.set(toHex(digest), waiting);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > limits.pinReportsWaiting && oldest !== undefined) this.#waiting.delete(oldest);
  }
  /** Those for which `isOver` says true wait no more. */
  settle(isOver: (waiting: Waiting) => boolean): void {
    for (const [digest, waiting] of this.#waiting) if (isOver(waiting)) this.#waiting.delete(digest);
  }
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
  const early = new EarlyReports();
  const hear = (bytes: Uint8Array): Heard => {
    const heard = judge(needs, store, bytes);
    const { fault, report } = heard;
    if (report !== undefined && (fault === undefined || fault === "equivocation")) keep(report);
    return heard;
  };
  const refuse = ({ fault, report }: Heard): void => {
    if (fault === undefined || fault === "known") return;
    counts.set(fault, (counts.get(fault) ?? 0) + 1);
    logger.debug("a report is refused", { fault, node: report?.node ?? null });
  };
  const end = wire.subscribe(topic, (bytes) => {
    const heard = hear(bytes);
    const { fault, report, verdict } = heard;
    // Of what is early only what its key has signed: whoever fills the list has to make keys for it.
    if (fault === undefined || report === undefined || !premature.has(fault)) {
      refuse(heard);
      return verdict;
    }
    if (!isPinReportSigned(report, chain.networkId)) {
      refuse({ ...heard, fault: "pinSignatureInvalid" });
      return "reject";
    }
    const { height, slotEpochs } = chain.view();
    early.add(pinReportDigest(report), { bytes, until: height + slotEpochs });
    return verdict;
  });
  return {
    async publish(report) {
      store.insert(report, clock.nowMs());
      await wire.publish(topic, encode(pinReportCodec, report));
    },
    take(report) {
      // A message may fail, and another signature makes no other digest.
      if (!isTaken(chain.view(), report)) return;
      if (isPinReportSigned(report, chain.networkId)) keep(report);
    },
    again() {
      const height = early.isEmpty ? 0 : chain.view().height;
      early.settle(({ bytes, until }) => {
        const heard = hear(bytes);
        if (heard.fault !== undefined && premature.has(heard.fault) && height < until) return false;
        refuse(heard);
        return true;
      });
    },
    refused: () => Object.fromEntries(counts),
    stop: end,
  };
}

function isTaken(view: PoscView, report: PinReport): boolean {
  const node = view.node(report.node);
  const mark = node && view.markOf(node, report.slot);
  return mark !== undefined && equalBytes(mark.report, pinReportDigest(report));
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
