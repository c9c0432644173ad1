/** The measurement of a program: the same for the same files wherever they lie, another for any other. */
import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@holdfast/base";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkEnvironment, measureProgram, ownProgram } from "../../src/attestation/index.ts";

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

/** That `unused` is known, and no program's. */
const lockfile = JSON.stringify({
  packages: { "": {}, "node_modules/near": {}, "node_modules/far": {}, "node_modules/unused": { dev: true } },
});

/** The same with packages of others, each in its place. */
async function installed(name: string, places = { near: "node_modules/near", far: "node_modules/far" }) {
  return write(await program(name), {
    "packages/a/package.json": '{"dependencies":{"near":"1"},"devDependencies":{"unused":"1"}}',
    "package-lock.json": lockfile,
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

  it("holds types of a package that is a link to elsewhere: Node strips them there", async () => {
    const root = await program("types elsewhere");
    await write(root, {
      "packages/a/package.json": '{"dependencies":{"near":"1"}}',
      ...below("elsewhere/near", { ...near, "package.json": '{"name":"near","version":"1.0.0"}' }),
    });
    await mkdir(join(root, "node_modules"));
    await symlink(join(root, "elsewhere/near"), join(root, "node_modules/near"));
    const before = await of(root);
    await write(root, { "elsewhere/near/index.d.ts": "export type Other = 1;\n" });
    expect(await of(root)).not.toBe(before);
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

const evil = 'module.exports = "EVIL";\n';
/** What somebody puts beside the program so that Node loads it, and what the measurement says of it. */
const plants: readonly [string, string, Readonly<Record<string, string>>][] = [
  [
    "a folder without a description beside own sources",
    "refused",
    below("packages/a/node_modules/near", { "index.js": evil }),
  ],
  [
    "a folder without a description below a dependency",
    "refused",
    below("node_modules/near/node_modules/far", { "index.js": evil }),
  ],
  ["a file of a dependency's name", "refused", { "node_modules/near/node_modules/far.js": evil }],
  ["a folder among own sources", "refused", below("packages/a/src/node_modules/near", { "index.js": evil })],
  [
    "a package with a description beside own sources",
    "another",
    below("packages/a/node_modules/near", { ...near, "index.js": evil }),
  ],
  [
    "a package that the code asks for and no description names",
    "another",
    below("node_modules/phantom", {
      "package.json": '{"name":"phantom","version":"1.0.0"}',
      "index.js": evil,
    }),
  ],
  [
    "one that the lockfile names for something else",
    "another",
    below("node_modules/unused", {
      "package.json": '{"name":"unused","version":"1.0.0","main":"index.js"}',
      "index.js": evil,
    }),
  ],
  [
    "one that has what the first of its name has not",
    "another",
    below("../node_modules/far", { "package.json": '{"name":"far","version":"3.0.0"}', "more.js": evil }),
  ],
];

describe("what Node would load is measured or refused", () => {
  /** It says what it has loaded; what it asks for besides is not there. */
  const asking = (name: string) =>
    write(join(folder, "asking", name, "program"), {
      "package.json": "{}",
      "package-lock.json": lockfile,
      "packages/a/package.json": '{"type":"module","dependencies":{"near":"1"}}',
      "packages/a/src/main.mjs": 'import near from "near";\nconsole.log(near);\n',
      ...below("node_modules/near", {
        "package.json": '{"name":"near","version":"1.0.0","main":"index.js","dependencies":{"far":"1"}}',
        "index.js":
          'const ask = (one) => { try { return one(); } catch { return ""; } };\n' +
          'module.exports = [require("far"), ask(() => require("phantom")), ask(() => require("far/more"))].join();\n',
      }),
      ...below("node_modules/far", {
        "package.json": '{"name":"far","version":"1.0.0","main":"index.js"}',
        "index.js":
          'let own = "far";\ntry {\n  own += require("unused");\n} catch {}\nmodule.exports = own;\n',
      }),
    });
  const saidBy = (root: string): string =>
    execFileSync(process.execPath, [join(root, "packages/a/src/main.mjs")], { encoding: "utf8" });

  it.each(plants)("%s: %s", async (name, expected, files) => {
    const root = await asking(name);
    const before = await of(root);
    expect(saidBy(root)).not.toContain("EVIL");
    await write(root, files);
    expect(saidBy(root)).toContain("EVIL");
    if (expected === "refused")
      await expect(of(root)).rejects.toMatchObject({ code: "attestation/unlisted-module" });
    else expect(await of(root)).not.toBe(before);
  });

  it("refuses an entry that no lockfile names, though nobody is seen to ask for it", async () => {
    const root = await installed("entries");
    await write(root, below("node_modules/whatever", unused));
    await expect(of(root)).rejects.toMatchObject({
      code: "attestation/unlisted-module",
      data: { problem: "no lockfile names it" },
    });
  });

  it("looks where CommonJS looks for everybody", async () => {
    const root = await asking("everybody");
    const globalFolders = [join(folder, "of everybody")];
    const measured = async () =>
      toHex((await measureProgram(root, { runtime: "node 24.0.0", globalFolders })).measurement);
    const before = await measured();
    expect(before).toBe(await of(root));
    await write(folder, below("of everybody/phantom", unused));
    expect(await measured()).not.toBe(before);
    await write(folder, { "of everybody/phantom.js": evil });
    await expect(measured()).rejects.toMatchObject({ code: "attestation/unlisted-module" });
  });

  it.each([
    ["NODE_PATH", "/elsewhere"],
    ["LD_PRELOAD", "/elsewhere/one.so"],
    ["NAPI_RS_NATIVE_LIBRARY_PATH", "/elsewhere/one.node"],
    ["CLASSIC_LEVEL_PREBUILD", "/elsewhere"],
    ["NODE_OPTIONS", "--max-old-space-size=4096 --require /elsewhere/one.js"],
    ["NODE_OPTIONS", '--import "data:text/javascript,1"'],
    ["NODE_OPTIONS", "-r/elsewhere/one.js"],
  ])("refuses an environment that loads code: %s=%s", (variable, value) => {
    expect(() => checkEnvironment({ [variable]: value }, [])).toThrowError(
      expect.objectContaining({
        code: "attestation/program-environment",
        data: expect.objectContaining({ variable }),
      }),
    );
    expect(() => checkEnvironment({ [variable]: "" }, [])).not.toThrow();
  });

  it("takes options that load nothing, on the command line too", () => {
    const env = { PATH: "/bin", NODE_OPTIONS: " --max_old_space_size=4096 --no-warnings" };
    expect(() => checkEnvironment(env, ["--max-semi-space-size=16"])).not.toThrow();
    expect(() => checkEnvironment(env, ["--import=/elsewhere/one.js"])).toThrowError(
      expect.objectContaining({ code: "attestation/program-environment" }),
    );
  });
});
