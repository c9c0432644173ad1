/**
 * Binaries of the kernels that are missing, broken, cut, of other sources or wrong are refused with a reason, and
 * the next back end does the work; and the committed WebAssembly is what its sources give.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { plainCurveKernel } from "@holdfast/proofs";
import {
  binaryName,
  folderVariable,
  kernelsFrom,
  kernelsVariable,
  loadKernels,
  loadNativeKernels,
  nativeFolders,
  noteName,
  withoutVariable,
} from "@holdfast/proofs/kernels";
import { afterEach, describe, expect, it, vi } from "vitest";
import { extensionsIn } from "../kernels/inspect-native.ts";

describe("the WebAssembly", () => {
  const folder = new URL("../kernels/", import.meta.url);
  const bytes = readFileSync(new URL("kernels.wasm", folder));

  it("is refused with a reason when it is broken, cut or computes something else", async () => {
    expect(await kernelsFrom(bytes.subarray(0, 1000))).toMatchObject({
      backend: "reference",
      reason: expect.stringContaining("does not load"),
      curve: plainCurveKernel,
    });
    // A limb of each modulus, as the code's constants spell it, changed in one bit.
    for (const limb of [-402915328n, 356515836n, -6881344n, -79165952n]) {
      const wrong = withOtherConstant(bytes, limb);
      const { backend, reason, tree, curve: used } = await kernelsFrom(wrong);
      expect(backend).toBe("reference");
      expect(reason).toMatch(/does not give the known answer/);
      expect([tree, used]).toEqual([{}, plainCurveKernel]);
    }
  });

  const compiler = spawnSync("clang-19", ["--version"], { encoding: "utf8" });
  // Tests of another build of the addon ask nothing new of the sources of this one.
  it.skipIf(compiler.status !== 0 || process.env[folderVariable] !== undefined)(
    "is what its sources give",
    () => {
      const build = fileURLToPath(new URL("build.ts", folder));
      const { status, stderr } = spawnSync(process.execPath, [build, "--check"], { encoding: "utf8" });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    },
    60_000,
  );
});

/** The binary with every `i64.const value` changed in the lowest bit but one. */
function withOtherConstant(bytes: Uint8Array, value: bigint): Uint8Array {
  const code = [0x42];
  for (let rest = value; ; rest >>= 7n) {
    const last = rest >= -64n && rest < 64n;
    code.push(Number(rest & 0x7fn) | (last ? 0 : 0x80));
    if (last) break;
  }
  const copy = bytes.slice();
  let found = 0;
  for (let at = 0; at + code.length <= copy.length; at += 1) {
    if (!code.every((byte, i) => copy[at + i] === byte)) continue;
    copy[at + 1] = (copy[at + 1] ?? 0) ^ 2;
    found += 1;
  }
  expect(found).toBeGreaterThan(0);
  return copy;
}

const built = nativeFolders.find((folder) => loadNativeKernels({ folders: [folder] }).backend === "native");

describe.skipIf(built === undefined)("the native addon", () => {
  const source = built ?? "";
  const folders: string[] = [];
  /** A copy whose binary and note may be changed. */
  const copy = (): string => {
    const folder = mkdtempSync(join(tmpdir(), "kernels-"));
    folders.push(folder);
    for (const name of [binaryName, noteName]) copyFileSync(join(source, name), join(folder, name));
    return folder;
  };
  const load = (folder: string) => loadNativeKernels({ folders: [folder] });
  const change = (folder: string, act: (bytes: Buffer) => Uint8Array, noted: boolean): void => {
    const bytes = act(readFileSync(join(folder, binaryName)));
    writeFileSync(join(folder, binaryName), bytes);
    if (!noted) return;
    const note = JSON.parse(readFileSync(join(folder, noteName), "utf8")) as Record<string, string>;
    note.binary = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(folder, noteName), JSON.stringify(note));
  };
  afterEach(() => {
    vi.unstubAllEnvs();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  it("is refused when it is cut, changed, without its note or of other sources", () => {
    const cut = copy();
    change(cut, (bytes) => bytes.subarray(0, 4096), false);
    expect(load(cut)).toMatchObject({ backend: "reference", refused: true, tree: {} });
    expect(load(cut).reason).toMatch(/not what was built/);
    const other = copy();
    change(other, () => new TextEncoder().encode("this is no library"), true);
    expect(load(other).reason).toMatch(/does not load/);
    const unknown = copy();
    rmSync(join(unknown, noteName));
    expect(load(unknown).reason).toMatch(/no note/);
    const old = copy();
    writeFileSync(join(old, noteName), JSON.stringify({ binary: "", sources: "" }));
    expect(load(old).reason).toMatch(/other sources/);
    rmSync(join(old, binaryName));
    expect(load(old)).toMatchObject({ refused: false, reason: expect.stringMatching(/build:native/) });
  });

  it("is refused when it or its note is a device or a folder, at once", () => {
    if (process.platform === "win32") return; // has no such names
    const strange = (name: string): string => {
      const folder = copy();
      rmSync(join(folder, name));
      return folder;
    };
    const [note, binary, folder] = [strange(noteName), strange(binaryName), strange(binaryName)];
    symlinkSync("/dev/zero", join(note, noteName));
    expect(load(note).reason).toMatch(/no note/);
    symlinkSync("/dev/zero", join(binary, binaryName));
    expect(load(binary).reason).toMatch(/not what was built/);
    mkdirSync(join(folder, binaryName));
    expect(load(folder).reason).toMatch(/not what was built/);
  });

  it("is refused when it is of another platform, and when it is another library", () => {
    const foreign = copy();
    // The machine that an ELF file is for: byte 18 of its header.
    change(foreign, (bytes) => bytes.fill(0xb7, 18, 19), true);
    if (process.platform === "linux") expect(load(foreign).reason).toMatch(/does not load/);
    const library = copy();
    const other = createRequire(import.meta.url).resolve("rolldown/package.json");
    const [binding] = globSync(join(dirname(other), "../@rolldown/binding-*/*.node"));
    if (binding === undefined) return;
    change(library, () => readFileSync(binding), true);
    expect(load(library)).toMatchObject({ backend: "reference", refused: true });
  });

  it("is taken where the environment says, and the next one when that is refused, aloud", async () => {
    vi.stubEnv(kernelsVariable, ""); // whatever the whole suite is run with
    const [good, bad] = [copy(), copy()];
    change(bad, (bytes) => bytes.subarray(0, 4096), false);
    const both = loadNativeKernels({ folders: [bad, good] });
    expect(both).toMatchObject({ backend: "native", refused: true });
    expect(both.reason).toMatch(/not what was built/);
    vi.stubEnv(folderVariable, bad);
    expect(await loadKernels()).toMatchObject({ backend: "native", refused: true });
    vi.stubEnv(folderVariable, tmpdir());
    const named = await loadKernels();
    expect(named).toMatchObject({ backend: "native", refused: true });
    expect(named.reason).toMatch(/where no kernels.node is/);
    vi.stubEnv(folderVariable, good);
    expect(await loadKernels()).toMatchObject({ backend: "native", refused: false });
  });

  it("leaves out the features of the processor that the environment names", () => {
    const { features: all = [] } = load(source);
    vi.stubEnv(withoutVariable, "sha, ifma");
    expect(load(source).features).toEqual(all.filter((name) => name !== "sha" && name !== "ifma"));
    vi.stubEnv(withoutVariable, "all");
    expect(load(source)).toMatchObject({ backend: "native", features: [] });
  });

  const instructions = extensionsIn(join(source, binaryName));
  it.skipIf(instructions === undefined || process.arch !== "x64")(
    "is inspected by a look that finds instructions of extensions",
    () => expect(instructions).toEqual(expect.arrayContaining(["mulx", "adcx", "sha256rnds2"])),
  );

  it("is refused when it computes something else", () => {
    // A word of each modulus, changed in one bit wherever the binary has it.
    for (const [word, question] of [
      [0x73eda753299d7d48n, "poseidonRow"],
      [0x64774b84f38512bfn, "msmG1"],
    ] as const) {
      const wrong = copy();
      change(wrong, (bytes) => withOtherWord(bytes, word), true);
      expect(load(wrong)).toMatchObject({ backend: "reference", refused: true });
      expect(load(wrong).reason).toBe(`the native binary's ${question} does not give the known answer`);
    }
  });
});

function withOtherWord(bytes: Buffer, word: bigint): Buffer {
  const pattern = Buffer.alloc(8);
  pattern.writeBigUInt64LE(word);
  let found = 0;
  for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 1)) {
    bytes[at + 1] = (bytes[at + 1] ?? 0) ^ 2;
    found += 1;
  }
  expect(found).toBeGreaterThan(0);
  return bytes;
}

describe("the choice of a back end", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("takes the best that is allowed, and says why no better one is in use", async () => {
    vi.stubEnv(folderVariable, "");
    vi.stubEnv(kernelsVariable, "wasm");
    const wasm = await loadKernels();
    expect(wasm).toMatchObject({ backend: "wasm", refused: false });
    expect(wasm.reason).toMatch(/allows no better/);
    vi.stubEnv(kernelsVariable, "reference");
    expect(await loadKernels()).toMatchObject({ backend: "reference", refused: false, tree: {} });
    vi.stubEnv(kernelsVariable, "native");
    const native = await loadKernels();
    if (built === undefined) {
      expect(native).toMatchObject({ backend: "wasm", refused: true });
      expect(native.reason).toMatch(/build:native/);
    } else {
      expect(native).toMatchObject({ backend: "native", refused: false });
    }
    vi.stubEnv(kernelsVariable, "fastest");
    expect(await loadKernels()).toMatchObject({
      refused: true,
      reason: expect.stringMatching(/HOLDFAST_KERNELS is "fastest"/),
    });
  });
});
