/**
 * Attested pinning: orders of the chain become pins, each slot a signed report of samples that the chain chose, heard
 * and verified by everybody, looked at by peers, disputed on the chain. The seed is 4EVERLAND's PoSC, whose nodes
 * chose their samples themselves, asked their daemon, and were checked by nobody (docs/PINNING.md). A node that has not
 * joined verifies and keeps the reports of others all the same.
 */
import { encode } from "@holdfast/base";
import { methods, pinSlotAt, sampleSeed } from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { type Checks, openChecks } from "./checks.ts";
import { Entry, type EntryState, type Terms } from "./entry.ts";
import { openReportGossip, type ReportGossip } from "./gossip.ts";
import { Keeper } from "./keeper.ts";
import type { PoscKey, PoscNeeds, PoscView } from "./needs.ts";
import { makeReport, walkLocally } from "./report.ts";
import { openPoscStore, type PoscStore, type ReportPage, type StoredReport } from "./store.ts";
import { serveWalks, type WalkRequest } from "./walks.ts";

export { type Checks, openChecks } from "./checks.ts";
export type { EntryState, Terms } from "./entry.ts";
export { poscErrors } from "./errors.ts";
export { type Heard, type HeardFault, judge, reportTopic } from "./gossip.ts";
export { legacyRoute } from "./legacy.ts";
export type {
  AssignedPin,
  Attesting,
  PoscChain,
  PoscKey,
  PoscNeeds,
  PoscPins,
  PoscSender,
  PoscView,
} from "./needs.ts";
export { makeReport, walkLocally } from "./report.ts";
export { openPoscStore, type ReportCheck, type StoredReport } from "./store.ts";
export { askWalk, serveWalks, walkProtocol } from "./walks.ts";

export interface PoscStatus {
  /** This node's number; undefined: it has not joined, or the chain does not know it yet. */
  readonly node: number | undefined;
  readonly entry: EntryState;
  readonly slot: number;
  readonly lastReport: StoredReport | undefined;
  readonly orders: { readonly all: number; readonly leaving: number };
  readonly reports: number;
  /** How often each fault was heard in a report of others. */
  readonly refused: { readonly [fault: string]: number };
}

export interface Posc extends AsyncDisposable {
  /** Makes this a pinning node of the network; its number. `posc/…`, `attestation/…`, `sender/…`. */
  join(terms: Terms, signal?: AbortSignal): Promise<number>;
  leave(signal?: AbortSignal): Promise<number>;
  status(): PoscStatus;
  reports(page: ReportPage): readonly StoredReport[];
  report(node: number, slot: number): StoredReport | undefined;
  /** Whether a root is pinned here. */
  readonly isPinned: (cid: Parameters<NonNullable<PoscNeeds["pins"]>["isPinned"]>[0]) => Promise<boolean>;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

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
  readonly #ends: (() => void)[];
  #key: PoscKey | undefined;
  #step: Promise<void> | undefined;
  #isDue = false;
  #isStopped = false;
  /** The slot in which challenges by this node were looked at last. */
  #closedIn = -1;

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
      onReport: (report) => {
        if (this.#key !== undefined && report.key !== this.#key.address) this.#checks.add(report);
      },
      onEquivocation: (first, second) => {
        if (this.#key !== undefined) this.#checks.equivocation(first, second);
      },
    });
    this.#ends = [
      () => this.#gossip.stop(),
      chain.onHead((reports) => {
        for (const report of reports) this.#gossip.take(report);
        this.#look();
      }),
      serveWalks(needs, (request) => this.#walk(request)),
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
  readonly isPinned: Posc["isPinned"] = async (cid) => (await this.#needs.pins?.isPinned(cid)) ?? false;

  async settled(): Promise<void> {
    while (this.#step !== undefined) await this.#step;
    await this.#checks.settled();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    for (const end of this.#ends) end();
    await this.#step;
    await this.#checks.stop();
  }

  #node(view: PoscView): number | undefined {
    return this.#key && view.nodeOfKey(this.#key.address);
  }

  /** One look at a time; what changes meanwhile is looked at once afterwards. */
  #look(): void {
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
    const node = this.#node(view);
    if (node === undefined || this.#keeper === undefined) return;
    await this.#keeper.follow(view, node, slot);
    await this.#answer(view, node);
    if (slot !== this.#closedIn) await this.#closeOwn(view);
    this.#closedIn = slot;
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
    const [made] = this.#store.of(node, slot);
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
    await this.#send("submitReport", `pin report:${node}:${slot}`, () =>
      encode(methods.pins.submitReport.params, { report }),
    );
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

  /** Challenges on the chain: the blocks, for everybody to see. */
  async #answer(view: PoscView, node: number): Promise<void> {
    const { pins } = this.#needs;
    if (view.node(node)?.openChallenges === 0 || pins === undefined) return;
    for (const { number: challenge, node: asked, seed, root } of view.challenges()) {
      if (asked !== node) continue;
      const walk = await walkLocally(seed, root, (cid) => pins.block(cid));
      if (walk === undefined) continue;
      await this.#send("answerChallenge", `pin answer:${challenge}`, () =>
        encode(methods.pins.answerChallenge.params, { challenge, blocks: walk.blocks }),
      );
    }
  }

  /** Challenges by this node that nobody answered in time. */
  async #closeOwn(view: PoscView): Promise<void> {
    const mine = this.#entry.state().operator;
    for (const { number: challenge, challenger, answerBy } of view.challenges()) {
      if (challenger !== mine || view.height < answerBy) continue;
      await this.#send("closeChallenge", `pin close:${challenge}`, () =>
        encode(methods.pins.closeChallenge.params, { challenge }),
      );
    }
  }

  async #send(method: string, key: string, params: () => Uint8Array): Promise<void> {
    const { sender, logger } = this.#needs;
    try {
      await sender.send({ method, key, params: params() });
    } catch (error) {
      logger.info("a message about pins is not sent", { method, key, detail: String(error) });
    }
  }
}
