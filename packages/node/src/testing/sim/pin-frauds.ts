/**
 * What a pinning node that cheats tries beside its lies, one of it in a slot: every one of these messages is right but
 * for one point, and must fail on the chain. What is tried of its own report is sent before the report itself, so that
 * one check alone stands against it.
 */
import { attoFil, type CID, encode, equalBytes, rawCid } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import {
  listPinChallenges,
  listPinNodes,
  listPins,
  methods,
  type PinReport,
  pinReportDigest,
  type Receipt,
  readPin,
  readPinsState,
  sampleSeed,
  type UnsignedPinReport,
} from "@holdfast/consensus";
import type { RunningNode } from "../../compose.ts";
import { makeReport, walkLocally } from "../../posc/index.ts";
import { viewOf } from "../../posc-view.ts";
import type { Crook, CrookNeeds } from "./crooks.ts";
import type { CheckedTipset, TipsetCheck } from "./invariants.ts";
import { reportIn } from "./told.ts";

/** Messages that must fail, by their CIDs. */
export class Forbidden {
  readonly #kinds = new Map<string, string>();

  add(cid: CID, kind: string): void {
    this.#kinds.set(cid.toString(), kind);
  }
  readonly noneTaken: TipsetCheck = ({ receipts }: CheckedTipset) => {
    for (const [cid, { exitCode }] of receipts as ReadonlyMap<string, Receipt>) {
      const kind = this.#kinds.get(cid);
      if (kind !== undefined && exitCode === 0) return `the chain has taken ${kind}`;
    }
    return undefined;
  };
}

type Call = { readonly method: string; readonly params: Uint8Array; readonly value?: bigint };

/** It may be mined late, or when the node is expelled already: the books say whether it was in time. */
const early = "the end of a challenge in its time";
/** Reports of the last tipsets, by others. */
const lookedBack = 8;
const { pins } = methods;

/** The crook's own report, with one point changed. */
const reportFrauds: Readonly<
  Record<
    string,
    (
      report: UnsignedPinReport,
      random: SeededRandom,
      isOpen: (pin: number) => boolean,
    ) => UnsignedPinReport | undefined
  >
> = {
  "samples of other content": (report, random, isOpen) => {
    if (!report.samples.some(({ pin }) => isOpen(pin))) return undefined;
    const root = rawCid(random.bytes(20));
    return { ...report, samples: report.samples.map((sample) => ({ ...sample, root })) };
  },
  "a sample too few": (report) =>
    report.samples.length === 0 ? undefined : { ...report, samples: report.samples.slice(1) },
  "samples in another order": (report) => {
    const [first, ...others] = report.samples;
    if (first === undefined || others.every(({ pin }) => pin === first.pin)) return undefined;
    return { ...report, samples: [...others, first] };
  },
  "a list of orders of its own": (report, random) => ({ ...report, set: rawCid(random.bytes(20)) }),
  "a report that follows none": (report, random) => ({ ...report, previous: random.bytes(32) }),
  "a report of the next slot": (report) => ({ ...report, slot: report.slot + 1 }),
  "a draw of its own": (report, random) => ({ ...report, slotHash: random.bytes(32) }),
};

export class Frauds {
  readonly #needs: CrookNeeds;
  readonly #crook: Crook;
  readonly #random: SeededRandom;
  #deck: string[] = [];

  constructor(needs: CrookNeeds, crook: Crook, random: SeededRandom) {
    this.#needs = needs;
    this.#crook = crook;
    this.#random = random;
  }

  /** Tries the next one that can be tried; `report` is what it is about to send. */
  async commit(running: RunningNode, number: number, report: PinReport): Promise<void> {
    for (let tried = 0; tried < 3; tried += 1) {
      if (this.#deck.length === 0)
        this.#deck = this.#random.shuffle([...Object.keys(reportFrauds), ...Object.keys(this.#calls)]);
      const kind = this.#deck.pop() ?? "";
      const made = await this.#made(kind, running, number, report);
      if (made === undefined) continue;
      const { method, params, value = 0n } = made;
      this.#needs.world.history.record(this.#crook.name, "tries", { kind });
      const sent = await this.#crook.send(kind, method, params, value);
      if (sent !== undefined && kind !== early) this.#needs.forbidden.add(sent.cid, kind);
      return;
    }
  }

  async #made(
    kind: string,
    running: RunningNode,
    number: number,
    report: PinReport,
  ): Promise<Call | undefined> {
    const change = reportFrauds[kind];
    if (change === undefined) return this.#calls[kind]?.(running, number, report);
    const { signature: _, ...rest } = report;
    const { chain } = running;
    const isOpen = (pin: number): boolean =>
      (readPin(chain.store, chain.headState().state, pin)?.endSlot ?? 0) > report.slot;
    const changed = change(rest, this.#random, isOpen);
    return changed && submit(this.#crook.signed(running, changed));
  }

  readonly #calls: Readonly<
    Record<
      string,
      (
        running: RunningNode,
        number: number,
        report: PinReport,
      ) => Promise<Call | undefined> | Call | undefined
    >
  > = {
    "a report that nobody signed": (_running, _number, report) =>
      submit({ ...report, signature: this.#random.bytes(65) }),
    "the report of another node": async (running, number) => {
      const other = await this.#otherReport(running, number);
      return other && submit(other);
    },
    "a report of the past": (_running, _number, { slot }) => {
      const before = this.#crook.reports.get(slot - 1);
      return before && submit(before);
    },
    "a true report as a lie": async (running, number) => {
      const report = reportsOfOthers(running, number).find(({ samples }) => samples.some(isAnswered));
      const sample = report?.samples.findIndex(isAnswered) ?? -1;
      const seed = report && seedOf(running, report, sample);
      const root = report?.samples[sample]?.root;
      if (report === undefined || seed === undefined || root === undefined) return undefined;
      const walk = await walkLocally(seed, root, async (cid) => this.#needs.content.block(cid));
      const blocks = walk?.blocks ?? [];
      return { method: "disprove", params: encode(pins.disprove.params, { report, sample, blocks }) };
    },
    "one report as two": (running, number) => {
      const [first] = reportsOfOthers(running, number);
      if (first === undefined) return undefined;
      const params = encode(pins.reportEquivocation.params, { first, second: first });
      return { method: "reportEquivocation", params };
    },
    "a challenge without a deposit": (running, number) => {
      const report = reportsOfOthers(running, number).find(({ samples }) => samples.some(isAnswered));
      if (report === undefined) return undefined;
      const sample = report.samples.findIndex(isAnswered);
      return { method: "challengeSample", params: encode(pins.challengeSample.params, { report, sample }) };
    },
    [early]: ({ chain }) => {
      const { state, tipset } = chain.headState();
      const { entries } = listPinChallenges(chain.store, state, { from: 0, limit: 100 });
      const open = entries.find(({ answerBy }) => answerBy > tipset.height + 10);
      if (open === undefined) return undefined;
      return {
        method: "closeChallenge",
        params: encode(pins.closeChallenge.params, { challenge: open.number }),
      };
    },
    "the stake of a node that works": (_running, node) => ({
      method: "withdrawStake",
      params: encode(pins.withdrawStake.params, { node }),
    }),
    "what another node has earned": ({ chain }, number) => {
      const { entries } = listPinNodes(chain.store, chain.headState().state, { from: 0, limit: 100 });
      const { account } = this.#crook.operator.identity;
      const rich = entries.find(
        (one) => one.number !== number && one.operator !== account && one.earned > 0n,
      );
      return (
        rich && { method: "claimEarned", params: encode(pins.claimEarned.params, { node: rich.number }) }
      );
    },
    "the end of somebody's order": ({ chain }) => {
      const { entries } = listPins(chain.store, chain.headState().state, { from: 0, limit: 100 });
      const other = entries.find(({ buyer }) => buyer !== this.#crook.operator.identity.account);
      return other && { method: "removePin", params: encode(pins.removePin.params, { pin: other.number }) };
    },
    "a question about somebody's order": ({ chain }) => {
      const { account } = this.#crook.operator.identity;
      const { entries } = listPins(chain.store, chain.headState().state, { from: 0, limit: 100 });
      const other = entries.find((one) => one.buyer !== account && one.replicas.length > 0);
      const asked = other?.replicas[0]?.node;
      if (other === undefined || asked === undefined) return undefined;
      const params = encode(pins.askOrder.params, { pin: other.number, node: asked });
      return { method: "askOrder", params, value: 10n ** 18n };
    },
    "an answer to a buyer out of nothing": ({ chain }) => {
      const { entries } = listPins(chain.store, chain.headState().state, { from: 0, limit: 100 });
      for (const { number: pin, replicas } of entries) {
        const asked = replicas.find(({ ask }) => ask !== null);
        if (asked === undefined) continue;
        const blocks = [this.#random.bytes(30)];
        return {
          method: "answerAsk",
          params: encode(pins.answerAsk.params, { pin, node: asked.node, blocks }),
        };
      }
      return undefined;
    },
    "an order for an attoFIL too little": () => {
      const terms = {
        bytes: 1_000,
        wanted: 1,
        price: attoFil(2n ** 30n),
        slots: 5,
        cid: rawCid(this.#random.bytes(20)),
      };
      return { method: "addPin", params: encode(pins.addPin.params, terms), value: 4_999n };
    },
    "an extension for nothing": ({ chain }) => {
      const { entries } = listPins(chain.store, chain.headState().state, { from: 0, limit: 100 });
      const [order] = entries;
      return (
        order && {
          method: "extendPin",
          params: encode(pins.extendPin.params, { pin: order.number, slots: 3 }),
        }
      );
    },
  };

  /** What another node could report now, under its name, signed by this one's key. */
  async #otherReport(running: RunningNode, number: number): Promise<PinReport | undefined> {
    const { chain } = running;
    const { key } = this.#crook;
    const view = viewOf(chain);
    const count = readPinsState(chain.store, chain.headState().state).nextNode;
    const others = Array.from({ length: count }, (_, other) => other).filter((other) => other !== number);
    for (const node of this.#random.shuffle(others)) {
      const facts = view.facts(node);
      if (facts?.node.status !== "active" || key === undefined || facts.node.lastSlot === facts.slot)
        continue;
      const forged = { address: facts.node.key, publicKey: key.publicKey, sign: key.sign };
      const read = async (cid: CID) => this.#needs.content.block(cid);
      const { clock } = this.#needs.world;
      return makeReport({ node, facts, key: forged, added: [], program: "crook", read, clock });
    }
    return undefined;
  }
}

const submit = (report: PinReport): Call => ({
  method: "submitReport",
  params: encode(pins.submitReport.params, { report }),
});
const isAnswered = ({ block }: PinReport["samples"][number]): boolean => block !== null;

export function seedOf({ chain }: RunningNode, report: PinReport, place: number): Uint8Array {
  const { slot, slotHash, key } = report;
  return sampleSeed({ networkId: chain.networkId, slot, slotHash, key }, place);
}

/** What honest nodes have reported lately, and not this one. */
export function reportsOfOthers(running: RunningNode, number: number | undefined): readonly PinReport[] {
  return reportsOf(running).filter(({ node, program }) => node !== number && program !== "crook");
}

/** What was reported lately, by all or by one, and taken by the chain, newest first. */
export function reportsOf({ chain }: RunningNode, number?: number): readonly PinReport[] {
  const view = viewOf(chain);
  const found: PinReport[] = [];
  let looked = 0;
  for (const tipset of chain.ancestors(chain.head())) {
    if (looked === lookedBack) break;
    looked += 1;
    for (const { message } of chain.messagesOf(tipset)) {
      const report = reportIn(message);
      const node = report && view.node(report.node);
      if (report === undefined || node === undefined || node.status === "expelled") continue;
      if (number !== undefined && report.node !== number) continue;
      const mark = view.markOf(node, report.slot);
      if (mark !== undefined && equalBytes(mark.report, pinReportDigest(report))) found.push(report);
    }
  }
  return found;
}
