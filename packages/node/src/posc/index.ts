/**
 * Attested pinning: orders of the chain become pins, each slot a signed report of samples that the chain chose, heard
 * and verified by everybody, looked at by peers, disputed on the chain. The seed is 4EVERLAND's PoSC, whose nodes
 * chose their samples themselves, asked their daemon, and were checked by nobody (docs/PINNING.md). A node that has not
 * joined verifies and keeps the reports of others all the same.
 */
import { type Cancel, encode } from "@holdfast/base";
import { methods, type PinReport, pinSlotAt, sampleSeed } from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { Asks } from "./asks.ts";
import { Bought } from "./bought.ts";
import { type Checks, openChecks } from "./checks.ts";
import { Entry } from "./entry.ts";
import { poscErrors } from "./errors.ts";
import { openReportGossip, type ReportGossip } from "./gossip.ts";
import { type History, openHistory } from "./history.ts";
import { Keeper } from "./keeper.ts";
import { type Look, type LookRequest, Looks, lookSeed, type Shown, serveLooks } from "./looks.ts";
import { type Answers, type Messages, openMessages } from "./messages.ts";
import type { PoscKey, PoscNeeds, PoscView, Terms } from "./needs.ts";
import { makeReport, reportDueEpoch, walkLocally } from "./report.ts";
import { sendOrTell, untriedKey } from "./sending.ts";
import { openPoscStore, type PoscStore, type ReportPage, type StoredReport } from "./store.ts";
import type { Claim, DisputedSample, Inspected, Posc, PoscStatus } from "./types.ts";
import { serveWalks, type WalkRequest } from "./walks.ts";

export { Asks } from "./asks.ts";
export { Bought } from "./bought.ts";
export { type Checks, openChecks } from "./checks.ts";
export type { EntryState } from "./entry.ts";
export { poscErrors } from "./errors.ts";
export { type Heard, type HeardFault, judge, openReportGossip, reportTopic } from "./gossip.ts";
export { openHistory, reportsProtocol } from "./history.ts";
export { legacyRoute } from "./legacy.ts";
export { type Look, Looks, serveLooks } from "./looks.ts";
export { type Answers, keyTopic, listTopic } from "./messages.ts";
export type {
  AssignedPin,
  Attesting,
  NumberedPin,
  PoscChain,
  PoscChange,
  PoscKey,
  PoscNeeds,
  PoscPins,
  PoscSender,
  PoscView,
  Terms,
} from "./needs.ts";
export { makeReport, reportDueEpoch, walkLocally } from "./report.ts";
export { openPoscStore, type ReportCheck, type StoredReport } from "./store.ts";
export type { Claim, DisputedSample, Inspected, Posc, PoscStatus } from "./types.ts";
export { askWalk, serveWalks, walkProtocol } from "./walks.ts";

export function openPosc(needs: PoscNeeds): Posc {
  return new PoscRoom(needs, openPoscStore(needs.database));
}

class PoscRoom implements Posc {
  readonly #needs: PoscNeeds;
  readonly #store: PoscStore;
  readonly #keeper: Keeper | undefined;
  readonly #checks: Checks;
  readonly #gossip: ReportGossip;
  readonly #entry: Entry;
  readonly #history: History;
  readonly #messages: Messages;
  readonly #asks: Asks;
  readonly #looks: Looks;
  readonly #bought: Bought;
  readonly #ends: (() => void)[];
  #key: PoscKey | undefined;
  #step: Promise<void> | undefined;
  #isDue = false;
  #isStopped = false;
  /** The slot in which what this node has challenged, and bought, was looked at last. */
  #tendedIn = -1;

  constructor(needs: PoscNeeds, store: PoscStore) {
    const { pins, logger, chain } = needs;
    this.#needs = needs;
    this.#store = store;
    this.#entry = new Entry(needs, store, (key) => {
      this.#key = key;
      this.#look();
    });
    this.#keeper = pins && new Keeper(pins, store, logger);
    this.#checks = openChecks(needs, store);
    this.#gossip = openReportGossip(needs, store, {
      onReport: (report) => this.#heard(report),
      onEquivocation: (first, second) => {
        if (this.#key !== undefined) this.#checks.equivocation(first, second);
      },
    });
    this.#history = openHistory(needs, store, (report) => this.#gossip.take(report));
    this.#messages = openMessages(needs, () => {
      const [node, key] = [this.#node(needs.chain.view()), this.#key];
      return node === undefined || key === undefined ? undefined : { node, key };
    });
    this.#asks = new Asks(needs);
    this.#looks = new Looks(needs, store.looks);
    this.#bought = new Bought(needs);
    this.#ends = [
      () => this.#messages.stop(),
      () => this.#entry.stop(),
      () => this.#gossip.stop(),
      chain.onHead(({ reports, changedFrom }) => {
        if (changedFrom !== undefined) this.#bought.reorganised(changedFrom);
        for (const report of reports) this.#gossip.take(report);
        this.#gossip.again();
        this.#checks.headMoved();
        this.#history.look(chain.view());
        this.#look();
      }),
      serveWalks(needs, (request) => this.#walk(request)),
      serveLooks(needs, (request, spend) => this.#show(request, spend)),
    ];
    void this.#entry.resume();
  }

  join(terms: Terms, signal?: AbortSignal): Promise<number> {
    return this.#entry.join(terms, signal);
  }
  leave(signal?: AbortSignal): Promise<number> {
    return this.#entry.leave(signal);
  }
  status(): PoscStatus {
    const view = this.#needs.chain.view();
    const slot = pinSlotAt(view.slotEpochs, view.height + 1);
    const node = this.#node(view) ?? this.#entry.node();
    return {
      ...{ node, slot, reports: this.#store.count(), refused: this.#gossip.refused() },
      entry: this.#entry.state(),
      lastReport: node === undefined ? undefined : this.#store.page({ node, limit: 1 })[0],
      orders: { all: this.#store.orderCount(), leaving: this.#store.leaving().length },
    };
  }
  reports(page: ReportPage): readonly StoredReport[] {
    return this.#store.page(page);
  }
  report(node: number, slot: number): StoredReport | undefined {
    return this.#store.of(node, slot)[0];
  }
  ask(node: number, signal: Cancel): Promise<Answers> {
    return this.#messages.ask(node, signal);
  }

  async inspect({ node, slot, sample: only }: Claim, signal: Cancel): Promise<readonly Inspected[]> {
    const report = this.#reportOf(node, slot);
    const inspected: Inspected[] = [];
    for (const [place, sample] of report.samples.entries()) {
      if (only !== undefined && place !== only) continue;
      signal.throwIfAborted();
      if (sample.block === null) {
        inspected.push({ place, sample, check: "missing", found: undefined, blocks: [] });
        continue;
      }
      const { check, found, blocks = [] } = await this.#checks.inspect(report, place);
      inspected.push({ place, sample, check, found, blocks });
    }
    return inspected;
  }

  async dispute(claim: Claim, signal: Cancel): Promise<DisputedSample> {
    const { node, slot } = claim;
    const found = await this.inspect(claim, signal);
    const worst =
      found.find(({ check }) => check === "false") ?? found.find(({ check }) => check === "silent");
    if (worst === undefined) {
      const [first] = found;
      const why = first === undefined ? "there is no such sample" : `it is ${first.check}`;
      throw poscErrors.nothingToDispute({ node, slot, sample: claim.sample ?? first?.place ?? 0, why });
    }
    const { place, blocks } = worst;
    const check = worst.check === "false" ? "false" : "silent";
    const outcome = { check, blocks } as const;
    const disputed = await this.#checks.dispute(this.#reportOf(node, slot), place, outcome);
    await this.#needs.sender.wait(disputed.message, disputed.method, signal);
    return { ...disputed, place, check };
  }

  #reportOf(node: number, slot: number): PinReport {
    const found = this.report(node, slot);
    if (found === undefined) throw poscErrors.noReport({ what: `of node ${node} for slot ${slot}` });
    return found.report;
  }

  look(order: number, node: number): Look | undefined {
    return this.#looks.of(order, node);
  }

  readonly isPinned: Posc["isPinned"] = async (cid) => (await this.#needs.pins?.isPinned(cid)) ?? false;

  async settled(): Promise<void> {
    while (this.#step !== undefined) await this.#step;
    await this.#keeper?.settled();
    await this.#history.settled();
    await this.#looks.settled();
    await this.#checks.settled();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    for (const end of this.#ends) end();
    await this.#step;
    await this.#entry.settled();
    await this.#keeper?.stop();
    await this.#history.stop();
    await this.#looks.stop();
    await this.#checks.stop();
  }

  /** Also while the chain has the key of the program before, or of an upgrade that it has not taken yet. */
  #node(view: PoscView): number | undefined {
    return this.#key && (view.nodeOfKey(this.#key.address) ?? this.#entry.node());
  }

  /** A node looks at the reports of all others; who has bought something, at what is said of that. */
  #heard(report: PinReport): void {
    const view = this.#needs.chain.view();
    const slot = pinSlotAt(view.slotEpochs, view.height + 1);
    const isOld = report.slot + view.disputeSlots < slot;
    if (isOld || report.node === this.#node(view)) return;
    this.#checks.add(report, this.#key === undefined);
  }

  /** One look at a time; what changes meanwhile is looked at once afterwards. */
  #look(): void {
    if (this.#isStopped) return;
    this.#isDue = true;
    this.#step ??= this.#run();
  }
  async #run(): Promise<void> {
    const { logger } = this.#needs;
    while (this.#isDue && !this.#isStopped) {
      this.#isDue = false;
      try {
        await this.#turn();
      } catch (error) {
        logger.error("attested pinning stumbles", { detail: String(error) });
      }
    }
    this.#step = undefined;
  }

  async #turn(): Promise<void> {
    const view = this.#needs.chain.view();
    const slot = pinSlotAt(view.slotEpochs, view.height + 1);
    this.#store.forgetBefore(slot - limits.pinReportSlots);
    await this.#entry.look(view);
    if (slot !== this.#tendedIn) await this.#tend(view, slot);
    this.#tendedIn = slot;
    const node = this.#node(view);
    if (node === undefined || this.#keeper === undefined) return;
    await this.#keeper.follow(view, node, slot);
    await this.#asks.answerChallenges(view, node);
    await this.#asks.answer(view, node);
    await this.#report(view, node);
  }

  async #report(view: PoscView, node: number): Promise<void> {
    const { pins, clock, program, logger } = this.#needs;
    const [key, facts] = [this.#key, view.facts(node)];
    if (key === undefined || facts === undefined || pins === undefined || this.#keeper === undefined) return;
    const { slot } = facts;
    const isRefused =
      facts.node.status !== "active" ||
      facts.height >= facts.node.validUntil ||
      facts.programExpires === undefined ||
      facts.height >= facts.programExpires;
    if (isRefused || (facts.node.lastSlot !== null && facts.node.lastSlot >= slot)) return;
    // A second report of a slot would cost the stake: what was signed once is sent again, whatever has changed.
    // By the key and not by the number, which a reorganisation can change: the key answers for both.
    const made = this.#store.signed(key.address, slot) ?? this.#store.of(node, slot)[0];
    if (made !== undefined && made.report.node !== node) return;
    if (made === undefined) {
      // Until the chain has taken a new key nothing is signed by it: it would be a stranger's.
      if (facts.node.key !== key.address) return;
      if (facts.height <= slot * view.slotEpochs + reportDueEpoch(view.slotEpochs, node)) return;
    }
    const report =
      made?.report ??
      (await makeReport({
        ...{ node, facts, key, program, clock },
        added: this.#keeper.held(view, node),
        read: (cid) => pins.block(cid),
      }));
    if (made === undefined) {
      await this.#gossip.publish(report);
      const missing = report.samples.filter(({ block }) => block === null).length;
      logger.info("a slot is reported", { node, slot, samples: report.samples.length, missing });
    }
    await sendOrTell(this.#needs, {
      method: "submitReport",
      key: untriedKey(this.#needs.sender, `pin report:${node}:${slot}`),
      params: encode(methods.pins.submitReport.params, { report }),
    });
  }

  /** The blocks of a walk that this node has reported. */
  async #walk({ node, slot, sample: place }: WalkRequest): Promise<readonly Uint8Array[] | undefined> {
    const { pins, chain } = this.#needs;
    const view = chain.view();
    const [stored] = node === this.#node(view) ? this.#store.of(node, slot) : [];
    const sample = stored?.report.samples[place];
    if (stored === undefined || sample === undefined || sample.block === null || pins === undefined)
      return undefined;
    const { slotHash, key } = stored.report;
    const seed = sampleSeed({ networkId: chain.networkId, slot, slotHash, key }, place);
    return (await walkLocally(seed, sample.root, (cid) => pins.block(cid)))?.blocks;
  }

  /** The blocks of a walk that whoever looks has drawn, of an order that this node holds. */
  async #show(request: LookRequest, spend: (bytes: number) => void): Promise<Shown> {
    const { pins, chain } = this.#needs;
    const view = chain.view();
    const node = this.#node(view);
    const order = view.order(request.pin);
    const part = order?.replicas.find((one) => one.node === node);
    if (order === undefined || pins === undefined || part === undefined || part.fromSlot === null)
      return undefined;
    const walk = await walkLocally(lookSeed(chain.networkId, request), order.cid, async (cid) => {
      const block = await pins.block(cid);
      spend(block?.length ?? 0);
      return block;
    });
    return walk?.blocks;
  }

  /** Once in a slot: what this node has challenged, and what its accounts have bought. */
  async #tend(view: PoscView, slot: number): Promise<void> {
    await this.#asks.closeChallenges(view);
    const own = await this.#bought.standing();
    const now = this.#needs.chain.view();
    await this.#asks.tend(now, own, slot);
    this.#looks.look(now, own);
  }
}
