/** What `status` says of a node's health: of a network that has just begun, and of one that has stopped. */
import { describe, expect, it } from "vitest";
import { healthOf } from "../../src/rpc/handlers/chain.ts";
import type { HandlerNeeds } from "../../src/rpc/index.ts";

function healthAt(height: number, silentRounds: number): ReturnType<typeof healthOf> {
  const needs = {
    chain: { params: { roundMs: 1_000 }, headState: () => ({ tipset: { height } }) },
    clock: { nowMs: () => 1_000 * silentRounds },
    sync: { state: () => ({ state: "synced", reason: "", fix: null }) },
  };
  return healthOf(needs as unknown as HandlerNeeds, 0);
}

describe("the health of a node", () => {
  it("is in doubt before the first block, and fails when no more come", () => {
    const young = healthAt(0, 14);
    expect([young.light, young.reason]).toEqual([
      "warning",
      "no block has been made yet, and the network began 14 rounds ago",
    ]);
    expect(healthAt(1, 14)).toMatchObject({ light: "failing", reason: "the newest block is 14 rounds old" });
  });
});
