/**
 * What attested pinning owes to whom, in attoFIL, by rules of its own: the model beside which the machine test runs the
 * chain. Which nodes hold what it is told by the chain, whose draw it cannot know.
 */
import type { PinReplica } from "@holdfast/consensus";
import { expect } from "vitest";
import { deposit, pinParams } from "./pin-world.ts";

export interface Part {
  /** Earned and not settled, by slot. */
  readonly owed: Map<number, bigint>;
  fromSlot: number | null;
  /** The epoch in which the buyer has asked. */
  askedAt: number | null;
}
export interface ModelOrder {
  readonly bytes: number;
  readonly wanted: number;
  endSlot: number;
  escrow: bigint;
  readonly parts: Map<number, Part>;
}

export class Model {
  readonly orders = new Map<number, ModelOrder>();
  readonly earned = [0n, 0n, 0n];
  readonly expelled = new Set<number>();
  /** Where the chain went on after its last long gap. */
  gapEnd = 0;

  /** Every report that counts adds to all parts that it is for. */
  report(node: number, slot: number, accuracy: number, added: readonly number[]): void {
    for (const order of this.orders.values()) {
      const part = order.parts.get(node);
      if (part === undefined || part.fromSlot === null || part.fromSlot > slot || slot >= order.endSlot)
        continue;
      part.owed.set(slot, (BigInt(order.bytes) * BigInt(accuracy)) / 1_000_000n);
    }
    for (const pin of added) {
      const order = this.orders.get(pin);
      const part = order?.parts.get(node);
      if (order !== undefined && part?.fromSlot === null && slot + 1 < order.endSlot)
        part.fromSlot = slot + 1;
    }
  }

  /** Moves what is owed for slots below one, to all that are not being asked. */
  settle(number: number, slot: number): void {
    const order = this.orders.get(number);
    for (const [node, { askedAt }] of order?.parts ?? [])
      if (order !== undefined && askedAt === null) this.pay(order, node, slot);
  }
  pay(order: ModelOrder, node: number, slot: number): void {
    if (this.expelled.has(node)) return;
    const owed = order.parts.get(node)?.owed ?? new Map<number, bigint>();
    for (const [at, amount] of owed) {
      if (at >= slot) continue;
      owed.delete(at);
      order.escrow -= amount;
      this.earned[node] = (this.earned[node] ?? 0n) + amount;
    }
  }

  startOf = (askedAt: number): number => Math.max(askedAt, this.gapEnd);
  isForfeit(node: number, askedAt: number | null, height: number): boolean {
    if (askedAt === null) return false;
    return this.expelled.has(node) || height > this.startOf(askedAt) + pinParams.pinAnswerEpochs;
  }
  /** Nodes that can answer no more lose their parts, and what these owe stays with the buyer. */
  dropForfeit({ parts }: ModelOrder, height: number): void {
    for (const [node, { askedAt }] of [...parts])
      if (this.isForfeit(node, askedAt, height)) parts.delete(node);
  }

  /**
   * The parts that the chain says there are now; one that has not confirmed was drawn just now. Who is gone was let go
   * in peace, paid for the slots below `slot`.
   */
  follow(number: number, replicas: readonly PinReplica[], slot: number): void {
    const order = this.orders.get(number);
    if (order === undefined) return;
    const drawn = new Map(replicas.map((one) => [one.node, one.fromSlot]));
    for (const [node, { askedAt }] of [...order.parts]) {
      if ((drawn.get(node) ?? null) !== null) continue;
      expect(askedAt).toBe(null);
      this.pay(order, node, slot);
      order.parts.delete(node);
    }
    for (const [node, fromSlot] of drawn)
      if (!order.parts.has(node)) order.parts.set(node, { owed: new Map(), fromSlot, askedAt: null });
  }

  total(): bigint {
    let sum = 0n;
    for (const { escrow, parts } of this.orders.values()) {
      sum += escrow;
      for (const { askedAt } of parts.values()) if (askedAt !== null) sum += deposit;
    }
    return this.earned.reduce((all, one) => all + one, sum);
  }
}
