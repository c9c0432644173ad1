/**
 * Reports of pinning nodes as the chain takes them: one for each node and slot, of the samples that the slot's draw
 * chose, following the node's last one. What is believed of them can be disputed (disputes.ts). The work of a report
 * depends on its samples alone, not on how many nodes or orders there are.
 */
import type { Codec } from "@holdfast/base";
import { c, epoch } from "@holdfast/base";
import type { PinReportFacts } from "../../types/pin-judge.ts";
import { pinReportFault } from "../../types/pin-judge.ts";
import type { PinReport } from "../../types/pin-report.ts";
import {
  pinAccuracy,
  pinReportCodec,
  pinReportDigest,
  pinReportSigningBytes,
} from "../../types/pin-report.ts";
import { pinSlotTag } from "../../types/pin-walk.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { PinBook } from "./book.ts";
import { loadNumbers, programName, setAt } from "./state.ts";

export interface SubmitReport {
  readonly report: PinReport;
}
export const submitReportCodec: Codec<SubmitReport> = c.tuple("SubmitReport", { report: pinReportCodec });

const noEntropy = new Uint8Array(0);

/** The draw of the present slot; `pinReportEarly` in its first epoch, whose draw is not known yet. */
export function slotHash(ctx: ActorContext, slot: number): Uint8Array {
  const start = slot * ctx.params.pinSlotEpochs;
  if (start >= ctx.height) ctx.fail(vmExitCodes.pinReportEarly, `slot ${slot} begins at ${start}`);
  return ctx.rand(epoch(start), pinSlotTag, noEntropy);
}

function factsOf(ctx: ActorContext, book: PinBook, report: PinReport): PinReportFacts {
  const node = book.node(report.node);
  const { root, count } = setAt(node, book.slot);
  const set = loadNumbers(ctx.store, root);
  return {
    networkId: ctx.networkId,
    height: ctx.height,
    slot: book.slot,
    slotHash: slotHash(ctx, book.slot),
    node,
    programExpires: book.programs.get(programName(node))?.expires,
    set: { root, count, at: (place) => set.get(place) },
    samples: ctx.params.pinSamples,
    rootOf: (pin) => book.find(pin)?.cid,
  };
}

/**
 * Takes a report, from whoever brings it; returns its accuracy in millionths, 0 if it counts nothing. The faults of
 * `pinReportFault`, `pinNodeNotFound`.
 */
export function submitReport(ctx: ActorContext, { report }: SubmitReport): number {
  const book = new PinBook(ctx);
  const fault = pinReportFault(report, factsOf(ctx, book, report), () =>
    ctx.chargeProof("signature", pinReportSigningBytes(report, ctx.networkId).length),
  );
  if (fault !== undefined) ctx.fail(vmExitCodes[fault], `the report of node ${report.node} is refused`);
  const unpaidBefore = notePenalty(ctx, book, report);
  const counted = report.slot >= unpaidBefore ? pinAccuracy(report) : 0;
  const { index } = book.node(report.node);
  const mark = { slot: report.slot, report: pinReportDigest(report), index: index + counted };
  book.enterReport(report.node, mark, report.added);
  noteSlot(book, report.slot);
  book.write();
  return counted;
}

/**
 * After a slot without a report a node with orders earns nothing for some slots, this one included. If no other node
 * reported in the gap either, the chain itself may have stood still: nobody is punished for that.
 */
function notePenalty(ctx: ActorContext, book: PinBook, { node: number, slot }: PinReport): number {
  const node = book.node(number);
  const { lastSlot: newest, slotBefore } = book.state;
  const witness = newest === slot ? slotBefore : newest;
  const { lastSlot } = node;
  const missed = lastSlot !== null && slot > lastSlot + 1 && setAt(node, slot).count > 0;
  if (!missed || witness === null || witness <= lastSlot) return node.unpaidBefore;
  const unpaidBefore = Math.max(node.unpaidBefore, slot + ctx.params.pinPenaltySlots);
  book.setNode(number, { ...node, unpaidBefore });
  return unpaidBefore;
}

function noteSlot(book: PinBook, slot: number): void {
  const { lastSlot } = book.state;
  if (lastSlot !== slot) book.change({ lastSlot: slot, slotBefore: lastSlot });
}
