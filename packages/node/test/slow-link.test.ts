/** A network whose every line carries 1 Mbit/s and loses 5 % of its packets: slow, and nothing else. */
import { createNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";
import { expectSameBytes, randomBytes } from "./retrieval/support.ts";

const megabit = { bytesPerSecond: 125_000, packetLossRatio: 0.05 };

describe("over lines of 1 Mbit/s that lose 5 % of their packets", () => {
  it("a deal is made, proven, read back and fetched by others, only later", async () => {
    await using net = await createNetwork({ miners: 1, seed: "slow", sectorBytes: 262_144 });
    const bytes = randomBytes("slow", 400_000);
    net.wire.setWeather({ delayMs: 60, rate: megabit });
    const startMs = net.clock.nowMs();
    const { cid, job } = await net.put(bytes, { copies: 1 });
    expect(job).toMatchObject({ state: "done", error: null });
    // There and back once, beside everything else that is said; no byte of it a second time.
    const leastMs = (2 * bytes.length * 1_000) / megabit.bytesPerSecond;
    expect(net.clock.nowMs() - startMs).toBeGreaterThan(leastMs);
    const [copy] = job.copies;
    expect(copy?.stepsDone).toContain("read-back");
    const deals = await net.settle(
      net.client.node.handlers["deal.ls"]({ limit: 9 }, new AbortController().signal),
    );
    expect(deals).toMatchObject([{ state: "active" }]);
    const reader = net.nodes.find(({ role }) => role === "bootstrap");
    expectSameBytes(await net.get(cid, reader), bytes);
    net.money();
  });
});
