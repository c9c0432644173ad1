/**
 * Snapshots: a node that begins with one goes on as any other, and a file that is anything but whole, unchanged and of
 * this network is refused with its own code.
 */
import { type CID, HoldfastError } from "@holdfast/base";
import { createTipset, moneyInvariant } from "@holdfast/consensus";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { carHeader, carSectionHead, readCarOf } from "../../src/car.ts";
import {
  type Checkpoint,
  parseCheckpoint,
  planSnapshot,
  type SnapshotRequest,
} from "../../src/chain/index.ts";
import { exportedFrom, importedTo, inPieces } from "./support/snapshots.ts";

const signal = new AbortController().signal;
const finalityEpochs = 12;

let net: TestNetwork;
let car: Uint8Array;
let root: ReturnType<typeof planSnapshot>["root"];

const exported = (request: SnapshotRequest = {}) => exportedFrom(net, request);
const imported = (bytes: Uint8Array, given?: { readonly checkpoint?: Checkpoint }) =>
  importedTo(net, bytes, given);

async function verdictOn(bytes: Uint8Array, checkpoint?: Checkpoint): Promise<string> {
  try {
    await imported(bytes, checkpoint === undefined ? {} : { checkpoint });
    return "taken";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
}

/** The file in its parts, to be put together otherwise. */
async function sectionsOf(bytes: Uint8Array) {
  const { roots, blocks } = await readCarOf(inPieces(bytes), 64);
  const sections: { readonly cid: CID; readonly bytes: Uint8Array }[] = [];
  for await (const block of blocks) sections.push(block);
  return { roots, sections };
}
function joined(
  roots: readonly CID[],
  sections: readonly { readonly cid: CID; readonly bytes: Uint8Array }[],
) {
  const parts = sections.flatMap(({ cid, bytes }) => [carSectionHead(cid, bytes.length), bytes]);
  return new Uint8Array(Buffer.concat([carHeader(...roots), ...parts]));
}

beforeAll(async () => {
  net = await createNetwork({ miners: 2, seed: "snapshot", params: { finalityEpochs } });
  await net.advance("5s");
  const to = net.miners[0]?.account ?? net.client.account;
  for (let count = 0; count < 5; count += 1) {
    const request = { to, value: "1FIL", method: "", paramsHex: "", from: net.client.account };
    await net.settle(net.client.node.handlers["message.send"](request, signal));
    await net.advance("4s");
  }
  await net.advance("20s");
  root = planSnapshot(net.client.node.chain, {}).root;
  car = await exported();
}, 60_000);
afterAll(async () => {
  await net[Symbol.asyncDispose]();
});

describe("a snapshot", () => {
  it("is of the last final tipset, and the same whenever it is made", async () => {
    const { chain } = net.client.node;
    expect(root.height).toBeLessThanOrEqual(chain.head().height - finalityEpochs);
    expect(await exported({ height: root.height })).toEqual(car);
    const { roots } = await sectionsOf(car);
    expect(roots.map(String)).toEqual(root.cids.map(String));
  });

  it("becomes a chain with the same head, state, money, messages and receipts", async () => {
    const theirs = net.client.node.chain;
    const whole = await exported({ messageEpochs: "all" });
    const { chain, messageEpochs } = await imported(whole);
    expect(chain.head().key).toBe(root.key);
    expect(chain.weightOf(root.key)).toBe(theirs.weightOf(root.key));
    expect(String(chain.stateAfter(root.key))).toBe(String(theirs.stateAfter(root.key)));
    moneyInvariant(chain.store, chain.headState().state, theirs.genesisTotal);
    expect(messageEpochs).toBe(root.height);
    let compared = 0;
    for (const tipset of chain.ancestors(chain.head())) {
      expect(chain.tipsetAt(tipset.height).key).toBe(theirs.tipsetAt(tipset.height).key);
      expect(chain.weightOf(tipset.key)).toBe(theirs.weightOf(tipset.key));
      expect(chain.messagesOf(tipset)).toEqual(theirs.messagesOf(tipset));
      if (tipset.blocks.length > 1 && tipset.key !== root.key) continue;
      expect(chain.resultsOf(tipset.key)).toEqual(theirs.resultsOf(tipset.key));
      compared += chain.resultsOf(tipset.key).length;
    }
    expect(compared).toBeGreaterThan(0);
  });

  it("says what it does not have, and who does", async () => {
    const { chain } = await imported(car);
    const { statesFrom, bodiesFrom } = chain.horizon();
    expect(statesFrom).toBeGreaterThan(0);
    expect(bodiesFrom).toBe(root.height - finalityEpochs + 1);
    const early = chain.tipsetAt(2);
    expect(chain.stateAfter(early.key)).toBeUndefined();
    expect(() => chain.stateOf(early)).toThrowError(expect.objectContaining({ code: "chain/pruned" }));
    expect(() => planSnapshot(chain, { messageEpochs: "all" })).toThrowError(
      expect.objectContaining({ code: "chain/pruned" }),
    );
    expect(chain.stateAfter(chain.genesis.key)).toBeDefined();
  });

  it("is refused if it is cut anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: car.length - 1 }), async (bytes) => {
        expect(await verdictOn(car.subarray(0, bytes))).toMatch(/^chain\/snapshot-cut$|^car\/malformed$/);
      }),
      { numRuns: 12, seed: 5 },
    );
    const { roots, sections } = await sectionsOf(car);
    for (const left of [1, 2, sections.length - 1]) {
      expect(await verdictOn(joined(roots, sections.slice(0, -left)))).toBe("chain/snapshot-cut");
    }
  });

  it("is refused if anything of it is changed, left out, exchanged or added", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: car.length - 1 }), fc.nat({ max: 7 }), async (at, bit) => {
        const changed = car.slice();
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        expect(await verdictOn(changed)).not.toBe("taken");
      }),
      { numRuns: 20, seed: 6 },
    );
    const { roots, sections } = await sectionsOf(car);
    const middle = Math.floor(sections.length / 2);
    const [one, other] = [sections[middle], sections[middle + 1]];
    if (one === undefined || other === undefined) throw new TypeError("a snapshot has objects");
    expect(await verdictOn(joined(roots, sections.toSpliced(middle, 1)))).toBe("chain/snapshot-altered");
    expect(await verdictOn(joined(roots, sections.toSpliced(middle, 2, other, one)))).toBe(
      "chain/snapshot-altered",
    );
    expect(await verdictOn(joined(roots, sections.toSpliced(middle, 0, one)))).toBe("chain/snapshot-altered");
    expect(await verdictOn(joined(roots, [...sections, one]))).toBe("chain/snapshot-padded");
  });

  it("is refused if it is of another network", async () => {
    await using other = await createNetwork({ miners: 1, seed: "elsewhere", params: { finalityEpochs: 2 } });
    await other.advance("15s");
    expect(await verdictOn(await exportedFrom(other))).toBe("chain/snapshot-foreign");
  });

  it("must contain the checkpoint, if there is one", async () => {
    const { chain } = net.client.node;
    const at = chain.tipsetAt(8);
    const early = chain.tipsetAt(4);
    expect(await verdictOn(car, parseCheckpoint(`${at.cids.join(",")}@${at.height}`))).toBe("taken");
    const wrong = parseCheckpoint(`${early.cids.join(",")}@${at.height}`);
    expect(await verdictOn(car, wrong)).toBe("chain/contradicts-checkpoint");
  });

  it("lets a miner go on: it validates what comes, and its blocks are taken", async () => {
    const [miner] = net.miners;
    if (miner === undefined) throw new TypeError("there are miners");
    await net.settle(miner.stop());
    const { chain } = await imported(car);
    miner.prepare({ chainDatabase: chain.store });
    await net.settle(miner.start());
    expect(miner.node.chain.head().height).toBeGreaterThanOrEqual(root.height);
    const before = net.client.node.chain.head().height;
    await net.advance("40s");
    expect(miner.node.chain.head().key).toBe(net.client.node.chain.head().key);
    const since = [...net.client.node.chain.ancestors(net.client.node.chain.head())]
      .filter(({ height }) => height > before + 5)
      .flatMap(({ blocks }) => blocks.map((block) => block.miner));
    expect(since).toContain(miner.miner);
    expect(createTipset(chain.head().blocks).key).toBe(chain.head().key);
  });
});
