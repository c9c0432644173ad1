/**
 * A snapshot into a repo on a real disk: it begins a chain, refuses what would lose one, and a process that is killed
 * at any point leaves the old chain or the new one.
 */
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode, silentLogger } from "@holdfast/base";
import { blockCid, blockHeaderCodec } from "@holdfast/consensus";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeCar } from "../../src/car.ts";
import { openChain, openLevelDatabase, settleChainFolder } from "../../src/chain/index.ts";
import { importChain } from "../../src/import-chain.ts";
import { initRepo } from "../../src/repo/index.ts";
import { exportedFrom, genesisObjects, genesisOf } from "./support/snapshots.ts";

let net: TestNetwork;
let folder: string;
let repos = 0;

beforeAll(async () => {
  net = await createNetwork({ miners: 1, seed: "import", params: { finalityEpochs: 10 } });
  await net.advance("50s");
  folder = await mkdtemp(join(tmpdir(), "holdfast-import-"));
  await writeFile(join(folder, "late.car"), await exportedFrom(net));
  await writeFile(join(folder, "early.car"), await exportedFrom(net, { height: 12 }));
}, 60_000);
afterAll(async () => {
  await net[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A repo that was only just made. */
async function newRepo(): Promise<string> {
  repos += 1;
  const repo = join(folder, `repo-${repos}`);
  const { block } = genesisOf(net);
  const header = { cid: blockCid(block.header), bytes: encode(blockHeaderCodec, block.header) };
  await initRepo(repo, { genesis: writeCar(header.cid, [header, ...genesisObjects(net)]) });
  return repo;
}
async function headOf(repo: string): Promise<number> {
  await using database = await openLevelDatabase(join(repo, "chain"));
  const { chain } = net.client.node;
  const opened = await openChain({ database, logger: silentLogger });
  expect(chain.tipsetAt(opened.head().height).key).toBe(opened.head().key);
  return opened.head().height;
}
const importing = (repo: string, name: string, signal?: AbortSignal) =>
  importChain({ repo, file: join(folder, name), ...(signal === undefined ? {} : { signal }) });

describe("chain import", () => {
  it("begins a chain, and goes on to a later snapshot but not back to an earlier one", async () => {
    const repo = await newRepo();
    expect((await importing(repo, "early.car")).height).toBe(12);
    expect(await headOf(repo)).toBe(12);
    const { height, objects } = await importing(repo, "late.car");
    expect(height).toBeGreaterThan(20);
    expect(objects).toBeGreaterThan(height);
    await expect(importing(repo, "early.car")).rejects.toMatchObject({ code: "chain/snapshot-older" });
    expect(await headOf(repo)).toBe(height);
    expect(await readdir(repo)).not.toContain("chain.next");
  });

  it("leaves the repo as it was when it is refused or stopped in the middle", async () => {
    const repo = await newRepo();
    await importing(repo, "early.car");
    const late = await exportedFrom(net);
    await writeFile(join(folder, "cut.car"), late.subarray(0, late.length - 100));
    await expect(importing(repo, "cut.car")).rejects.toMatchObject({ code: "chain/snapshot-cut" });
    const stop = new AbortController();
    const stopped = importChain({
      repo,
      file: join(folder, "late.car"),
      signal: stop.signal,
      onProgress: () => stop.abort(new DOMException("stopped", "AbortError")),
    });
    // A file shorter than one read may be through before anybody looks at the signal.
    await stopped.catch(() => undefined);
    expect([12, net.client.node.chain.head().height - 10]).toContain(await headOf(repo));
    await expect(importing(repo, "none.car")).rejects.toMatchObject({ code: "repo/unreadable" });
    expect(await readdir(repo)).not.toContain("chain.next");
  });

  it("after a kill between any two steps has the old chain or the whole new one", async () => {
    const [old, next] = [await newRepo(), await newRepo()];
    await importing(old, "early.car");
    await importing(next, "late.car");
    const late = await headOf(next);
    /** What a kill leaves, and what the next start makes of it. */
    const cases: readonly {
      readonly left: readonly (readonly [string, string])[];
      readonly height: number;
    }[] = [
      { left: [["chain", old]], height: 12 },
      {
        left: [
          ["chain", old],
          ["chain.next", next],
        ],
        height: 12,
      },
      {
        left: [
          ["chain.old", old],
          ["chain.next", next],
        ],
        height: late,
      },
      {
        left: [
          ["chain", next],
          ["chain.old", old],
        ],
        height: late,
      },
      { left: [["chain.old", old]], height: 12 },
    ];
    for (const [index, { left, height }] of cases.entries()) {
      const repo = join(folder, `case-${index}`);
      await mkdir(repo);
      for (const [name, from] of left) await cp(join(from, "chain"), join(repo, name), { recursive: true });
      await settleChainFolder(join(repo, "chain"));
      expect(await headOf(repo)).toBe(height);
      expect(await readdir(repo)).toEqual(["chain"]);
    }
  });
});
