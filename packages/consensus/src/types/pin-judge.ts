/**
 * What must be true of a report before anybody believes, stores or passes it on: the same for the chain and for every
 * node that hears it by gossip. Each fault has its own exit code; the signature comes last, because it costs most.
 */
import type { CID, Epoch } from "@holdfast/base";
import { equalBytes } from "@holdfast/base";
import type { PinNode } from "./pin.ts";
import type { PinReport } from "./pin-report.ts";
import { isPinReportSigned } from "./pin-report.ts";
import { sampledPlace, sampleSeed } from "./pin-walk.ts";

/** Names of exit codes. */
export type PinReportFault =
  | "pinReportForeign"
  | "pinNodeInactive"
  | "evidenceExpired"
  | "programExpired"
  | "pinReportReplayed"
  | "pinReportLate"
  | "pinReportEarly"
  | "pinSlotHashWrong"
  | "pinReportUnchained"
  | "pinSetWrong"
  | "pinSamplesWrong"
  | "pinAddedInvalid"
  | "pinSignatureInvalid";

/** What the chain says, about the node that the report names and the slot that it is in. */
export interface PinReportFacts {
  readonly networkId: Uint8Array;
  readonly height: Epoch;
  readonly slot: number;
  readonly slotHash: Uint8Array;
  readonly node: PinNode;
  /** When the node's program may run no more; undefined if the list has it no more. */
  readonly programExpires: Epoch | undefined;
  /** The node's orders as the slot began. */
  readonly set: { readonly root: CID; readonly count: number; at(place: number): number | undefined };
  /** `pinSamples` of the network. */
  readonly samples: number;
  /** What an order is for; undefined if it has ended and gone meanwhile. */
  rootOf(pin: number): CID | undefined;
}

/** The first fault, undefined if there is none. `charge` is told before the signature is verified. */
export function pinReportFault(
  report: PinReport,
  facts: PinReportFacts,
  charge: () => void = () => undefined,
): PinReportFault | undefined {
  const { node, height, slot, programExpires } = facts;
  if (report.key !== node.key) return "pinReportForeign";
  if (node.status !== "active") return "pinNodeInactive";
  if (height >= node.validUntil) return "evidenceExpired";
  if (programExpires === undefined || height >= programExpires) return "programExpired";
  if (node.lastSlot !== null && report.slot <= node.lastSlot) return "pinReportReplayed";
  if (report.slot < slot) return "pinReportLate";
  if (report.slot > slot) return "pinReportEarly";
  if (!equalBytes(report.slotHash, facts.slotHash)) return "pinSlotHashWrong";
  if (!equalBytes(report.previous, node.lastReport)) return "pinReportUnchained";
  const { root, count } = facts.set;
  if (!report.set.equals(root) || report.count !== count) return "pinSetWrong";
  if (!areSamplesDrawn(report, facts)) return "pinSamplesWrong";
  if (!report.added.every((pin, index) => pin > (report.added[index - 1] ?? -1))) return "pinAddedInvalid";
  charge();
  return isPinReportSigned(report, facts.networkId) ? undefined : "pinSignatureInvalid";
}

function areSamplesDrawn(report: PinReport, facts: PinReportFacts): boolean {
  const { networkId, samples, set } = facts;
  const { slot, slotHash, key } = report;
  if (report.samples.length !== (set.count === 0 ? 0 : samples)) return false;
  return report.samples.every(({ pin, root, block, answer, bytes }, index) => {
    const seed = sampleSeed({ networkId, slot, slotHash, key }, index);
    if (set.at(sampledPlace(seed, set.count)) !== pin) return false;
    if (facts.rootOf(pin)?.equals(root) === false) return false;
    return block !== null || (bytes === 0 && answer.every((byte) => byte === 0));
  });
}
