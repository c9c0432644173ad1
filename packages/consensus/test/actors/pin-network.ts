/**
 * Twenty pinning nodes over the real rules of the chain, slot by slot: honest ones, some that lose blocks and say so,
 * liars that lose blocks and say nothing, liars that cover for each other, free riders that hold nothing and fetch what
 * they are asked for, and partitions. Peers check each other's reports at random and bring what they find to the
 * chain. Beside it a ledger that knows nothing of the chain's code says what everybody must have earned.
 */
import type { CID } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { type PinReport, type PinSample, pinAccuracy, sampleSeed } from "@holdfast/consensus";
import type { BlockMap } from "./pin-dag.ts";
import { operator, type PinWorld, type TestNode } from "./pin-world.ts";
import { hash32, testNetworkId } from "./world.ts";

export const roles = ["honest", "forgetful", "liar", "colluder", "free-rider"] as const;
export type Role = (typeof roles)[number];

export interface Member {
  readonly node: TestNode;
  readonly role: Role;
  /** What the ledger says that it must have earned by slot: the share of samples that counted, in millionths. */
  readonly counted: Map<number, number>;
  lastSlot: number | undefined;
  unpaidBefore: number;
  /** The slot in which it was expelled. */
  caughtIn: number | undefined;
  /** Samples that it claimed falsely. */
  lies: number;
  /** Slots in which somebody looked at one of these. */
  readonly seenIn: Set<number>;
  /** Slots in which its own report said that something is missing. */
  readonly missedIn: Set<number>;
}

export interface Conditions {
  /** Reports that each honest node looks at in a slot, and samples of each. */
  readonly reportsChecked: number;
  readonly samplesChecked: number;
  /** Members that are cut off in a slot, by their place. */
  isAway(slot: number, place: number): boolean;
  /** What is found is written down and goes to nobody: who cheats goes on. */
  readonly isOnlyNoted?: boolean;
}

/** A draw below a number, as even as tests need it. */
export function below(random: SeededRandom, bound: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4);
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % bound;
}

export class PinNetwork {
  readonly world: PinWorld;
  readonly members: readonly Member[];
  readonly #random: SeededRandom;
  readonly #conditions: Conditions;
  /** Slots in which anybody reported, in order. */
  readonly #heard: number[] = [];
  disputes = 0;
  /** Exit codes of false accusations. */
  readonly slanders: number[] = [];

  constructor(world: PinWorld, plan: readonly Role[], conditions: Conditions, seed: string) {
    this.world = world;
    this.#random = new SeededRandom(seed);
    this.#conditions = conditions;
    this.members = plan.map((role, index) => ({
      ...{ node: world.admit(`${role}-${index}`), role, counted: new Map<number, number>() },
      ...{ lastSlot: undefined, unpaidBefore: 0, caughtIn: undefined, lies: 0 },
      ...{ seenIn: new Set<number>(), missedIn: new Set<number>() },
    }));
  }

  /** Loses each leaf with this chance; a free rider never had any. */
  lose(chance: number): void {
    for (const { node, role } of this.members) {
      if (role === "honest") continue;
      for (const [cid, block] of [...node.disk.blocks]) {
        const isLeaf = block.length <= leafBytes;
        const isLost =
          role === "free-rider" || (isLeaf && below(this.#random, 1_000_000) < chance * 1_000_000);
        if (isLost) node.disk.blocks.delete(cid);
      }
    }
  }

  /** One slot: everybody who is there reports, honest members look at what others said, the world goes on. */
  slot(): void {
    const { slot } = this.world;
    const present = this.members.filter(
      (member, place) => member.caughtIn === undefined && !this.#conditions.isAway(slot, place),
    );
    const reports = new Map(present.map((member) => [member, this.#report(member, present)] as const));
    for (const [member, report] of reports) this.#take(member, report, slot);
    if (present.length > 0) this.#heard.push(slot);
    for (const checker of present) {
      if (checker.role === "honest") this.#check(checker, reports);
      else if (checker.role === "colluder") this.#slander(reports);
    }
    this.world.nextSlot();
  }

  /** Accuses an honest node of a true report; the exit code, which must not be 0, is kept. */
  #slander(reports: ReadonlyMap<Member, PinReport>): void {
    const victim = [...reports].find(([{ role }, { samples }]) => role === "honest" && samples.length > 0);
    if (victim === undefined) return;
    const [{ node }, report] = victim;
    const [sample] = report.samples;
    const end = sample && node.walk(node.seedOf(report, 0), sample.root, this.world.content);
    const claim = { report, sample: 0, blocks: end?.blocks ?? [] };
    this.slanders.push(this.world.send(operator, this.world.builtins.pins, "pins.disprove", claim).exitCode);
  }

  #report(member: Member, present: readonly Member[]): PinReport {
    const { node, role } = member;
    if (role === "honest" || role === "forgetful") return node.report();
    const samples = node.draft().samples.map((sample, index): PinSample => {
      if (sample.block !== null) return sample;
      if (role === "free-rider") return this.#fetched(member, sample, index, present);
      // A block that it once had, and an answer out of nothing.
      member.lies += 1;
      return { ...sample, block: sample.root, answer: hash32(`made up ${index}`), bytes: 1 };
    });
    return node.report({ samples });
  }

  /** A free rider has what others hold that it reaches in time. */
  #fetched(member: Member, sample: PinSample, index: number, present: readonly Member[]): PinSample {
    const { slot } = this.world;
    const draw = {
      networkId: testNetworkId,
      slot,
      slotHash: member.node.slotHash(),
      key: member.node.key.address,
    };
    const holder = present.find(({ node, role }) => role === "honest" && this.#holds(node, sample.pin));
    const end = holder && member.node.walk(sampleSeed(draw, index), sample.root, holder.node.disk);
    return end === undefined ? sample : { ...sample, block: end.block, answer: end.answer, bytes: end.bytes };
  }

  #holds(node: TestNode, pin: number): boolean {
    const order = this.world.ask(this.world.builtins.pins, "pins.getPin", { pin }).returns;
    return order?.replicas.some((one) => one.node === node.number && one.fromSlot !== null) === true;
  }

  /** The chain takes it, and the ledger writes down what it is worth. */
  #take(member: Member, report: PinReport, slot: number): void {
    const { exitCode, text } = member.node.submit(report);
    if (exitCode !== 0) throw new RangeError(`node ${member.node.number}: ${text}`);
    const { lastSlot } = member;
    const gap = lastSlot !== undefined && slot > lastSlot + 1 && report.count > 0;
    // Where nobody at all was heard the chain stood still, and nobody is punished.
    const others = gap && this.#heard.some((heard) => heard > lastSlot && heard < slot);
    if (others) member.unpaidBefore = Math.max(member.unpaidBefore, slot + this.world.params.pinPenaltySlots);
    member.counted.set(slot, slot >= member.unpaidBefore ? pinAccuracy(report) : 0);
    member.lastSlot = slot;
    if (report.samples.some(({ block }) => block === null)) member.missedIn.add(slot);
  }

  #check(checker: Member, reports: ReadonlyMap<Member, PinReport>): void {
    const others = [...reports.keys()].filter((one) => one !== checker);
    for (let turn = 0; turn < this.#conditions.reportsChecked && others.length > 0; turn++) {
      const [accused] = others.splice(below(this.#random, others.length), 1) as [Member];
      const report = reports.get(accused) as PinReport;
      for (let look = 0; look < this.#conditions.samplesChecked && report.samples.length > 0; look++) {
        this.#look(accused, report, below(this.#random, report.samples.length));
      }
    }
  }

  /** What the walk really leads to, from anybody who holds it; who claimed something else is brought to the chain. */
  #look(accused: Member, report: PinReport, index: number): void {
    const sample = report.samples[index];
    if (accused.caughtIn !== undefined || sample === undefined || sample.block === null) return;
    const end = accused.node.walk(accused.node.seedOf(report, index), sample.root, this.world.content);
    if (end === undefined) throw new RangeError("somebody holds all content");
    if (end.block.equals(sample.block) && sameBytes(end.answer, sample.answer)) return;
    accused.seenIn.add(report.slot);
    if (this.#conditions.isOnlyNoted === true) return;
    const claim = { report, sample: index, blocks: end.blocks };
    const { exitCode, text } = this.world.send(operator, this.world.builtins.pins, "pins.disprove", claim);
    if (exitCode !== 0) throw new RangeError(`not disproved: ${text}`);
    this.disputes += 1;
    accused.caughtIn = report.slot;
  }
}

export const leafBytes = 100;

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, index) => byte === b[index]);

export interface Content {
  readonly root: CID;
  readonly bytes: number;
}

/** The chance that a walk from the root ends at a leaf that this disk has not. */
export function missingShare(node: TestNode, { root }: Content, disk: BlockMap, draws = 400): number {
  let missing = 0;
  for (let index = 0; index < draws; index++) {
    if (node.walk(hash32(`draw ${index}`), root, disk) === undefined) missing += 1;
  }
  return missing / draws;
}
