/**
 * `npm run build:native`: compiles the kernels for this machine's platform into `build/`, with gcc or clang and
 * nothing else: Node's headers come with the Node that runs this, or with the one that the lockfile installs.
 * The same source file is compiled once for every set of processor features that it knows; the addon chooses at
 * load, so the binary runs on any machine of the platform. `--if-possible` makes a missing compiler no failure;
 * `--sanitize` builds one, in a folder of its own, that watches every access (it wants its runtime preloaded).
 * `--prebuilt` builds the binary of a release into `prebuilt/`: stripped, and compiled twice to show that the same
 * compiler gives the same bytes.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { extensionsIn } from "./inspect-native.ts";
import {
  binaryName,
  findAddonIn,
  kernelsFolder,
  type NativeNote,
  noteName,
  platformName,
  sha256Hex,
  sourcesDigest,
} from "./native.ts";

const common = "-std=gnu17 -fPIC -fvisibility=hidden -Wall -Wextra -Werror -Wno-unused-function".split(" ");

const sanitized = process.argv.includes("--sanitize");
/** Behind the flags of a unit, so that these count. */
const watching = sanitized
  ? "-g -O1 -fomit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined".split(" ")
  : [];

const prebuilt = process.argv.includes("--prebuilt");
/** Nothing of this machine or of this moment gets into a release. */
const stripping = prebuilt && process.platform === "linux" ? ["-s", "-Wl,--build-id=none"] : [];
const folderName = prebuilt ? "prebuilt" : "build";

interface Unit {
  readonly name: string;
  readonly source: string;
  readonly flags: readonly string[];
}

function kernelUnit(name: string, ...flags: string[]): Unit {
  return { name, source: "kernels.c", flags: ["-O3", `-DKERNEL_TABLE=kernels_${name}`, ...flags] };
}

function units(headers: string): readonly Unit[] {
  const wide = kernelUnit("adx", "-DHOLDFAST_ADX", "-mbmi2", "-madx", "-mavx2");
  const sha: Unit = { name: "sdr-sha", source: "sdr-sha.c", flags: ["-O3", "-msha", "-msse4.1"] };
  const vectors = ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512ifma"];
  const ifma = (name: string): Unit => ({
    name,
    source: `${name}.c`,
    flags: ["-O3", "-DHOLDFAST_ADX", "-mbmi2", "-madx", ...vectors],
  });
  const avx512: Unit = {
    name: "zigzag-avx512",
    source: "zigzag-avx512.c",
    flags: ["-O3", "-mavx512f", "-mavx512dq", "-mavx512vl"],
  };
  const labels: Unit = {
    name: "cess-avx512",
    source: "cess-avx512.c",
    flags: ["-O3", "-mbmi2", "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"],
  };
  const wider = [
    wide,
    sha,
    avx512,
    labels,
    ifma("poseidon-ifma"),
    ifma("pedersen-ifma"),
    ifma("curve-ifma"),
    ifma("fft-ifma"),
  ];
  return [
    kernelUnit("base"),
    ...(process.arch === "x64" ? wider : []),
    { name: "addon", source: "addon.c", flags: ["-O2", "-I", headers] },
  ];
}

function runs(command: string): boolean {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
}

function compiler(): string | undefined {
  const { CC } = process.env;
  const known = ["clang", "clang-19", "gcc", "cc"];
  return (CC === undefined || CC === "" ? known : [CC]).find(runs);
}

/** The folder with node_api.h. */
function headersFolder(): string | undefined {
  const besideNode = join(dirname(process.execPath), "..", "include", "node");
  const candidates = [besideNode];
  try {
    const found = createRequire(import.meta.url).resolve(`node-${platformName}/package.json`);
    candidates.push(join(dirname(found), "include", "node"));
  } catch {
    // This platform's Node does not come from the lockfile.
  }
  candidates.push("/usr/include/node", "/usr/local/include/node");
  return candidates.find((folder) => existsSync(join(folder, "node_api.h")));
}

function run(command: string, args: readonly string[]): string | undefined {
  const done = spawnSync(command, args, { cwd: kernelsFolder, encoding: "utf8" });
  if (done.error !== undefined) return `${command} does not start: ${done.error.message}`;
  return done.status === 0 ? undefined : `${command} ${args.join(" ")}\n${done.stderr}`;
}

/** Compiles and links into `to`; the compiler's words if it fails. */
function compile(command: string, headers: string, temporary: string, to: string): string | undefined {
  const objects: string[] = [];
  for (const { name, source, flags } of units(headers)) {
    const object = join(temporary, `${name}.o`);
    const failure = run(command, [...common, ...flags, ...watching, "-c", join("src", source), "-o", object]);
    if (failure !== undefined) return failure;
    objects.push(object);
    const extensions = name === "base" && process.arch === "x64" && !sanitized ? extensionsIn(object) : [];
    if (extensions === undefined) console.log("native kernels: no objdump here to inspect the base unit");
    else if (extensions.length > 0) return `the base unit uses ${extensions.join(", ")}`;
  }
  const undefinedSymbols = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];
  return run(command, ["-shared", ...watching, ...stripping, ...undefinedSymbols, "-o", to, ...objects]);
}

const differenceOf = (one: string, other: string): string | undefined =>
  readFileSync(one).equals(readFileSync(other)) ? undefined : "two builds differ: this is no release";

/** Undefined if all went well, else why not. */
function build(): { readonly failure: string; readonly noTools: boolean } | undefined {
  const command = compiler();
  if (command === undefined) return { failure: "there is no gcc and no clang here", noTools: true };
  const headers = headersFolder();
  if (headers === undefined) return { failure: "there are no headers of Node (node_api.h)", noTools: true };
  const folder = join(kernelsFolder, folderName, sanitized ? `${platformName}-sanitized` : platformName);
  mkdirSync(folder, { recursive: true });
  const temporary = mkdtempSync(join(folder, "build-"));
  try {
    const binary = join(temporary, binaryName);
    const failure = compile(command, headers, temporary, binary);
    if (failure !== undefined) return { failure, noTools: false };
    if (prebuilt) {
      const again = join(temporary, "again.node");
      const difference = compile(command, headers, temporary, again) ?? differenceOf(binary, again);
      if (difference !== undefined) return { failure: difference, noTools: false };
    }
    const version = spawnSync(command, ["--version"], { encoding: "utf8" }).stdout.split("\n")[0] ?? command;
    const note: NativeNote = {
      binary: sha256Hex(readFileSync(binary)),
      sources: sourcesDigest() ?? "",
      compiler: version,
    };
    writeFileSync(join(temporary, noteName), `${JSON.stringify(note, undefined, 2)}\n`);
    // A running process keeps the old file; one that starts between these two refuses the pair and says so.
    renameSync(binary, join(folder, binaryName));
    renameSync(join(temporary, noteName), join(folder, noteName));
  } finally {
    rmSync(temporary, { recursive: true });
  }
  if (sanitized) return undefined;
  const found = findAddonIn(folder);
  if (found.addon === undefined) return { failure: found.reason, noTools: false };
  const features = Object.keys(found.addon.features).join(", ");
  console.log(`native kernels: built by ${found.compiler}; this processor has ${features || "no extras"}`);
  return undefined;
}

const problem = build();
if (problem !== undefined) {
  console.error(`native kernels: ${problem.failure}`);
  process.exitCode = problem.noTools && process.argv.includes("--if-possible") ? 0 : 1;
}
