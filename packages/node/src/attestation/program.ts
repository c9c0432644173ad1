/**
 * The measurement of the program that runs: SHA-256 over a list of all its files, by their names and contents, with
 * third parties' packages as they are installed (program-packages.ts), the lockfile, the native kernels that this
 * platform would load, and the version of Node. Reproducible: who has the same sources has the same measurement,
 * wherever they lie and whenever they were written, on any machine of the platform. Kernels that a machine has built
 * for itself are another program than none: its compiler has made them.
 */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { Module } from "node:module";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { fromHex, toHex } from "@holdfast/base";
import { binaryName, folderVariable } from "@holdfast/proofs/kernels";
import { limits } from "../limits.ts";
import { attestationErrors } from "./errors.ts";
import { checkEnvironment } from "./program-environment.ts";
import { installedPackages } from "./program-packages.ts";

export interface MeasuredFile {
  /** Below the program's folder, with forward slashes; of a whole package `node_modules/`, its name and version. */
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 in hex. */
  readonly digest: string;
}

export interface MeasuredProgram {
  /** 32 bytes: MRENCLAVE of evidence by software. */
  readonly measurement: Uint8Array;
  readonly runtime: string;
  /** Sorted by path. */
  readonly files: readonly MeasuredFile[];
}

/** Where this program lies. */
export const programFolder = (): string => fileURLToPath(new URL("../../../..", import.meta.url));

const packageParts = ["package.json", "src", "bin", "kernels"];
/** Of `kernels`, made on the machine: `binaries` has what is loaded of it. */
const built = /^packages\/[^/]+\/kernels\/(?:build|prebuilt)$/;

/** Where kernels of this platform lie: those of a release, and those that were built here. */
const binaries = ["prebuilt", "build"].map(
  (kind) => `packages/proofs/kernels/${kind}/${process.platform}-${process.arch}/${binaryName}`,
);

export interface MeasuredFrom {
  readonly runtime?: string | undefined;
  /** A folder that the environment names for native kernels: those are tried first. */
  readonly kernels?: string | undefined;
  /** Node's global folders, in which CommonJS looks for whoever asks; where the program runs. */
  readonly globalFolders?: readonly string[] | undefined;
}

/** Errors: `attestation/program-unreadable`, `attestation/unlisted-module`. */
export async function measureProgram(
  folder: string = programFolder(),
  { runtime = `node ${process.versions.node}`, kernels, globalFolders = [] }: MeasuredFrom = {},
): Promise<MeasuredProgram> {
  const files: MeasuredFile[] = [];
  const packages = entries(folder, "packages");
  for (const name of packages) {
    for (const part of packageParts) collect(folder, `packages/${name}/${part}`, files);
    await setImmediate();
  }
  for (const name of ["package.json", "package-lock.json"]) collect(folder, name, files);
  for (const path of binaries) collect(folder, path, files);
  if (kernels !== undefined) collect(kernels, binaryName, files);
  if (files.length === 0) throw unreadable("packages", "there are no files");
  const own = packages.map((name) => join(folder, "packages", name));
  files.push(...(await installedPackages({ own, folder, listed: listedIn(folder), globalFolders })));
  files.sort(byLine);
  return { measurement: measurementOf(runtime, files), runtime, files };
}

/** Names of all packages that the lockfile has, wherever it puts them. */
function listedIn(folder: string): ReadonlySet<string> {
  const path = join(folder, "package-lock.json");
  if (!existsSync(path)) return new Set();
  try {
    const { packages = {} } = JSON.parse(readFileSync(path, "utf8")) as { packages?: object };
    const names = Object.keys(packages).map((place) => place.split("node_modules/"));
    return new Set(names.flatMap((parts) => (parts.length > 1 ? (parts.at(-1) ?? []) : [])));
  } catch (cause) {
    throw unreadable("package-lock.json", "it is no lockfile", cause);
  }
}

const byLine = (a: MeasuredFile, b: MeasuredFile): number =>
  a.path === b.path ? (a.digest < b.digest ? -1 : 1) : a.path < b.path ? -1 : 1;

/** Of the list; a line for each file, so that two lists with the same text are the same program. */
export function measurementOf(runtime: string, files: readonly MeasuredFile[]): Uint8Array {
  const lines = files.map(({ path, sizeBytes, digest }) => `${digest} ${sizeBytes} ${path}\n`);
  const text = `program of holdfast 2\n${runtime}\n${lines.join("")}`;
  return fromHex(createHash("sha256").update(text).digest("hex"));
}

const unreadable = (path: string, problem: string, cause?: unknown) =>
  attestationErrors.programUnreadable({ path, problem }, cause);

function entries(folder: string, path: string): string[] {
  try {
    return readdirSync(join(folder, path)).sort();
  } catch (cause) {
    throw unreadable(path, "the folder cannot be read", cause);
  }
}

function collect(folder: string, path: string, files: MeasuredFile[]): void {
  const found = lstatSync(join(folder, path), { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isDirectory()) {
    // Packages of others beside own sources are in nobody's lockfile, and Node would take them first.
    if (path.endsWith("/node_modules"))
      throw attestationErrors.unlistedModule({ path, problem: "it lies in the program's own sources" });
    for (const name of entries(folder, path)) {
      const next = `${path}/${name}`;
      if (!built.test(next) && !name.startsWith(".")) collect(folder, next, files);
    }
    return;
  }
  // A link could lead anywhere, and to something else a moment later.
  if (!found.isFile() || path.includes("\n")) throw unreadable(path, "it is no plain file");
  if (files.length === limits.programFiles) throw unreadable(path, `more than ${limits.programFiles} files`);
  try {
    const bytes = readFileSync(join(folder, path));
    const digest = toHex(createHash("sha256").update(bytes).digest());
    files.push({ path, sizeBytes: bytes.length, digest });
  } catch (cause) {
    throw unreadable(path, "it cannot be read", cause);
  }
}

let own: Promise<MeasuredProgram> | undefined;

/** Of this process, measured once: what a file says later is not what runs. */
export function ownProgram(): Promise<MeasuredProgram> {
  const named = process.env[folderVariable];
  const kernels = named === "" ? undefined : named;
  own ??= measureProgram(programFolder(), { kernels, globalFolders: foldersOfNode() });
  return own;
}

/** `node:module` has them, its types do not. */
function foldersOfNode(): readonly string[] {
  return "globalPaths" in Module && Array.isArray(Module.globalPaths) ? Module.globalPaths.map(String) : [];
}

/**
 * Of this process, for evidence that has nothing but the program's word: what was loaded besides by order of its
 * environment is no part of any measurement. Errors: `attestation/program-environment`, and those of measuring.
 */
export function attestedProgram(): Promise<MeasuredProgram> {
  checkEnvironment(process.env, process.execArgv);
  return ownProgram();
}
