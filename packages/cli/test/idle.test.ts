/** Idle space by hand: sets, primes and accumulators of the original; what cannot be is refused before any work. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonError, run } from "./run.ts";

const readVectors = async (name: string) =>
  JSON.parse(await readFile(new URL(`../../../vectors/idle/${name}.json`, import.meta.url), "utf8"));

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-idle-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const labels = (options: { readonly [name: string]: string }) =>
  run([
    ...["idle", "labels", "--json"],
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
  ]);
const small = {
  profile: "cess",
  "miner-id": Buffer.from(Array.from({ length: 32 }, (_none, i) => i)).toString("hex"),
  k: "2",
  n: "512",
  d: "2",
  "set-clusters": "2",
  "start-cluster": "1",
};

describe("idle labels", () => {
  it("makes the set of the original, and keeps its files where the original does", async () => {
    const { sets } = await readVectors("cess-labels");
    const keep = join(folder, "set");
    const ended = await labels({ ...small, keep });
    expect(ended).toMatchObject({ code: 0, err: "" });
    const [set] = sets;
    const roots: string[] = set.files.map(({ root }: { root: string }) => root);
    expect(JSON.parse(ended.out)).toEqual({ roots, commitHash: set.commitHash });
    const digest = async (path: string) =>
      createHash("sha256")
        .update(await readFile(join(keep, path)))
        .digest("hex");
    for (const { layer, cluster, sha256, auxSha256 } of set.files) {
      expect(await digest(`file-cluster-${cluster}/sub-file-${layer}`)).toBe(sha256);
      expect(await digest(`file-cluster-${cluster}/aux-file-${layer}`)).toBe(auxSha256);
    }
    const kept = await readFile(join(keep, "file-roots"), "hex");
    expect(kept).toBe(roots.join("") + set.commitHash);
    const again = await labels({ ...small, keep });
    expect(jsonError(again)).toMatchObject({ code: "proof/folder-in-use" });
  });

  it("leaves nothing behind when it ends before the set is whole", async () => {
    const stopping = new AbortController();
    const keep = join(folder, "new", "set");
    stopping.abort(new Error("stopped"));
    const large = Object.entries({ ...small, n: "65536", k: "8", keep }).flatMap(([name, value]) => [
      `--${name}`,
      value,
    ]);
    const ended = await run(["idle", "labels", "--json", ...large], { signal: stopping.signal });
    expect(ended.code).not.toBe(0);
    expect(await readdir(folder)).not.toContain("new");
    const failed = await labels({ ...small, n: "500", keep });
    expect(jsonError(failed)).toMatchObject({ code: "cess/bad-shape" });
    expect(await readdir(folder)).not.toContain("new");
    await mkdir(join(keep, "unfinished"), { recursive: true });
    expect(jsonError(await labels({ ...small, keep }))).toMatchObject({ code: "proof/folder-in-use" });
    expect(await readdir(keep)).toEqual(["unfinished"]);
  });

  it("refuses shapes that cannot be, and sets that are too large", async () => {
    const codeOf = async (options: { readonly [name: string]: string }) =>
      jsonError(await labels({ ...small, ...options })).code;
    expect(await codeOf({ n: "500" })).toBe("cess/bad-shape");
    expect(await codeOf({ "set-clusters": "1000" })).toBe("cess/bad-set");
    const large = { k: "64", n: "32768", d: "128", "set-clusters": "256" };
    expect(await codeOf(large)).toBe("proof/too-much-idle");
    expect(await codeOf({ profile: "hardened" })).toBe("cli/bad-value");
    expect(await codeOf({ "miner-id": "00" })).toBe("cli/bad-value");
  });
});

describe("idle prime and accumulate", () => {
  it("give the numbers of the original", async () => {
    const { cases } = await readVectors("cess-primes");
    const some = cases.slice(1, 4);
    const found = await run([
      "idle",
      "prime",
      ...some.map(({ input }: { input: string }) => input),
      "--json",
    ]);
    expect(JSON.parse(found.out)).toEqual({ primes: some.map(({ prime }: { prime: string }) => prime) });
    const [set] = (await readVectors("cess-accumulator")).sets;
    const file = join(folder, "elements.txt");
    await writeFile(file, `${set.elements.join("\n")}\n`);
    const added = await run(["idle", "accumulate", "--key", `${set.n},${set.g}`, file, "--json"]);
    expect(JSON.parse(added.out)).toEqual({ values: set.after });
  });

  it("refuse what is no element and no key", async () => {
    expect(jsonError(await run(["idle", "prime", "xy", "--json"])).code).toBe("cli/bad-value");
    const file = join(folder, "one.txt");
    await writeFile(file, "00\n");
    const add = async (key: string) =>
      jsonError(await run(["idle", "accumulate", "--key", key, file, "--json"]));
    expect((await add("15")).code).toBe("cli/bad-value");
    expect((await add("15,4")).code).toBe("cess/bad-key");
  });
});
