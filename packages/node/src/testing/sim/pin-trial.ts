/**
 * Attested pinning after all faults: an order that every node is drawn for, honest ones and those that cheat. One
 * honest node is asked and challenged just before the whole network stands still for longer than an answer may take;
 * one dies in the middle of its work, one is cut off for some slots, one loses blocks. A liar is disproved; who can
 * show nothing loses its stake when its time is over. In the end the order is taken back, everybody who is honest is
 * paid, and who leaves has its stake again, when nothing can be disputed any more and not before.
 */
import { SeededRandom } from "@holdfast/base/testing";
import { type Pin, type PinReport, pinSlotAt, readPin } from "@holdfast/consensus";
import type { SimNode } from "./node.ts";
import { reportsOf } from "./pin-frauds.ts";
import type { Pinning } from "./pinning.ts";
import type { World } from "./world.ts";

/** Rounds in which what should come to pass must have. */
const patienceRounds = 150;
/** Longer than two slots. */
const awayRounds = 12;
/** Honest machines that pin at the end. */
const mostKeepers = 4;
/** Slots of the last order; it is removed before. */
const orderSlots = 60;
const deedLimitMs = 600_000;
/** More than there are nodes: all that may be drawn are. */
const everybody = 32;

export interface PinTrial {
  readonly world: World;
  readonly pinning: Pinning;
  readonly isOver: () => boolean;
  readonly drain: () => Promise<void>;
}

class Court {
  readonly #trial: PinTrial;
  readonly keepers: readonly SimNode[];
  readonly buyer: SimNode;

  constructor(trial: PinTrial) {
    this.#trial = trial;
    const honest = trial.world.nodes.filter(({ identity }) => !identity.isByzantine);
    this.keepers = honest.slice(0, mostKeepers);
    this.buyer = honest.at(-1) as SimNode;
  }

  get isOver(): boolean {
    return this.#trial.isOver();
  }
  async rounds(count: number): Promise<void> {
    const { world, isOver, drain } = this.#trial;
    for (let round = 0; round < count && !isOver(); round += 1)
      await world.clock.advanceUntil(isOver, { limitMs: world.plan.roundMs, drain });
  }

  /** What people do takes its time; undefined if it takes too long. */
  async does<Answer>(deed: Promise<Answer>): Promise<Answer | undefined> {
    const { world, isOver, drain } = this.#trial;
    let done: { readonly answer: Answer } | undefined;
    void deed.then((answer) => (done = { answer }));
    await world.clock.advanceUntil(() => isOver() || done !== undefined, { limitMs: deedLimitMs, drain });
    return done?.answer;
  }

  /** Lets rounds pass until it holds; else that is a violation. */
  async reaches(who: string, what: string, holds: () => boolean, facts = (): string => ""): Promise<void> {
    const { history } = this.#trial.world;
    for (let round = 0; round < patienceRounds && !holds() && !this.isOver; round += 1) await this.rounds(1);
    if (this.isOver) return;
    if (holds()) history.record(who, what);
    else history.violate("pinning is judged", who, `never ${what} ${facts()}`);
  }

  order(pin: number): Pin | undefined {
    const { running } = this.buyer;
    if (running === undefined) return undefined;
    return readPin(running.chain.store, running.chain.headState().state, pin);
  }
  get height(): number {
    return this.buyer.running?.chain.head().height ?? 0;
  }
  get slot(): number {
    return pinSlotAt(this.#trial.world.params.pinSlotEpochs, this.height + 1);
  }
}

export async function allPinned(trial: PinTrial): Promise<void> {
  const { world, pinning } = trial;
  if (!world.plan.services.includes("pins")) return;
  const court = new Court(trial);
  for (const node of court.keepers) await admitted(court, pinning, node);
  if (!court.isOver) await allReport(court, trial);
}

async function admitted(court: Court, pinning: Pinning, node: SimNode): Promise<void> {
  const isActive = (): boolean => pinning.nodeOf(node)?.status === "active";
  // Who has left in peace may come again when its stake is free; who has lied may not, under this name.
  if (pinning.nodeOf(node)?.status === "expelled") return;
  for (let tries = 0; tries < 6 && !isActive() && !court.isOver; tries += 1) {
    void pinning.join(node);
    await court.rounds(8);
  }
  await court.reaches(node.name, "pinning", isActive, () => pinning.nodeOf(node)?.status ?? "unknown");
}

async function allReport(court: Court, trial: PinTrial): Promise<void> {
  const { world, pinning } = trial;
  const random = new SeededRandom(`${world.plan.seed} trial of pins`);
  for (const crook of pinning.crooks) crook.store.isLost = false;
  const honest = court.keepers.filter((node) => pinning.nodeOf(node)?.status === "active");
  // Who was down until now is drawn for nothing before it has reported again.
  const isHeard = (node: SimNode): boolean =>
    (pinning.nodeOf(node)?.lastSlot ?? court.slot) + world.params.pinDisputeSlots > court.slot;
  for (const node of honest) if (!isHeard(node)) await court.reaches(node.name, "heard", () => isHeard(node));
  const terms = { wanted: everybody, slots: orderSlots };
  const content = await court.does(pinning.order(court.buyer, random, terms));
  if (content === undefined) return;
  const number = (): number => pinning.numberOf(court.buyer, content.root) ?? -1;
  const holds = (node: SimNode): boolean => {
    const part = court.order(number())?.replicas.find((one) => one.node === pinning.nodeOf(node)?.number);
    return part !== undefined && part.fromSlot !== null;
  };
  await court.reaches(court.buyer.name, "ordered", () => number() >= 0);
  for (const node of honest) await court.reaches(node.name, "confirmed", () => holds(node));
  if (court.isOver) return;
  // So long that a running order is credited for some slots, and is not for the newest.
  await court.rounds((world.params.pinDisputeSlots + 2) * world.params.pinSlotEpochs);
  await court.does(pinning.settle(court.buyer, [number()]));
  await court.rounds(world.params.pinSlotEpochs);
  await troubled(court, trial, honest, number());
  if (!court.isOver) await allPaid(court, trial, { honest, number: number() });
}

/**
 * All at once: a death, a partition and a loss; a challenge and a question to somebody honest, and to somebody who says
 * nothing any more; somebody who lies at every sample, which is seen by whoever looks at any.
 */
async function troubled(
  court: Court,
  trial: PinTrial,
  honest: readonly SimNode[],
  pin: number,
): Promise<void> {
  const { world, pinning } = trial;
  const [first, second, third, fourth] = honest;
  const [liar, , silent] = pinning.crooks;
  const random = world.random.fork("the last trouble");
  if (first === undefined || liar === undefined || silent === undefined) return;
  const lastOf = (node: SimNode): number => pinning.nodeOf(node)?.lastSlot ?? -1;
  const from = court.slot;
  const caught = liar.caught.size;
  const silenced = silent.number ?? -1;
  silent.isMute = true;
  const asked = pinning.nodeOf(first)?.number ?? -1;
  for (const number of [asked, silenced]) await accused(court, trial, pin, number);
  const part = (number: number) => court.order(pin)?.replicas.find(({ node }) => node === number);
  await court.reaches(first.name, "asked", () => (part(asked)?.ask ?? null) !== null);
  await standstill(court, trial);
  liar.isBold = true;
  if (fourth !== undefined) await court.does(pinning.loseBlocks(fourth, random));
  second?.crashAfter(random.between(10, 60));
  if (third !== undefined) {
    const others = world.nodes.map(({ name }) => name).filter((name) => name !== third.name);
    world.net.partition([[third.name], others], "cut");
    await court.rounds(awayRounds);
    world.net.heal();
  }
  for (const node of honest) {
    const facts = (): string => `since slot ${lastOf(node)}`;
    await court.reaches(node.name, "reports again", () => lastOf(node) > from + 2, facts);
  }
  const isAsked = (number: number): boolean =>
    (pinning.entryOf(court.buyer, number)?.openChallenges ?? 0) > 0;
  await court.reaches(first.name, "answered", () => !isAsked(asked) && part(asked)?.ask === null);
  await court.reaches(liar.name, "caught", () => liar.caught.size > caught);
  const isDown = (): boolean => !isAsked(silenced) || silent.statusOf(silenced) === "expelled";
  await court.reaches(silent.name, "caught", isDown);
  await court.reaches(silent.name, "dropped", () => part(silenced) === undefined);
}

/** No machine does anything for longer than an answer may take: a chain that stands still is nobody's silence. */
async function standstill(court: Court, { world }: PinTrial): Promise<void> {
  const from = court.height;
  for (const node of world.nodes) node.pause();
  await court.rounds(world.params.pinAnswerEpochs + 2);
  for (const node of world.nodes) node.resume();
  await court.reaches(court.buyer.name, "going on", () => court.height > from + world.params.pinAnswerEpochs);
}

/** A challenge, if there is a report that can be challenged, and a question of the buyer. */
async function accused(court: Court, { pinning }: PinTrial, pin: number, number: number): Promise<void> {
  const { running } = court.buyer;
  const report = running && reportsOf(running, number).find(({ samples }) => samples.some(isAnswered));
  if (report !== undefined) await court.does(pinning.challenge(court.buyer, report));
  await court.does(pinning.ask(court.buyer, pin, number));
}
const isAnswered = ({ block }: PinReport["samples"][number]): boolean => block !== null;

async function allPaid(
  court: Court,
  { world, pinning }: PinTrial,
  { honest, number }: { readonly honest: readonly SimNode[]; readonly number: number },
): Promise<void> {
  const last = court.order(number);
  await court.does(pinning.remove(court.buyer, number));
  await court.reaches(
    court.buyer.name,
    "removed",
    () => (court.order(number)?.endSlot ?? 0) < (last?.endSlot ?? 0),
  );
  const endSlot = court.order(number)?.endSlot ?? 0;
  await court.reaches(court.buyer.name, "ended", () => court.slot > endSlot);
  await court.does(pinning.settle(court.buyer, [number]));
  await court.reaches(court.buyer.name, "settled", () => court.order(number) === undefined);
  const earns = (node: SimNode): bigint => pinning.nodeOf(node)?.earned ?? 0n;
  const [first] = honest;
  if (first !== undefined && !court.isOver && earns(first) === 0n)
    world.history.violate("pinning is judged", first.name, "has earned nothing");
  for (const node of honest) {
    await court.does(pinning.claim(node));
    await court.reaches(node.name, "paid", () => earns(node) === 0n);
  }
  const leaver = honest.at(-1);
  if (leaver === undefined) return;
  await court.does(pinning.leave(leaver));
  await court.reaches(leaver.name, "leaving", () => pinning.nodeOf(leaver)?.status === "leaving");
  // Too early, so that it must fail; the node itself asks again in time.
  await court.does(pinning.withdraw(leaver));
  const isFree = (): boolean => pinning.nodeOf(leaver)?.stake === 0n;
  await court.reaches(leaver.name, "gone with its stake", isFree);
}
