/** One block at a place of somebody's choice, out of what a peer has: what is damaged or missing there shows. */
import { codeOf, SeededRandom } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import type { CarSource } from "../../src/retrieval/index.ts";
import {
  chunkBytes,
  collect,
  localRetrieval,
  randomBytes,
  type SimNode,
  streamOf,
  World,
} from "./support.ts";

const leaves = 200;
/** Children of a full node, as Kubo makes them. */
const fanout = 174;

/** The draws that lead to a leaf: the child of the root, and its own child. */
function drawsTo(leaf: number): () => number {
  const inFirst = leaf < fanout;
  const second = inFirst ? (leaf + 0.5) / fanout : (leaf - fanout + 0.5) / (leaves - fanout);
  const draws = [inFirst ? 0.1 : 0.99, second];
  return () => draws.shift() ?? 0;
}

describe("a sample of a peer's copy", () => {
  const { signal } = new AbortController();
  const asked = (client: SimNode, miner: SimNode, root: Parameters<SimNode["retrieval"]["sample"]>[1]) => ({
    at: (draw: () => number) => client.retrieval.sample(miner.peer, root, draw, signal),
  });

  it("is one block and those above it, and shows each block that is damaged", async () => {
    const bytes = randomBytes("sampled", leaves * chunkBytes);
    const maker = localRetrieval();
    const { root } = await maker.importFile(streamOf(bytes));
    const car = await collect(maker.carStream(root));
    const world = new World();
    const source: CarSource = {
      open: async (payload) =>
        payload.equals(root)
          ? {
              carBytes: car.length,
              async *read(offset, length = car.length) {
                yield car.slice(offset, offset + length);
              },
            }
          : undefined,
      *payloads() {
        yield root;
      },
    };
    const miner = await world.node("miner", { sources: [source] });
    await world.run(miner.retrieval.indexed());
    const client = await world.node("client");
    const { at } = asked(client, miner, root);
    expect(await world.run(at(drawsTo(3)))).toMatchObject({ blocks: 3 });
    expect(await client.blocks.usedBytes()).toBe(0);
    // Kubo's leaves are the chunks themselves.
    for (const leaf of [3, 173, 174, 199]) {
      const place = Buffer.from(car.buffer).indexOf(
        bytes.subarray(leaf * chunkBytes, leaf * chunkBytes + 64),
      );
      const old = car[place] ?? 0;
      car[place] = old ^ 1;
      expect(await world.run(codeOf(at(drawsTo(leaf))))).toBe("retrieval/refused");
      expect(await world.run(at(drawsTo(leaf - 1)))).toMatchObject({ blocks: 3 });
      car[place] = old;
    }
    // Whatever is drawn, there is a block.
    const random = new SeededRandom("draws");
    for (let n = 0; n < 50; n += 1)
      expect(await world.run(at(() => random.below(1_000) / 1_000))).toMatchObject({ blocks: 3 });
    expect(await world.run(at(() => 0))).toMatchObject({ blocks: 3 });
  });

  it("of a folder goes into its entries, and of what is not there is refused", async () => {
    const world = new World();
    const miner = await world.node("miner");
    const client = await world.node("client");
    const entries = async function* () {
      yield { kind: "file" as const, path: ["a"], bytes: streamOf(randomBytes("a", 900)) };
      yield { kind: "file" as const, path: ["b"], bytes: streamOf(randomBytes("b", 900)) };
      yield { kind: "symlink" as const, path: ["c"], target: "a" };
    };
    const { root } = await world.run(miner.retrieval.importFolder(entries()));
    const { at } = asked(client, miner, root);
    for (const draw of [0, 0.4, 0.99]) expect(await world.run(at(() => draw))).toMatchObject({ blocks: 2 });
    const other = await world.run(client.retrieval.importFile(streamOf(randomBytes("other", 900))));
    expect(await world.run(codeOf(asked(client, miner, other.root).at(() => 0)))).toBe("retrieval/refused");
  });
});
