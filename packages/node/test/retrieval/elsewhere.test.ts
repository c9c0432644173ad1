/** Blocks that no provider gives are asked of other programs of IPFS, and only then. */
import type { CID } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { chunkBytes, collect, expectSameBytes, randomBytes, streamOf, World } from "./support.ts";

const bytes = randomBytes("elsewhere", 6 * chunkBytes);

async function world() {
  const net = new World({ delayMs: 2 });
  const maker = await net.node("maker");
  const { root } = await maker.retrieval.importFile(streamOf(bytes));
  const asked: string[] = [];
  const has = { here: true };
  const elsewhere = () => ({
    async get(cid: CID) {
      asked.push(cid.toString());
      return has.here ? maker.blocks.get(cid) : undefined;
    },
  });
  const reader = await net.node("reader", { elsewhere });
  const read = (providers: Parameters<typeof reader.retrieval.openFile>[1]["providers"]) =>
    net.run(reader.retrieval.openFile(root, { providers }).then((opened) => collect(opened.bytes)));
  return { net, maker, reader, root, asked, has, read };
}

describe("a file that no provider gives", () => {
  it("comes from another program of IPFS, and is here then", async () => {
    const { reader, root, asked, read } = await world();
    expectSameBytes(await read([]), bytes);
    // Its root and its leaves, each once.
    expect(asked).toHaveLength(7);
    expect(new Set(asked).size).toBe(7);
    expect(await reader.retrieval.hasLocal(root)).toBe(true);
  });

  it("is asked there only when those that are named do not have it", async () => {
    const { net, maker, asked, read } = await world();
    expectSameBytes(await read([maker.peer]), bytes);
    expect(asked).toEqual([]);
    await net.node("nobody");
  });

  it("and that nobody has is told as before", async () => {
    const { has, read } = await world();
    has.here = false;
    expect(await codeOf(read([]))).toBe("retrieval/no-provider");
  });
});
