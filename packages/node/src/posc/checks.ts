/**
 * Looking at others' reports: some samples of each, chosen by this node and not by whoever reported. Content that is
 * here is walked here; for other content the reporter is asked for the blocks of the walk. What they lead to settles
 * it: to what was reported, fine; to something else, then the blocks are the evidence, and the chain takes the stake;
 * nothing comes, then the chain asks, and the node must show the blocks to everybody or loses the same. So nobody's
 * word is taken, the checker's neither.
 */
import { type Cancel, encode, equalBytes, type PeerId } from "@holdfast/base";
import {
  methods,
  type PinReport,
  type PinSample,
  sampleSeed,
  type WalkEnd,
  walkBlocks,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import type { PoscNeeds } from "./needs.ts";
import { walkLocally } from "./report.ts";
import type { PoscStore, ReportCheck } from "./store.ts";
import { askWalk } from "./walks.ts";

export interface Checks {
  /** Looks at it some time; more than wait at most are passed over, the oldest first. */
  add(report: PinReport): void;
  equivocation(first: PinReport, second: PinReport): void;
  /** Resolves when nothing waits. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface Outcome {
  readonly check: ReportCheck;
  /** Of a lie: the blocks of the true walk. */
  readonly blocks?: readonly Uint8Array[];
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

class CheckLoop implements Checks {
  readonly #needs: ChecksNeeds;
  readonly #store: PoscStore;
  readonly #waiting: PinReport[] = [];
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  /** Challenges of a slot. */
  #challenged: { readonly slot: number; count: number } = { slot: -1, count: 0 };

  constructor(needs: ChecksNeeds, store: PoscStore) {
    this.#needs = needs;
    this.#store = store;
  }

  add(report: PinReport): void {
    if (this.#stop.signal.aborted || this.#needs.pins === undefined) return;
    this.#waiting.push(report);
    if (this.#waiting.length > limits.pinChecksWaiting) this.#waiting.shift();
    this.#running ??= this.#run();
  }

  equivocation(first: PinReport, second: PinReport): void {
    const { node, slot } = first;
    this.#needs.logger.warn("a pinning node signed two reports of a slot", { node, slot });
    void this.#send("reportEquivocation", `pin equivocation:${node}:${slot}`, () =>
      encode(methods.pins.reportEquivocation.params, { first, second }),
    );
  }

  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }
  async stop(): Promise<void> {
    this.#waiting.length = 0;
    this.#stop.abort(new Error("the node stops"));
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let report = this.#waiting.shift(); report !== undefined; report = this.#waiting.shift()) {
      try {
        await this.#look(report);
      } catch (error) {
        const { node, slot } = report;
        this.#needs.logger.debug("a report could not be looked at", { node, slot, detail: String(error) });
      }
    }
    this.#running = undefined;
  }

  async #look(report: PinReport): Promise<void> {
    const answered = report.samples.flatMap(({ block }, place) => (block === null ? [] : [place]));
    const chosen = this.#choose(answered);
    if (chosen.length === 0) return;
    let worst: ReportCheck = "confirmed";
    for (const place of chosen) {
      const { check, blocks } = await this.#outcome(report, place);
      if (check === "confirmed") continue;
      worst = check;
      if (check === "false" && blocks !== undefined) this.#disprove(report, place, blocks);
      else this.#challenge(report, place);
      break;
    }
    const { node, slot } = report;
    this.#store.checked(node, slot, worst);
    if (worst !== "confirmed")
      this.#needs.logger.warn("a report is not confirmed", { node, slot, check: worst });
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

  async #outcome(report: PinReport, place: number): Promise<Outcome> {
    const { chain, pins } = this.#needs;
    const sample = report.samples[place];
    if (sample === undefined || pins === undefined) return { check: "unchecked" };
    const { slot, slotHash, key, node } = report;
    const seed = sampleSeed({ networkId: chain.networkId, slot, slotHash, key }, place);
    const here = await walkLocally(seed, sample.root, (cid) => pins.block(cid));
    if (here !== undefined)
      return isSame(here.end, sample) ? { check: "confirmed" } : { check: "false", blocks: here.blocks };
    const peer = chain.view().node(node)?.peerId;
    if (peer === undefined) return { check: "unchecked" };
    const blocks = await this.#ask(peer as PeerId, { node, slot, sample: place });
    const end = walkBlocks(seed, sample.root, blocks);
    if (end === undefined) return { check: "silent" };
    return isSame(end, sample) ? { check: "confirmed" } : { check: "false", blocks };
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

  #disprove(report: PinReport, sample: number, blocks: readonly Uint8Array[]): void {
    const { node, slot } = report;
    void this.#send("disprove", `pin disproof:${node}:${slot}`, () =>
      encode(methods.pins.disprove.params, { report, sample, blocks }),
    );
  }

  #challenge(report: PinReport, sample: number): void {
    const { node, slot } = report;
    const deposit = this.#needs.challengeDeposit();
    if (deposit === undefined) return;
    if (this.#challenged.slot !== slot) this.#challenged = { slot, count: 0 };
    if (this.#challenged.count >= limits.pinChallengesPerSlot) return;
    this.#challenged.count += 1;
    void this.#send(
      "challengeSample",
      `pin challenge:${node}:${slot}`,
      () => encode(methods.pins.challengeSample.params, { report, sample }),
      deposit,
    );
  }

  async #send(
    method: "disprove" | "challengeSample" | "reportEquivocation",
    key: string,
    params: () => Uint8Array,
    value?: Parameters<PoscNeeds["sender"]["send"]>[0]["value"],
  ): Promise<void> {
    const { sender, logger } = this.#needs;
    try {
      await sender.send({ method, key, params: params(), ...(value === undefined ? {} : { value }) });
      logger.info("a disagreement goes to the chain", { method, key });
    } catch (error) {
      // Somebody else was first, or there is no money for it.
      logger.info("a disagreement does not go to the chain", { method, key, detail: String(error) });
    }
  }
}
