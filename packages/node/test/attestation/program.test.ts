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

async function program(name: string): Promise<string> {
  const root = join(folder, name);
  const files = {
    "package.json": "{}",
    "package-lock.json": '{"lockfileVersion":3}',
    "packages/a/package.json": "{}",
    "packages/a/src/index.ts": "export const one = 1;\n",
    "packages/a/src/deep/two.ts": "export const two = 2;\n",
    "packages/a/test/one.test.ts": "no part of it\n",
    "packages/a/kernels/kernels.wasm": "wasm",
    "packages/a/kernels/build/kernels.node": "of this machine",
    "packages/a/src/.hidden": "of an editor",
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}
const of = async (root: string, runtime = "node 24.0.0"): Promise<string> =>
  toHex((await measureProgram(root, runtime)).measurement);

describe("the measurement of a program", () => {
  it("is known beforehand: a golden value, whatever the machine", async () => {
    const { files } = await measureProgram(await program("golden"), "node 24.0.0");
    expect(files.map(({ path }) => path)).toEqual([
      "package-lock.json",
      "package.json",
      "packages/a/kernels/kernels.wasm",
      "packages/a/package.json",
      "packages/a/src/deep/two.ts",
      "packages/a/src/index.ts",
    ]);
    expect(await of(join(folder, "golden"))).toBe(
      "e198fd7ea2dfbd35d8fe657fac735b9228c57deeb82f6c8999f84f84567bbaf5",
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
    expect(paths.every((path) => !path.includes("/test/") && !path.includes("node_modules"))).toBe(true);
  });
});
