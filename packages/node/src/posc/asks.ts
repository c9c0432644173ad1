/**
 * Challenges and asks on the chain, which is the record: nothing of them is written down here. What this node is asked
 * for it answers by the blocks, of asks the largest pay first; what its accounts have asked for and nobody answered is
 * closed, and places of their orders whose nodes are gone or silent are drawn anew. What the chain still waits for in
 * another slot is sent again: a message that came too early in a branch of the chain has failed for good.
 */
import { type CID, encode, toHex } from "@holdfast/base";
import {
  askStart,
  isPinPartVacant,
  methods,
  type PinAsk,
  type PinReplica,
  pinSlotAt,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import type { NumberedPin, PoscNeeds, PoscView } from "./needs.ts";
import { walkLocally } from "./report.ts";
import { sendOrTell } from "./sending.ts";
import { inTurns } from "./turns.ts";

type AsksNeeds = Pick<PoscNeeds, "pins" | "sender" | "logger" | "askDeposit">;

interface Asked {
  readonly order: number;
  readonly root: CID;
  readonly seed: Uint8Array;
  readonly owed: bigint;
}

/** The last epoch at which an ask can be answered. */
const askDeadline = (ask: PinAsk, { gapEnd, answerEpochs }: PoscView): number =>
  askStart(ask, gapEnd) + answerEpochs;

/** Of the next block. */
const slotOf = ({ slotEpochs, height }: PoscView): number => pinSlotAt(slotEpochs, height + 1);

export class Asks {
  readonly #needs: AsksNeeds;
  /** Draws and the slot in which they were answered last: after a reorganisation another draw is another ask. */
  readonly #answered = new Map<string, number>();
  /** Draws of which was told that their blocks are not here. */
  readonly #told = new Set<string>();

  constructor(needs: AsksNeeds) {
    this.#needs = needs;
  }

  /** Samples that this node has reported: its stake answers for them. */
  async answerChallenges(view: PoscView, node: number): Promise<void> {
    const { pins } = this.#needs;
    if (view.node(node)?.openChallenges === 0 || pins === undefined) return;
    for await (const { number: challenge, node: asked, seed, root } of inTurns(view.challenges())) {
      if (asked !== node) continue;
      const walk = await walkLocally(seed, root, (cid) => pins.block(cid));
      if (walk === undefined) continue;
      await sendOrTell(this.#needs, {
        method: "answerChallenge",
        // After a reorganisation the number may be another challenge's: its answer is another message.
        key: `pin answer:${challenge}:${toHex(seed)}:${slotOf(view)}`,
        params: encode(methods.pins.answerChallenge.params, { challenge, blocks: walk.blocks }),
      });
    }
  }

  /** Challenges by this node that nobody answered in time. */
  async closeChallenges(view: PoscView): Promise<void> {
    for await (const { number: challenge, challenger, answerBy } of inTurns(view.challenges())) {
      const last = Math.max(answerBy, view.gapEnd + view.answerEpochs);
      if (!this.#needs.sender.isOwn(challenger) || view.height < last) continue;
      await sendOrTell(this.#needs, {
        method: "closeChallenge",
        key: `pin close:${challenge}:${last}:${slotOf(view)}`,
        params: encode(methods.pins.closeChallenge.params, { challenge }),
      });
    }
  }

  /** Walks of orders that this node holds. */
  async answer(view: PoscView, node: number): Promise<void> {
    const { pins } = this.#needs;
    const waiting = pins === undefined ? [] : askedOf(view, node);
    const standing = new Set(waiting.map(({ seed }) => toHex(seed)));
    for (const known of [this.#answered, this.#told])
      for (const seed of known.keys()) if (!standing.has(seed)) known.delete(seed);
    const slot = slotOf(view);
    const left = waiting.filter(({ seed }) => this.#answered.get(toHex(seed)) !== slot);
    let shown = 0;
    for (const { order, root, seed } of left) {
      if (shown >= limits.pinAnswersAtOnce) break;
      const walk = await walkLocally(seed, root, async (cid) => pins?.block(cid));
      if (walk === undefined) {
        // It is looked for at each head again, and may come: a retry of the pin fetches it.
        if (!this.#told.has(toHex(seed)))
          this.#needs.logger.warn("what a buyer asks for is not here", { order });
        this.#told.add(toHex(seed));
        continue;
      }
      shown += 1; // what is not here takes no place of what is
      const sent = await sendOrTell(this.#needs, {
        method: "answerAsk",
        key: `pin ask answer:${order}:${toHex(seed)}:${slot}`,
        params: encode(methods.pins.answerAsk.params, { pin: order, node, blocks: walk.blocks }),
      });
      if (sent !== undefined) this.#answered.set(toHex(seed), slot);
    }
  }

  /** What this node's accounts have bought: once in a slot. */
  async tend(view: PoscView, own: readonly NumberedPin[], slot: number): Promise<void> {
    for (const order of own) {
      await this.#close(view, order);
      // A draw that finds nobody costs its gas all the same.
      if (slot % view.disputeSlots !== 0 || this.#needs.askDeposit() === undefined) continue;
      if (slot >= order.endSlot || !hasVacancy(view, order, slot)) continue;
      await sendOrTell(this.#needs, {
        method: "repairPin",
        key: `pin repair:${order.number}:${slot}`,
        params: encode(methods.pins.repairPin.params, { pin: order.number }),
      });
    }
  }

  async #close(view: PoscView, { number: pin, replicas }: NumberedPin): Promise<void> {
    for (const { node, ask } of replicas) {
      if (ask === null) continue;
      const last = askDeadline(ask, view);
      if (view.height < last) continue;
      await sendOrTell(this.#needs, {
        method: "closeAsk",
        // By the deadline: one that came too early, because the chain stood still, is another message than the next.
        key: `pin ask close:${pin}:${node}:${last}:${slotOf(view)}`,
        params: encode(methods.pins.closeAsk.params, { pin, node }),
      });
    }
  }
}

function hasVacancy(view: PoscView, { replicas, wanted }: NumberedPin, slot: number): boolean {
  const at = { height: view.height + 1, slot, disputeSlots: view.disputeSlots };
  const isVacant = (replica: PinReplica): boolean => {
    const node = view.node(replica.node);
    return replica.ask === null && node !== undefined && isPinPartVacant(node, replica, at);
  };
  return replicas.length < wanted || replicas.some(isVacant);
}

/** What can be answered in the next block, the largest pay first. */
function askedOf(view: PoscView, number: number): readonly Asked[] {
  const node = view.node(number);
  if (node === undefined || node.openAsks === 0 || node.status === "expelled") return [];
  const asked: Asked[] = [];
  for (const { number: order, pin } of view.assigned(number)) {
    const part = pin.replicas.find((one) => one.node === number);
    if (part === undefined || part.ask === null || view.height >= askDeadline(part.ask, view)) continue;
    const seed = view.askSeed(order, number, part.ask);
    if (seed === undefined) continue;
    asked.push({ order, root: pin.cid, seed, owed: view.owed(node, pin, part) });
  }
  return asked.sort((a, b) => (a.owed < b.owed ? 1 : a.owed > b.owed ? -1 : a.order - b.order));
}
