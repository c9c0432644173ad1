/**
 * Nodes of one process that share executions and verdicts are the nodes they would be alone: the same heads, states
 * that each holds whole, the same receipts; a tipset is executed once. What was made for something else, or failed, is
 * taken by nobody.
 */
import { blsKeyFromSeed, blsPublicKey, blsSign, type CID, cidOfCbor } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import type { Tipset, TipsetResult } from "@holdfast/consensus";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";
import { DigestSet } from "../../src/chain/digest-set.ts";
import { walk } from "../../src/chain/walk.ts";
import { type Claim, inlineClaims, shareClaims } from "../../src/claims.ts";
import {
  type Execution,
  type ExecutionPlace,
  type Executions,
  shareExecutions,
} from "../../src/executions.ts";

/** Counts what is executed and what was asked for. */
function counted(inner: Executions) {
  const counts = { asked: 0, made: 0 };
  const executions: Executions = {
    of(place, execute) {
      counts.asked += 1;
      return inner.of(place, () => {
        counts.made += 1;
        return execute();
      });
    },
  };
  return { counts, executions };
}

/** What every node says of every tipset of its chain; its state is read as a whole. */
function statesOf(net: TestNetwork): string[][] {
  return net.nodes.map(({ node: { chain } }) =>
    [...chain.ancestors(chain.head())].map((tipset) => {
      const state = chain.stateOf(tipset);
      const objects = [...walk(chain.store, state, new DigestSet())].length;
      return JSON.stringify([tipset.key, String(state), objects, chain.resultsOf(tipset.key)]);
    }),
  );
}

async function story(executions?: Executions): Promise<string[][]> {
  await using net = await createNetwork({
    ...{ miners: 2, seed: "shared executions" },
    ...(executions === undefined ? {} : { executions }),
  });
  await net.put(new Uint8Array(5_000).fill(7), { copies: 1 });
  await net.advance("20s");
  await net.advanceUntil(
    () => new Set(net.nodes.map(({ node }) => node.chain.head().key)).size === 1,
    60_000,
  );
  return statesOf(net);
}

describe("nodes that share executions", () => {
  it("hold the states that they would have made alone, and execute each tipset once", async () => {
    const { counts, executions } = counted(shareExecutions());
    const shared = await story(executions);
    const [first = []] = shared;
    expect(first.length).toBeGreaterThan(20);
    for (const states of shared) expect(states).toEqual(first);
    expect(counts.asked).toBeGreaterThan(3 * first.length);
    expect(counts.made).toBeLessThan(counts.asked / 2);
    const alone = await story();
    expect(alone[0]).toEqual(first);
  });
});

const cidOf = (text: string): CID => cidOfCbor(new TextEncoder().encode(text));
function placed(key: string, claims: readonly string[], parent = "parent"): ExecutionPlace {
  const blocks = claims.map((claim) => ({ stateRoot: cidOf(claim) }));
  const tipset = { key, blocks } as unknown as Tipset;
  return { networkId: Uint8Array.of(1), parentState: cidOf(parent), tipset };
}
const madeOf = (state: string): Execution => ({
  result: { stateRoot: cidOf(state) } as TipsetResult,
  objects: [],
});
const never = async (): Promise<Execution> => {
  throw new TypeError("nobody executes this");
};

describe("an execution", () => {
  it("is taken by who asks for the same, also while it is being made", async () => {
    const executions = shareExecutions();
    const made = madeOf("a");
    const { promise, resolve } = Promise.withResolvers<Execution>();
    const first = executions.of(placed("t", ["a"]), () => promise);
    const second = executions.of(placed("t", ["a"]), never);
    resolve(made);
    expect(await first).toBe(made);
    expect(await second).toBe(made);
  });

  it("of another network, parent state or tipset is not taken, nor one that a block contradicts", async () => {
    const executions = shareExecutions();
    await executions.of(placed("t", ["a"]), async () => madeOf("a"));
    const own = madeOf("own");
    const others = [
      { ...placed("t", ["a"]), networkId: Uint8Array.of(2) },
      placed("t", ["a"], "another parent"),
      placed("u", ["a"]),
      placed("t", ["b"]),
    ];
    for (const place of others) expect(await executions.of(place, async () => own)).toBe(own);
  });

  it("that failed is made by each node itself, which finds the same", async () => {
    const executions = shareExecutions();
    const failing = () => Promise.reject(new RangeError("a bad block"));
    const first = executions.of(placed("t", ["a"]), failing);
    const second = executions.of(placed("t", ["a"]), failing);
    await expect(first).rejects.toThrow("a bad block");
    await expect(second).rejects.toThrow("a bad block");
    const made = madeOf("a");
    expect(await executions.of(placed("t", ["a"]), async () => made)).toBe(made);
  });
});

describe("claims that are shared", () => {
  it("are verified once, each with its own verdict, and again after a failure", async () => {
    const random = new SeededRandom("shared claims");
    const claims = Array.from({ length: 12 }, (_, at): Claim => {
      const secret = blsKeyFromSeed(random.bytes(32));
      const input = random.bytes(20);
      const output = blsSign(secret, at % 3 === 0 ? random.bytes(20) : input);
      return { kind: "draw", key: blsPublicKey(secret), input, output };
    });
    const expected = await inlineClaims.verify(claims);
    expect(new Set(expected).size).toBe(2);
    let [asked, failures] = [0, 1];
    const shared = shareClaims({
      verify: async (list) => {
        if (failures-- > 0) throw new TypeError("lost");
        asked += list.length;
        return inlineClaims.verify(list);
      },
    });
    await expect(shared.verify(claims.slice(0, 3))).rejects.toThrow("lost");
    const [all, some] = await Promise.all([shared.verify(claims), shared.verify(claims.slice(4, 9))]);
    expect(all).toEqual(expected);
    expect(some).toEqual(expected.slice(4, 9));
    expect(await shared.verify([...claims, ...claims])).toEqual([...expected, ...expected]);
    expect(asked).toBe(claims.length);
  });
});
