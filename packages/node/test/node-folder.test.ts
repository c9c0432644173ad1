/** What `storage ls --check` tells of the folder of a miner that runs, beside what the file system says. */
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@holdfast/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realClock } from "../src/clock.ts";
import { startDevnet } from "../src/devnet.ts";

const clock = realClock();

/** Every file below a folder with its size, under the first part of its path. */
async function walk(root: string): Promise<Map<string, { files: number; sizeBytes: number }>> {
  const found = new Map<string, { files: number; sizeBytes: number }>();
  for (const name of await readdir(root, { recursive: true })) {
    const file = await stat(join(root, name)).catch(() => undefined);
    if (file?.isFile() !== true) continue;
    const [top = name] = name.split("/");
    const { files, sizeBytes } = found.get(top) ?? { files: 0, sizeBytes: 0 };
    found.set(top, { files: files + 1, sizeBytes: sizeBytes + file.size });
  }
  return found;
}

const sumOf = (parts: Iterable<{ files: number; sizeBytes: number }>) =>
  [...parts].reduce(
    (sum, { files, sizeBytes }) => ({ files: sum.files + files, sizeBytes: sum.sizeBytes + sizeBytes }),
    { files: 0, sizeBytes: 0 },
  );

describe("the folder of a miner that runs", () => {
  let state: string;
  beforeAll(async () => {
    state = await mkdtemp(join(tmpdir(), "holdfast-folder-"));
  });
  afterAll(() => rm(state, { recursive: true }));

  it("is explained to the last byte, each part by its name, and what somebody else has put there too", async () => {
    const options = { roundMs: 2_000, miners: 1, apiPort: 0, version: "0", sectorBytes: 65_536, state };
    await using network = await startDevnet({ ...options, proofMode: "vanilla" });
    const miner = network.nodes.find(({ name }) => name.startsWith("miner"));
    if (miner === undefined) throw new Error("a network has a miner");
    await writeFile(join(miner.repo, "holiday.jpg"), new Uint8Array(1_234));
    const client = createClient({ url: miner.api, token: miner.token });
    for (;;) {
      const before = await walk(miner.repo);
      const { folder, volumes } = await client.call("storage.ls", { check: true });
      // It works meanwhile: what is compared is a moment in which nothing has changed.
      if (JSON.stringify([...(await walk(miner.repo))]) !== JSON.stringify([...before])) {
        await clock.sleep(20);
        continue;
      }
      const parts = folder ?? [];
      expect(sumOf(parts)).toEqual(sumOf(before.values()));
      const foreign = parts.filter(({ about }) => about.startsWith("no part of a node"));
      expect(foreign).toMatchObject([{ name: "holiday.jpg", files: 1, sizeBytes: 1_234 }]);
      const { files, sizeBytes } = before.get("sectors") ?? { files: 0, sizeBytes: 0 };
      expect(parts.find(({ name }) => name === "sectors")).toMatchObject({ files, sizeBytes });
      const [home] = volumes;
      expect(home?.found?.some(({ owner }) => owner === "orphan" || owner === "foreign")).toBe(false);
      expect(home?.found?.reduce((sum, one) => sum + one.files, 0)).toBe(
        home?.recorded.reduce((sum, one) => sum + one.files, 0),
      );
      break;
    }
  });
});
