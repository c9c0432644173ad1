/**
 * `/fil/pin/reports/1.0.0`: reports of slots in which this node did not run, asked of whoever is connected. The chain
 * has taken a report by its digest, so what comes is the report itself or nothing: nobody has to be believed. Looks at
 * the slots of the past once after a start, some at each head, and then at each slot that has ended.
 */
import { type Cancel, type Clock, c, decode, encode, equalBytes, type PeerId } from "@holdfast/base";
import { type PinReport, pinReportCodec, pinSlotAt } from "@holdfast/consensus";
import { FrameReader, sendFrame, sendMessage, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { ServingGate } from "../serving-gate.ts";
import { poscErrors } from "./errors.ts";
import type { PoscNeeds, PoscView } from "./needs.ts";
import type { PoscStore } from "./store.ts";

export const reportsProtocol = "/fil/pin/reports/1.0.0";

interface Wanted {
  readonly node: number;
  readonly slot: number;
}
const wantedCodec = c.tuple("WantedReport", { node: c.uint(), slot: c.uint() });
export const reportsRequestCodec = c.list(wantedCodec, limits.pinReportsAsked);
/** Of one node and slot at most two are kept. */
const reportsOfSlot = 2;

export interface History {
  /** The head has moved. */
  look(view: PoscView): void;
  /** Resolves when nothing is asked for. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

type HistoryNeeds = Pick<PoscNeeds, "wire" | "clock" | "logger">;

/** `take` is given what may be a report that the chain has taken, and looks whether it is. */
export function openHistory(
  needs: HistoryNeeds,
  store: PoscStore,
  take: (report: PinReport) => void,
): History {
  return new HistoryLoop(needs, store, take);
}

class HistoryLoop implements History {
  readonly #needs: HistoryNeeds;
  readonly #store: PoscStore;
  readonly #take: (report: PinReport) => void;
  readonly #stop = new AbortController();
  readonly #endServing: () => void;
  #running: Promise<void> | undefined;
  /** The first slot that has not been looked at. */
  #next: number | undefined;
  /** How often those slots were asked for in vain. */
  #tries = 0;
  /** How many of their reports missed before. */
  #missed = Number.POSITIVE_INFINITY;
  /** Whom it is asked of first; turns, so that nobody is asked all the time. */
  #turn = 0;

  constructor(needs: HistoryNeeds, store: PoscStore, take: (report: PinReport) => void) {
    this.#needs = needs;
    this.#store = store;
    this.#take = take;
    this.#endServing = serveReports(needs, store, this.#stop.signal);
  }

  look(view: PoscView): void {
    if (this.#running !== undefined || this.#stop.signal.aborted) return;
    // Who reaches nobody has asked nobody in vain.
    if (this.#needs.wire.peers().length === 0) return;
    const slot = pinSlotAt(view.slotEpochs, view.height + 1);
    const first = this.#next ?? Math.max(0, slot - limits.pinReportSlots);
    // A report can come into a block until its slot is over.
    const end = Math.min(slot - 1, first + limits.pinReportSlotsAtOnce);
    if (first >= end) return;
    const missing = missingIn(view, this.#store, first, end);
    // What has brought something is no try: of many nodes one request does not get all.
    if (missing.length < this.#missed) this.#tries = 0;
    const isLast = missing.length === 0 || this.#tries >= limits.pinReportTries;
    const start = (this.#tries * limits.pinReportsAsked) % Math.max(1, missing.length);
    this.#tries = isLast ? 0 : this.#tries + 1;
    this.#missed = isLast ? Number.POSITIVE_INFINITY : missing.length;
    this.#next = isLast ? end : first;
    if (isLast) return;
    this.#running = this.#ask([...missing.slice(start), ...missing.slice(0, start)]).finally(() => {
      this.#running = undefined;
    });
  }
  async settled(): Promise<void> {
    await this.#running;
  }
  async stop(): Promise<void> {
    this.#endServing();
    this.#stop.abort(poscErrors.stopped({}));
    await this.#running;
  }

  /** One peer after the other, for what is left. */
  async #ask(missing: readonly Wanted[]): Promise<void> {
    const { wire, logger } = this.#needs;
    const peers = wire.peers();
    let left = missing.slice(0, limits.pinReportsAsked);
    for (
      let tried = 0;
      tried < Math.min(peers.length, limits.pinReportPeers) && left.length > 0;
      tried += 1
    ) {
      const peer = peers[(this.#turn + tried) % peers.length]?.id;
      if (peer === undefined || this.#stop.signal.aborted) break;
      try {
        for (const report of await askReports(this.#needs, peer, left, this.#stop.signal)) this.#take(report);
      } catch (error) {
        logger.debug("a peer gives no reports of the past", { peer, detail: String(error) });
      }
      left = left.filter(({ node, slot }) => this.#store.of(node, slot).length === 0);
    }
    this.#turn += 1;
    if (left.length > 0)
      logger.debug("reports of the past are with nobody who was asked", { count: left.length });
  }
}

/** What the chain has taken in these slots and is not here. */
function missingIn(view: PoscView, store: PoscStore, first: number, end: number): readonly Wanted[] {
  const missing: Wanted[] = [];
  for (let number = 0; number < view.nodeCount(); number += 1) {
    const node = view.node(number);
    if (node === undefined || node.lastSlot === null || node.lastSlot < first) continue;
    for (let slot = first; slot < end; slot += 1) {
      const mark = view.markOf(node, slot);
      if (mark === undefined) continue;
      const isHere = store.of(number, slot).some(({ digest }) => equalBytes(digest, mark.report));
      if (!isHere) missing.push({ node: number, slot });
    }
  }
  return missing;
}

function serveReports(
  { wire, clock }: { readonly wire: Pick<PoscNeeds["wire"], "handle">; readonly clock: Clock },
  store: PoscStore,
  outer: Cancel,
): () => void {
  const gate = new ServingGate(clock, limits.pinReportShares);
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: reportsProtocol, outer };
  return wire.handle(reportsProtocol, async (stream) => {
    if (!gate.enter(stream.peer)) return stream.abort(poscErrors.stopped({}));
    try {
      await withDeadline(clock, options, async (signal) => {
        const wanted = await new FrameReader(stream, limits.pinReportsRequestBytes).readMessage(
          reportsRequestCodec,
          signal,
        );
        for (const { node, slot } of wanted ?? []) {
          for (const { report } of store.of(node, slot).slice(0, reportsOfSlot)) {
            const bytes = encode(pinReportCodec, report);
            gate.spend(stream.peer, bytes.length);
            await sendFrame(stream, bytes, signal);
          }
        }
        await stream.closeWrite();
      });
    } catch (error) {
      stream.abort(error instanceof Error ? error : poscErrors.stopped({}, error));
    } finally {
      gate.leave(stream.peer);
    }
  });
}

/** Reports as they came, unchecked; what is none ends the answer. `wire/…`, `net/…`. */
function askReports(
  { wire, clock }: Pick<HistoryNeeds, "wire" | "clock">,
  peer: PeerId,
  wanted: readonly Wanted[],
  outer: Cancel,
): Promise<readonly PinReport[]> {
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: reportsProtocol, outer };
  return withDeadline(clock, options, async (signal) => {
    const stream = await wire.open(peer, reportsProtocol, signal);
    try {
      await sendMessage(stream, reportsRequestCodec, wanted, signal);
      await stream.closeWrite();
      const reader = new FrameReader(stream, limits.pinReportBytes);
      const reports: PinReport[] = [];
      while (reports.length < reportsOfSlot * wanted.length) {
        const bytes = await reader.read(signal);
        if (bytes === undefined) break;
        reports.push(decode(pinReportCodec, bytes, { maxBytes: limits.pinReportBytes }));
      }
      return reports;
    } finally {
      stream.abort(poscErrors.stopped({}));
    }
  });
}
