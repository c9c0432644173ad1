/** The measurement of a program: the same for the same files wherever they lie, another for any other. */
import { cp, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@holdfast/base";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { measureProgram, ownProgram } from "../../src/attestation/index.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-program-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(root: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

function program(name: string): Promise<string> {
  return write(join(folder, name), {
    "package.json": "{}",
    "package-lock.json": '{"lockfileVersion":3}',
    "packages/a/package.json": "{}",
    "packages/a/src/index.ts": "export const one = 1;\n",
    "packages/a/src/deep/two.ts": "export const two = 2;\n",
    "packages/a/test/one.test.ts": "no part of it\n",
    "packages/a/kernels/kernels.wasm": "wasm",
    "packages/a/kernels/build/kernels.node": "of this machine",
    "packages/a/src/.hidden": "of an editor",
  });
}

/** One package that it needs, one that this one needs, and one for another platform. */
const near = {
  "package.json":
    '{"name":"near","version":"1.0.0","dependencies":{"far":"2"},"optionalDependencies":{"elsewhere":"1"}}',
  "index.js": "module.exports = 1;\n",
  "lib/of-the-kernel.node": "binary",
  "index.d.ts": "export {};\n",
  "README.md": "for people\n",
};
const far = { "package.json": '{"name":"far","version":"2.0.0"}', "index.mjs": "export {};\n" };
const unused = { "package.json": '{"name":"unused","version":"1.0.0"}', "index.js": "\n" };
const below = (path: string, files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`${path}/${name}`, text]));

/** The same with packages of others, each in its place. */
async function installed(name: string, places = { near: "node_modules/near", far: "node_modules/far" }) {
  return write(await program(name), {
    "packages/a/package.json": '{"dependencies":{"near":"1"},"devDependencies":{"unused":"1"}}',
    ...below(places.near, near),
    ...below(places.far, far),
    ...below("node_modules/unused", unused),
  });
}
const of = async (root: string, runtime = "node 24.0.0"): Promise<string> =>
  toHex((await measureProgram(root, { runtime })).measurement);

describe("the measurement of a program", () => {
  it("is known beforehand: a golden value, whatever the machine", async () => {
    const { files } = await measureProgram(await program("golden"), { runtime: "node 24.0.0" });
    expect(files.map(({ path }) => path)).toEqual([
      "package-lock.json",
      "package.json",
      "packages/a/kernels/kernels.wasm",
      "packages/a/package.json",
      "packages/a/src/deep/two.ts",
      "packages/a/src/index.ts",
    ]);
    expect(await of(join(folder, "golden"))).toBe(
      "1be87e1324712af1db195a9de06696b4edf4039f4b656ec352eeae2e6001db1a",
    );
  });

  it("does not depend on where it lies, on times, and on what is not part of it", async () => {
    const root = await program("moved");
    const before = await of(root);
    const elsewhere = join(folder, "else where");
    await rename(root, elsewhere);
    await utimes(join(elsewhere, "package.json"), 1, 1);
    await writeFile(join(elsewhere, "packages/a/test/one.test.ts"), "another test");
    await writeFile(join(elsewhere, "packages/a/kernels/build/kernels.node"), "another build");
    expect(await of(elsewhere)).toBe(before);
  });

  it("changes with a byte, a name, a file more or less, the lockfile, and the runtime", async () => {
    const before = await of(await program("base"));
    const changes: readonly ((root: string) => Promise<unknown>)[] = [
      (root) => writeFile(join(root, "packages/a/src/index.ts"), "export const one = 2;\n"),
      (root) => rename(join(root, "packages/a/src/index.ts"), join(root, "packages/a/src/inbox.ts")),
      (root) => rm(join(root, "packages/a/src/deep/two.ts")),
      (root) => writeFile(join(root, "packages/a/src/more.ts"), ""),
      (root) => writeFile(join(root, "package-lock.json"), '{"lockfileVersion":4}'),
      (root) => cp(join(root, "packages/a"), join(root, "packages/b"), { recursive: true }),
    ];
    const found = [before, await of(join(folder, "base"), "node 24.0.1")];
    for (const [index, change] of changes.entries()) {
      const root = await program(`changed-${index}`);
      await change(root);
      found.push(await of(root));
    }
    expect(new Set(found).size).toBe(found.length);
  });

  it("holds each installed package that it leads to, by name and version, and no other", async () => {
    const { files } = await measureProgram(await installed("installed"));
    const packages = files.filter(({ path }) => path.startsWith("node_modules"));
    expect(packages.map(({ path }) => path)).toEqual(["node_modules/far@2.0.0", "node_modules/near@1.0.0"]);
    const sizes = ["package.json", "index.js", "lib/of-the-kernel.node"] as const;
    expect(packages[1]?.sizeBytes).toBe(sizes.reduce((sum, name) => sum + near[name].length, 0));
  });

  it("is the same wherever packages are installed, and whatever lies there that no program loads", async () => {
    const before = await of(await installed("flat"));
    const nested = {
      near: "packages/a/node_modules/near",
      far: "packages/a/node_modules/near/node_modules/far",
    };
    expect(await of(await installed("nested", nested))).toBe(before);
    const linked = await installed("links", {
      near: "store/node_modules/near",
      far: "store/node_modules/far",
    });
    await symlink(join(linked, "store/node_modules/near"), join(linked, "node_modules/near"));
    expect(await of(linked)).toBe(before);
    await write(linked, {
      "store/node_modules/near/index.d.ts": "export type Other = 1;\n",
      "node_modules/unused/index.js": "of no program\n",
      "node_modules/.package-lock.json": "{}",
    });
    expect(await of(linked)).toBe(before);
  });

  it("changes with a byte in a package, in one that this needs, in a binary, and with one more", async () => {
    const changes: Readonly<Record<string, string>>[] = [
      { "node_modules/near/index.js": "module.exports = 2;\n" },
      { "node_modules/near/lib/of-the-kernel.node": "binarz" },
      { "node_modules/near/more.js": "" },
      { "node_modules/far/index.mjs": "export {}\n\n" },
      { "node_modules/far/package.json": '{"name":"far","version":"2.0.1"}' },
      below("node_modules/elsewhere", unused),
    ];
    const found = [await of(await installed("whole"))];
    for (const [index, change] of changes.entries())
      found.push(await of(await write(await installed(`other-${index}`), change)));
    expect(new Set(found).size).toBe(found.length);
  });

  it("changes with the native kernels that the platform loads, and those that the environment names", async () => {
    const root = await program("native");
    const before = await of(root);
    const build = (platform: string, text: string) =>
      write(root, { [`packages/proofs/kernels/build/${platform}/kernels.node`]: text });
    await write(root, { "packages/proofs/package.json": "{}" });
    const without = await of(root);
    await build("another-platform", "one");
    expect(await of(root)).toBe(without);
    const platform = `${process.platform}-${process.arch}`;
    const found = [before, without];
    for (const text of ["one", "two"]) found.push(await of(await build(platform, text)));
    const kernels = join(root, "packages/proofs/kernels/build/another-platform");
    const named = await measureProgram(root, { runtime: "node 24.0.0", kernels });
    found.push(toHex(named.measurement));
    expect(new Set(found).size).toBe(found.length);
  });

  it("is refused where a package that it needs is not there, or is not made of files", async () => {
    const refused = { code: "attestation/program-unreadable" };
    const without = await installed("without");
    await rm(join(without, "node_modules/far"), { recursive: true });
    await expect(of(without)).rejects.toMatchObject({
      ...refused,
      data: { problem: "far is not installed: npm ci" },
    });
    const linked = await installed("with a link");
    await symlink("/etc/hostname", join(linked, "node_modules/far/link.js"));
    await expect(of(linked)).rejects.toMatchObject(refused);
  });

  it("is refused where a file is a link, and where there is no program", async () => {
    const root = await program("linked");
    await symlink("/etc/hostname", join(root, "packages/a/src/link.ts"));
    await expect(of(root)).rejects.toMatchObject({ code: "attestation/program-unreadable" });
    await expect(of(join(folder, "nowhere"))).rejects.toMatchObject({
      code: "attestation/program-unreadable",
    });
  });

  it("of this very program holds its own file, and is taken once", async () => {
    const [one, two] = await Promise.all([ownProgram(), ownProgram()]);
    expect(one).toBe(two);
    const paths = one.files.map(({ path }) => path);
    expect(paths).toContain("packages/node/src/attestation/program.ts");
    expect(paths).toContain("packages/proofs/kernels/kernels.wasm");
    expect(paths.some((path) => /^node_modules\/zod@\d/.test(path))).toBe(true);
    expect(paths.some((path) => path.includes("/test/") || path.includes("vitest"))).toBe(false);
  });
});
