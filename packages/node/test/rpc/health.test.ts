/** What `status` says of a node's health: of a network that has just begun, and of one that has stopped. */
import { describe, expect, it } from "vitest";
import { healthOf } from "../../src/rpc/handlers/chain.ts";
import type { HandlerNeeds } from "../../src/rpc/index.ts";

type Silence = { readonly sinceMs: number; readonly detail: string };

function healthAt(height: number, silentRounds: number, records?: Silence): ReturnType<typeof healthOf> {
  const needs = {
    chain: { params: { roundMs: 1_000 }, headState: () => ({ tipset: { height } }) },
    clock: { nowMs: () => 1_000 * silentRounds },
    sync: { state: () => ({ state: "synced", reason: "", fix: null }) },
    miner: { recordsSilence: () => records },
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

  it("fails from the moment on at which its database does not answer, and says what follows", () => {
    const silence = { sinceMs: 1_000, detail: "connect ECONNREFUSED" };
    expect(healthAt(7, 4, silence)).toEqual({
      light: "failing",
      reason: expect.stringMatching(/has not answered for 3s \(connect ECONNREFUSED\): it makes no block/),
      fix: expect.stringContaining("PostgreSQL"),
    });
  });
});
