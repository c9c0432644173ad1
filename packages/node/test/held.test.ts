/**
 * What a node holds in memory does not grow with its chain: hundreds of tipsets go through a miner and a follower, with
 * messages and pruning, and everything that is held stays below its row of the table of limits; what is full before
 * the first half is over does not grow in the second.
 */
import { createLongRun, type LongNode } from "@holdfast/node/testing";
import { expect, it } from "vitest";
import { limits } from "../src/limits.ts";
import { VerifiedMessages } from "../src/verified-messages.ts";

/** Full only in the second half, or after many thousands of tipsets: their bound is all that is seen of them. */
const slow: ReadonlySet<string> = new Set([
  "claims of headers",
  "verdicts on proofs",
  "verified messages",
  "pool bytes",
  "sync siblings",
]);
/** One way or the other of what comes and goes; what has fewer places than half a run has rounds is full anyway. */
const play = 4;
const half = 270;

const countsOf = ({ node }: LongNode): Map<string, number> =>
  new Map(node.held().map(({ what, count }) => [what, count]));

it("a long chain leaves a node as large as its limits say", async () => {
  await using run = await createLongRun({
    accounts: 4,
    cheapDraws: true,
    params: { finalityEpochs: 40 },
    pruning: { pruneEpochs: 100, quotaBytes: 0 },
  });
  const follower = await run.follow("follower");
  const nodes = [run.miner, follower];
  const live = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 10) {
      await run.transfer((round / 10) % 4);
      await run.rounds(10);
    }
  };
  await live(half);
  const before = nodes.map(countsOf);
  await live(half);
  for (const [at, { node }] of nodes.entries()) {
    expect(node.chain.head().height).toBeGreaterThan(2 * half - 1);
    expect(node.chain.horizon().statesFrom).toBeGreaterThan(half);
    for (const { what, count, most } of node.held()) {
      expect(count, what).toBeLessThanOrEqual(most);
      if (most > half && !slow.has(what))
        expect(count, what).toBeLessThanOrEqual((before[at]?.get(what) ?? 0) + play);
    }
    expect(countsOf(nodes[at] as LongNode).get("chain tipsets")).toBe(limits.cachedTipsets);
    expect(countsOf(nodes[at] as LongNode).get("sync siblings")).toBe(limits.orphanBlocks);
  }
});

it("what is known of messages is forgotten from its older end", () => {
  const known = new VerifiedMessages(100);
  for (let index = 0; index < 1_000; index += 1) {
    known.add(`message ${index}`);
    expect(known.size).toBeLessThanOrEqual(100);
    expect(known.has(`message ${Math.max(0, index - 49)}`)).toBe(true);
  }
  expect(known.has("message 0")).toBe(false);
});
