/**
 * The measurement of the program that runs: SHA-256 over a list of all its files, by their names and contents, with the
 * list of what it stands on (the lockfile) and the version of Node. Reproducible: who has the same sources has the same
 * measurement, wherever they lie, whenever they were written, on any system. What is built on a machine (the native
 * kernels) and third parties' packages, which the lockfile names by their digests, are not looked at.
 */
import { createHash } from "node:crypto";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromHex, toHex } from "@holdfast/base";
import { limits } from "../limits.ts";
import { attestationErrors } from "./errors.ts";

export interface MeasuredFile {
  /** Below the program's folder, with forward slashes. */
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
/** Made on the machine, or not of the program. */
const skipped = new Set(["node_modules", "build", "prebuilt"]);

/** Error `attestation/program-unreadable`. */
export async function measureProgram(
  folder: string = programFolder(),
  runtime = `node ${process.versions.node}`,
): Promise<MeasuredProgram> {
  const files: MeasuredFile[] = [];
  const packages = await entries(folder, "packages");
  for (const name of packages) {
    for (const part of packageParts) await collect(folder, `packages/${name}/${part}`, files);
  }
  for (const name of ["package.json", "package-lock.json"]) await collect(folder, name, files);
  if (files.length === 0) throw unreadable("packages", "there are no files");
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { measurement: measurementOf(runtime, files), runtime, files };
}

/** Of the list; a line for each file, so that two lists with the same text are the same program. */
export function measurementOf(runtime: string, files: readonly MeasuredFile[]): Uint8Array {
  const lines = files.map(({ path, sizeBytes, digest }) => `${digest} ${sizeBytes} ${path}\n`);
  const text = `program of holdfast 1\n${runtime}\n${lines.join("")}`;
  return fromHex(createHash("sha256").update(text).digest("hex"));
}

const unreadable = (path: string, problem: string, cause?: unknown) =>
  attestationErrors.programUnreadable({ path, problem }, cause);

async function entries(folder: string, path: string): Promise<string[]> {
  try {
    return (await readdir(join(folder, path))).sort();
  } catch (cause) {
    throw unreadable(path, "the folder cannot be read", cause);
  }
}

async function collect(folder: string, path: string, files: MeasuredFile[]): Promise<void> {
  const found = await lstat(join(folder, path)).catch(() => undefined);
  if (found === undefined) return;
  if (found.isDirectory()) {
    for (const name of await entries(folder, path)) {
      if (!skipped.has(name) && !name.startsWith(".")) await collect(folder, `${path}/${name}`, files);
    }
    return;
  }
  // A link could lead anywhere, and to something else a moment later.
  if (!found.isFile() || path.includes("\n")) throw unreadable(path, "it is no plain file");
  if (files.length === limits.programFiles) throw unreadable(path, `more than ${limits.programFiles} files`);
  try {
    const bytes = await readFile(join(folder, path));
    const digest = toHex(createHash("sha256").update(bytes).digest());
    files.push({ path, sizeBytes: bytes.length, digest });
  } catch (cause) {
    throw unreadable(path, "it cannot be read", cause);
  }
}

let own: Promise<MeasuredProgram> | undefined;

/** Of this process, measured once: what a file says later is not what runs. */
export function ownProgram(): Promise<MeasuredProgram> {
  own ??= measureProgram();
  return own;
}
