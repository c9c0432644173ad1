/**
 * Looking at others' reports: some samples of each, chosen by this node and not by whoever reported. Content that is
 * here is walked here; for other content the reporter is asked for the blocks of the walk. What they lead to settles
 * it: to what was reported, fine; to something else, then the blocks are the evidence, and the chain takes the stake;
 * nothing comes, then the chain asks, and the node must show the blocks to everybody or loses the same. So nobody's
 * word is taken, the checker's neither. However many nodes there are, a node looks at as many reports in a slot, each
 * as likely as any other, and so each report is looked at by as many.
 */
import { type Cancel, type CID, encode, equalBytes, type PeerId } from "@holdfast/base";
import {
  methods,
  type PinReport,
  type PinSample,
  pinReportDigest,
  pinSlotAt,
  sampleSeed,
  type WalkEnd,
  walkBlocks,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { poscErrors } from "./errors.ts";
import type { PoscNeeds } from "./needs.ts";
import { walkLocally } from "./report.ts";
import { untriedKey } from "./sending.ts";
import type { PoscStore, ReportCheck } from "./store.ts";
import { askWalk } from "./walks.ts";

export interface Checks {
  /**
   * Looks at it some time if it is drawn, as all are where there are few nodes; of what waits beyond the bound the
   * oldest is passed over. If it is not, and of `bought`, only at samples of orders that this node's accounts pay for,
   * and silence is noted and not challenged: a deposit is the owner's to give.
   */
  add(report: PinReport, bought?: boolean): void;
  /** Looks at one sample now, whatever has been found before. */
  inspect(report: PinReport, sample: number): Promise<Outcome>;
  /** Takes it to the chain: blocks of another walk disprove it, without them the node is asked. */
  dispute(report: PinReport, sample: number, outcome: Outcome): Promise<Disputed>;
  equivocation(first: PinReport, second: PinReport): void;
  /** What waits for the chain to take a report is looked at anew. */
  headMoved(): void;
  /** Resolves when no report waits to be looked at. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface Outcome {
  readonly check: ReportCheck;
  /** Where the walk really leads, if anybody has shown its blocks. */
  readonly found?: WalkEnd;
  /** Of that walk, from the root: of a lie they are the evidence. */
  readonly blocks?: readonly Uint8Array[];
}

interface Dispute {
  readonly report: PinReport;
  readonly sample: number;
  readonly outcome: Outcome;
}

export interface Disputed {
  readonly method: "disprove" | "challengeSample";
  readonly message: CID;
}

type ChecksNeeds = Pick<
  PoscNeeds,
  "chain" | "pins" | "sender" | "wire" | "clock" | "random" | "logger" | "challengeDeposit"
>;

export function openChecks(needs: ChecksNeeds, store: PoscStore): Checks {
  return new CheckLoop(needs, store);
}

const isSame = (end: WalkEnd, { block, answer, bytes }: PinSample): boolean =>
  block?.equals(end.block) === true && equalBytes(end.answer, answer) && end.bytes === bytes;

const outcomeOf = (found: WalkEnd, sample: PinSample, blocks: readonly Uint8Array[]): Outcome => ({
  ...{ found, blocks },
  check: isSame(found, sample) ? "confirmed" : "false",
});

const answeredIn = ({ samples }: PinReport): readonly number[] =>
  samples.flatMap(({ block }, place) => (block === null ? [] : [place]));

function keyOf({ report: { node, slot }, sample, outcome: { check, blocks } }: Dispute): string {
  const isDisproof = check === "false" && blocks !== undefined;
  return isDisproof ? `pin disproof:${node}:${slot}` : `pin challenge:${node}:${slot}:${sample}`;
}

class CheckLoop implements Checks {
  readonly #needs: ChecksNeeds;
  readonly #store: PoscStore;
  readonly #waiting: { readonly report: PinReport; readonly bought: boolean }[] = [];
  /** What is to go to the chain once it has taken the report. */
  readonly #disputes: Dispute[] = [];
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  /** What was sent, and its key: a branch of the chain refuses what comes before the report, and that is sent again. */
  readonly #sent: { readonly dispute: Dispute; readonly key: string }[] = [];
  /** What is on its way to the chain. */
  readonly #taking = new Set<Promise<void>>();
  /** Challenges of a slot. */
  #challenged: { readonly slot: number; count: number } = { slot: -1, count: 0 };

  constructor(needs: ChecksNeeds, store: PoscStore) {
    this.#needs = needs;
    this.#store = store;
  }

  add(report: PinReport, bought = false): void {
    if (this.#stop.signal.aborted || this.#needs.pins === undefined) return;
    const asBuyer = bought || !this.#isDrawn();
    if (asBuyer && this.#ours(report).length === 0) return;
    this.#waiting.push({ report, bought: asBuyer });
    if (this.#waiting.length > limits.pinChecksWaiting) this.#waiting.shift();
    this.#running ??= this.#run();
  }

  equivocation(first: PinReport, second: PinReport): void {
    const { node, slot } = first;
    this.#needs.logger.warn("a pinning node signed two reports of a slot", { node, slot });
    this.#goOn(this.#sendEquivocation(first, second));
  }

  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }
  async stop(): Promise<void> {
    this.#waiting.length = 0;
    this.#stop.abort(new Error("the node stops"));
    await this.#running;
    await Promise.all(this.#taking);
  }

  #goOn(taking: Promise<void>): void {
    this.#taking.add(taking);
    void taking.finally(() => this.#taking.delete(taking));
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#look(next.report, next.bought);
      } catch (error) {
        const { node, slot } = next.report;
        this.#needs.logger.debug("a report could not be looked at", { node, slot, detail: String(error) });
      }
    }
    this.#running = undefined;
  }

  async #look(report: PinReport, bought: boolean): Promise<void> {
    const chosen = this.#choose(bought ? this.#ours(report) : answeredIn(report));
    if (chosen.length === 0) return;
    let worst: ReportCheck = "confirmed";
    for (const place of chosen) {
      const outcome = await this.inspect(report, place);
      if (outcome.check === "confirmed") continue;
      worst = outcome.check;
      if (outcome.check === "false" || (outcome.check === "silent" && !bought))
        this.#disputes.push({ report, sample: place, outcome });
      break;
    }
    const { node, slot } = report;
    this.#store.checked(node, slot, worst);
    if (worst !== "confirmed")
      this.#needs.logger.warn("a report is not confirmed", { node, slot, check: worst });
    if (this.#disputes.length > limits.pinDisputesWaiting) this.#disputes.shift();
    this.headMoved();
  }

  /** A report is heard before a block has it, and the chain judges only what it has taken. */
  headMoved(): void {
    if (this.#disputes.length + this.#sent.length === 0 || this.#stop.signal.aborted) return;
    const view = this.#needs.chain.view();
    const slot = pinSlotAt(view.slotEpochs, view.height + 1);
    this.#lookAtSent(slot - view.disputeSlots);
    for (const one of this.#disputes.splice(0)) {
      const { report } = one;
      const node = view.node(report.node);
      const mark = node && view.markOf(node, report.slot);
      if (mark !== undefined && equalBytes(mark.report, pinReportDigest(report))) this.#goOn(this.#take(one));
      else if (slot <= report.slot + view.disputeSlots) this.#disputes.push(one);
    }
  }

  /** What the chain has refused is taken to it again, as long as there are tries. */
  #lookAtSent(oldestSlot: number): void {
    const { sender } = this.#needs;
    for (const { dispute, key } of this.#sent.splice(0)) {
      if (dispute.report.slot < oldestSlot) continue;
      if (!sender.isRefused(key)) this.#sent.push({ dispute, key });
      else if (untriedKey(sender, keyOf(dispute)) !== key) this.#disputes.push(dispute);
    }
  }

  /** By this node's own randomness, with a chance that makes as many of a slot as are looked at. */
  #isDrawn(): boolean {
    const others = this.#needs.chain.view().activeNodes() - 1;
    if (others <= limits.pinChecksPerSlot) return true;
    const [a = 0, b = 0, c = 0, d = 0] = this.#needs.random.bytes(4);
    return (((a * 256 + b) * 256 + c) * 256 + d) * others < limits.pinChecksPerSlot * 2 ** 32;
  }

  #ours(report: PinReport): readonly number[] {
    const { chain, sender } = this.#needs;
    const view = chain.view();
    return answeredIn(report).filter((place) => {
      const buyer = view.buyerOf(report.samples[place]?.pin ?? -1);
      return buyer !== undefined && sender.isOwn(buyer);
    });
  }

  /** By this node's own randomness: whoever reports cannot know. */
  #choose(places: readonly number[]): readonly number[] {
    const left = [...places];
    const chosen: number[] = [];
    while (left.length > 0 && chosen.length < limits.pinChecksPerReport) {
      const [high = 0, low = 0] = this.#needs.random.bytes(2);
      chosen.push(...left.splice((256 * high + low) % left.length, 1));
    }
    return chosen;
  }

  async inspect(report: PinReport, place: number): Promise<Outcome> {
    const { chain, pins } = this.#needs;
    const sample = report.samples[place];
    if (sample === undefined || pins === undefined) return { check: "unchecked" };
    const { slot, slotHash, key, node } = report;
    const seed = sampleSeed({ networkId: chain.networkId, slot, slotHash, key }, place);
    const here = await walkLocally(seed, sample.root, (cid) => pins.block(cid), limits.pinWalkBytes);
    if (here !== undefined) return outcomeOf(here.end, sample, here.blocks);
    const peer = chain.view().node(node)?.peerId;
    if (peer === undefined) return { check: "unchecked" };
    const blocks = await this.#ask(peer as PeerId, { node, slot, sample: place });
    const end = walkBlocks(seed, sample.root, blocks);
    if (end === undefined) return { check: "silent" };
    return outcomeOf(end, sample, blocks);
  }

  /** Who cannot be reached is silent: to be there is part of what is paid for. */
  async #ask(
    peer: PeerId,
    request: { readonly node: number; readonly slot: number; readonly sample: number },
  ): Promise<readonly Uint8Array[]> {
    const signal: Cancel = this.#stop.signal;
    try {
      return await askWalk(this.#needs, peer, request, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#needs.logger.debug("a pinning node shows no blocks", { peer, detail: String(error) });
      return [];
    }
  }

  /** What was found by itself: bounded in what it costs, and told in the log. */
  async #take(one: Dispute): Promise<void> {
    const { report, sample, outcome } = one;
    const { node, slot } = report;
    const { logger, sender } = this.#needs;
    if (outcome.check === "silent" && !sender.isRefused(keyOf(one))) {
      if (this.#challenged.slot !== slot) this.#challenged = { slot, count: 0 };
      if (this.#challenged.count >= limits.pinChallengesPerSlot) return;
      this.#challenged.count += 1;
    }
    try {
      const key = untriedKey(sender, keyOf(one));
      const { method } = await this.dispute(report, sample, outcome);
      this.#sent.push({ dispute: one, key });
      if (this.#sent.length > limits.pinDisputesWaiting) this.#sent.shift();
      logger.info("a disagreement goes to the chain", { method, node, slot });
    } catch (error) {
      // Somebody else was first, or there is no money for it.
      logger.info("a disagreement does not go to the chain", { node, slot, detail: String(error) });
    }
  }

  async dispute(report: PinReport, sample: number, outcome: Outcome): Promise<Disputed> {
    const { sender } = this.#needs;
    const { check, blocks } = outcome;
    const key = untriedKey(sender, keyOf({ report, sample, outcome }));
    if (check === "false" && blocks !== undefined) {
      const params = encode(methods.pins.disprove.params, { report, sample, blocks });
      return { method: "disprove", message: await sender.send({ method: "disprove", key, params }) };
    }
    const value = this.#needs.challengeDeposit();
    if (value === undefined) throw poscErrors.noDeposit({});
    const params = encode(methods.pins.challengeSample.params, { report, sample });
    const message = await sender.send({ method: "challengeSample", key, params, value });
    return { method: "challengeSample", message };
  }

  async #sendEquivocation(first: PinReport, second: PinReport): Promise<void> {
    const { sender, logger } = this.#needs;
    const { node, slot } = first;
    const method = "reportEquivocation";
    const params = encode(methods.pins.reportEquivocation.params, { first, second });
    try {
      const key = untriedKey(sender, `pin equivocation:${node}:${slot}`);
      await sender.send({ method, key, params });
      logger.info("a disagreement goes to the chain", { method, node, slot });
    } catch (error) {
      logger.info("a disagreement does not go to the chain", { node, slot, detail: String(error) });
    }
  }
}
