/** Content found through the distributed table of peers, over sockets: nobody has told the one of the other. */
import { type PeerId, silentLogger } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { realClock } from "../../src/clock.ts";
import { limits } from "../../src/limits.ts";
import { openLibp2pWire } from "../../src/net/index.ts";
import { memoryBlocks, openRetrieval } from "../../src/retrieval/index.ts";
import { collect, expectSameBytes, listOf, randomBytes, streamOf } from "./support.ts";

const random = new SeededRandom("table");

async function node(stack: AsyncDisposableStack) {
  const needs = { clock: realClock(), logger: silentLogger };
  const options = { privateKey: random.bytes(32), listen: ["/ip4/127.0.0.1/tcp/0"], kad: true };
  const wire = stack.use(await openLibp2pWire({ ...needs, limits }, options));
  const { routing } = wire.control;
  if (routing === undefined) throw new Error("no table");
  const retrieval = stack.use(
    openRetrieval({ ...needs, wire, blocks: memoryBlocks(), sources: [], routing }),
  );
  return { wire, retrieval, routing };
}

describe("the table of peers", () => {
  it("names who has a file to somebody who knows neither of them, and the file is fetched", async () => {
    await using stack = new AsyncDisposableStack();
    const [provider, middle, client] = [await node(stack), await node(stack), await node(stack)];
    const [address = ""] = middle.wire.addresses();
    await provider.wire.connect(address);
    await client.wire.connect(address);
    const bytes = randomBytes("in the table", 300_000);
    const { root } = await provider.retrieval.importFile(streamOf(bytes));
    const { signal } = new AbortController();
    const found = async (): Promise<readonly PeerId[]> =>
      (await listOf(client.retrieval.find(root, [], signal))).map(({ peer }) => peer);
    // The table of the one in the middle has to learn of both first.
    await expect
      .poll(
        async () => {
          await provider.routing.provide(root, AbortSignal.timeout(5_000)).catch(() => undefined);
          return await found();
        },
        { timeout: 20_000, interval: 100 },
      )
      .toEqual([provider.wire.self]);
    const opened = await client.retrieval.openFile(root, { providers: [] });
    expectSameBytes(await collect(opened.bytes), bytes);
  });
});
