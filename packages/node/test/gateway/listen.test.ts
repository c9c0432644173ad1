/** What the gateway gives to whom: everything on loopback, elsewhere only what can be checked, unless told. */
import { type CID, rawCid, silentLogger } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { afterEach, describe, expect, it } from "vitest";
import { gatewayOf, type IpfsRooms, openGateway } from "../../src/compose-gateway.ts";
import { readConfig } from "../../src/repo/index.ts";
import { memoryBlocks, openRetrieval, type Retrieval } from "../../src/retrieval/index.ts";

function chosen(lines: string) {
  return gatewayOf(readConfig(`[gateway]\n${lines}`, "config.toml")).gateway;
}

describe("what the configuration of a gateway means", () => {
  it("is all of it on loopback, and nothing that cannot be checked elsewhere", () => {
    const own = { plain: true, fetch: true, isOwn: true };
    const open = { plain: false, fetch: false, isOwn: false };
    for (const [listen, expected] of [
      ["127.0.0.1:3480", { ...own, mayMove: true }],
      ["127.0.0.1:3481", { ...own, mayMove: false }],
      ["127.8.9.1:0", own],
      ["[::1]:3480", own],
      ["0.0.0.0:3480", { ...open, mayMove: false }],
      ["[::]:3480", open],
      ["[::ffff:7f00:1]:3480", open],
      ["192.168.1.127:3480", open],
      ["12.7.0.1:3480", open],
      ["1.127.0.1:3480", open],
      ["[::1:1]:3480", open],
    ] as const)
      expect([listen, chosen(`listen = "${listen}"`)]).toMatchObject([listen, { listen, ...expected }]);
    expect(chosen("")).toMatchObject({ listen: "127.0.0.1:3480", ...own });
    expect(chosen('listen = ""')).toBeUndefined();
  });

  it("is what it is told to be", () => {
    const everywhere = 'listen = "0.0.0.0:3480"\n';
    expect(chosen(`${everywhere}plain = true`)).toMatchObject({ plain: true, fetch: false, isOwn: false });
    expect(chosen(`${everywhere}fetch = true`)).toMatchObject({ plain: false, fetch: true, isOwn: false });
    expect(chosen("plain = false")).toMatchObject({ plain: false, fetch: true });
    expect(chosen("fetch = false")).toMatchObject({ plain: true, fetch: false });
    expect(chosen('publicUrl = "https://a.example/x/"')).toMatchObject({ publicUrl: "https://a.example/x" });
    for (const listen of ["localhost:3480", "127.0.0.1.example.org:80", "*:3480", "3480"])
      expect(() => chosen(`listen = "${listen}"`)).toThrow();
  });
});

describe("a gateway that others reach", () => {
  const cleanup: (() => PromiseLike<void>)[] = [];
  afterEach(async () => {
    for (const end of cleanup.splice(0).reverse()) await end();
  });

  it("gives blocks as to strangers, no files, and nothing that it would have to fetch", async () => {
    const retrieval = openRetrieval({
      wire: { open: () => Promise.reject(new Error("there is no network")), handle: () => () => undefined },
      clock: new SimClock(),
      blocks: memoryBlocks(),
      sources: [],
      logger: silentLogger,
    });
    cleanup.push(() => retrieval[Symbol.asyncDispose]());
    const away = new TextEncoder().encode("with somebody else");
    const asked: string[] = [];
    const session = () => ({
      get: async (cid: CID) => {
        asked.push(cid.toString());
        return away;
      },
    });
    const strangers: (boolean | undefined)[] = [];
    const dag: Retrieval["dag"] = (root, elsewhere) => {
      strangers.push(elsewhere.forOthers);
      return retrieval.dag(root, elsewhere);
    };
    const rooms = {
      chain: { store: { get: () => undefined } },
      retrieval: { dag, gifts: retrieval.gifts },
      swap: { session },
    };
    const open = async (listen: string): Promise<string> => {
      const gateway = chosen(`listen = "${listen}"`);
      const running = await openGateway(
        { logger: silentLogger, ...(gateway === undefined ? {} : { gateway }) },
        rooms as unknown as IpfsRooms,
      );
      if (running === undefined) throw new Error("no gateway");
      cleanup.push(() => running[Symbol.asyncDispose]());
      return `http://127.0.0.1:${new URL(running.url).port}/ipfs/`;
    };
    const [own, open4] = [await open("127.0.0.1:0"), await open("0.0.0.0:0")];
    const bytes = new TextEncoder().encode("here");
    const { root } = await retrieval.importFile(
      (async function* () {
        yield bytes;
      })(),
    );
    const statuses = async (base: string): Promise<number[]> => {
      const paths = [`${root}?format=raw`, `${root}`, `${rawCid(away)}?format=raw`];
      const answers = await Promise.all(paths.map((path) => fetch(`${base}${path}`)));
      await Promise.all(answers.map((answer) => answer.arrayBuffer()));
      return answers.map(({ status }) => status);
    };
    expect(await statuses(open4)).toEqual([200, 400, 404]);
    expect(asked).toEqual([]);
    expect(new Set(strangers.splice(0))).toEqual(new Set([true])); // to whom nothing is given that has a price
    expect(await statuses(own)).toEqual([200, 200, 200]);
    expect(asked).toEqual([rawCid(away).toString()]);
    expect(new Set(strangers)).toEqual(new Set([false]));
  });
});
