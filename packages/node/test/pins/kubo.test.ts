/**
 * Beside a stock Kubo: it keeps pins for us by the same suite as the embedded back end, with another daemon that has
 * the content, and uses our pinning service as any other. Left out where there is no Kubo; `.ci/run` brings one.
 */
import { parseCid, silentLogger } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realClock } from "../../src/clock.ts";
import { openDatabase } from "../../src/database.ts";
import { openEmbedded, openKubo, openPins, startPinServer } from "../../src/pins/index.ts";
import { memoryBlocks } from "../../src/retrieval/index.ts";
import { Kubo, kuboVersion } from "../stock-kubo.ts";
import { backendSuite, type SuiteCrowd } from "./backend-suite.ts";
import { Crowd, content, treeOf } from "./support.ts";

const kubo = new Kubo();
const others = new Kubo();

/** Another daemon has the content, and is connected. */
const crowd: SuiteCrowd = {
  async has(...trees) {
    for (const { blocks } of trees)
      for (const { cid, bytes } of blocks.values()) await others.put(cid, bytes);
  },
  lacks: async (cid) => void (await others.call(`block/rm?arg=${cid}&force=true`)),
  asked: () => 0,
  isPatient: true,
  onFetch: (call) => void setTimeout(call, 300),
};

const isHere = kuboVersion !== undefined;

beforeAll(async () => {
  if (!isHere) return;
  for (const daemon of [kubo, others]) await daemon.start();
  const { Addresses = [] } = await others.json<{ Addresses?: string[] }>("id");
  await kubo.call(`swarm/connect?arg=${encodeURIComponent(Addresses[0] ?? "")}`);
}, 60_000);
afterAll(() => {
  for (const daemon of [kubo, others]) daemon.stop();
});

if (isHere) {
  backendSuite(`Kubo ${kuboVersion}`, async () => {
    const backend = openKubo(kubo.api, "this node");
    return {
      ...{ backend, crowd, isExact: false },
      lose: async (cid) => kubo.lose(parseCid(cid)),
      async [Symbol.asyncDispose]() {
        const { Keys = {} } = await kubo.json<{ Keys?: object }>("pin/ls?type=recursive");
        for (const root of Object.keys(Keys)) await kubo.call(`pin/rm?arg=${root}`);
        await (await kubo.call("repo/gc")).text();
        await backend[Symbol.asyncDispose]();
      },
    };
  });
}

describe.skipIf(!isHere)(`pins beside Kubo ${kuboVersion ?? ""}`, () => {
  it("are those of one node, whose name it keeps through a collection of garbage", async () => {
    await using first = openKubo(kubo.api, "this node");
    await first.collect(new AbortController().signal);
    await using second = openKubo(kubo.api, "another");
    await expect(second.ready()).rejects.toMatchObject({
      ...{ code: "pins/kubo-taken", data: { url: kubo.api, node: "this node" } },
    });
    await kubo.call("files/rm?arg=/holdfast-node");
    await second.ready();
    await expect(openKubo(kubo.api, "this node").ready()).rejects.toMatchObject({ code: "pins/kubo-taken" });
    await kubo.call("files/rm?arg=/holdfast-node");
  });

  it("are asked for by it through our pinning service: add, list, end", async () => {
    const around = new Crowd();
    const tree = treeOf([content(5, 100)]);
    around.has(tree);
    const database = openDatabase(":memory:");
    const backend = openEmbedded({
      ...{ blocks: memoryBlocks(), database, fetch: around.fetch },
      addresses: () => [],
    });
    const random = new SeededRandom("kubo");
    await using pins = openPins({ backend, database, clock: realClock(), random, logger: silentLogger });
    await using server = await startPinServer(pins, silentLogger, { listen: "127.0.0.1:0", mayMove: false });
    const { token } = pins.grant("kubo");
    const service = `service=ours`;
    await kubo.call(`pin/remote/service/add?arg=ours&arg=${encodeURIComponent(server.url)}&arg=${token}`);
    const added = await kubo.call(`pin/remote/add?arg=${tree.root}&${service}&name=tree&background=false`);
    expect(await added.json()).toMatchObject({ Status: "pinned", Cid: tree.root.toString(), Name: "tree" });
    const listed = await (await kubo.call(`pin/remote/ls?${service}&name=tree`)).text();
    expect(listed).toContain(tree.root.toString());
    expect(pins.list({ account: "kubo", limit: 10 }).count).toBe(1);
    await kubo.call(`pin/remote/rm?${service}&name=tree&force=true`);
    expect(pins.list({ account: "kubo", limit: 10 }).count).toBe(0);
  }, 60_000);
});
