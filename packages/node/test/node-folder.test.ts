/** What `storage ls --check` tells of the folder of a miner that runs, beside what the file system says. */
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@holdfast/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDevnet } from "../src/devnet.ts";

/** Of the folder against what the node says. */
const mostTries = 200;

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

type Found = Awaited<ReturnType<typeof walk>>;
type Parts = readonly { readonly name: string }[];

/** A file's part has its name, or is the database whose journal it is. */
function partOf(name: string, parts: Parts): string {
  return parts.find((part) => name === part.name || name.startsWith(`${part.name}-`))?.name ?? name;
}

function filesOf(found: Found, name: string, parts: Parts) {
  return [...found].filter(([file]) => partOf(file, parts) === name).map(([, size]) => size);
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
    // It works meanwhile: each part is compared in a moment in which it has not changed.
    const compared = new Set<string>();
    for (let tries = 0; tries < mostTries; tries++) {
      const before = await walk(miner.repo);
      const { folder, volumes } = await client.call("storage.ls", { check: true });
      const after = await walk(miner.repo);
      const parts = folder ?? [];
      const names = new Set([...before.keys(), ...after.keys()].map((name) => partOf(name, parts)));
      for (const name of names) {
        const [one, other] = [before, after].map((found) => sumOf(filesOf(found, name, parts)));
        if (JSON.stringify(one) !== JSON.stringify(other)) continue;
        expect({ name, ...sumOf(parts.filter((part) => part.name === name)) }).toEqual({ name, ...one });
        if (name === "sectors") {
          const [home] = volumes;
          expect(home?.found?.some(({ owner }) => owner === "orphan" || owner === "foreign")).toBe(false);
          expect(sumOf(home?.found ?? []).files).toBe(sumOf(home?.recorded ?? []).files);
        }
        compared.add(name);
      }
      const foreign = parts.filter(({ about }) => about.startsWith("no part of a node"));
      expect(foreign).toMatchObject([{ name: "holiday.jpg", files: 1, sizeBytes: 1_234 }]);
      if ([...names].every((name) => compared.has(name))) return;
    }
    throw new Error("a part of the folder changes with every look");
  });
});
