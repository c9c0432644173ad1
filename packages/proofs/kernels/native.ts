/**
 * The native build of the kernels: where its binary may lie, how it is recognised, and how it is loaded. Beside
 * every binary lies a note with the digests of the binary and of the sources it was built from. A binary whose
 * note is missing, wrong or of other sources is never loaded into the process: what is not our code must not run,
 * and what is broken could end the process.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { askedFolder, folderVariable } from "./environment.ts";
import type { KernelCalls } from "./machine.ts";

export const kernelsFolder = fileURLToPath(new URL(".", import.meta.url));
export const platformName = `${process.platform}-${process.arch}`;
export const binaryName = "kernels.node";
export const noteName = "kernels.json";
/** Where a binary is looked for: one that came with a release, then one that was built here. */
export const nativeFolders: readonly string[] = ["prebuilt", "build"].map((kind) =>
  join(kernelsFolder, kind, platformName),
);
export const buildCommand = "npm run build:native";

/** What lies beside a binary. */
export interface NativeNote {
  /** SHA-256 of the binary, in hexadecimal digits as all digests here. */
  readonly binary: string;
  /** Digest of the sources. */
  readonly sources: string;
  readonly compiler: string;
}

/** The addon's exports (`src/addon.c`). */
export interface NativeAddon {
  /** What the processor has of the features that the kernels know, each with its bit. */
  readonly features: Readonly<Record<string, number>>;
  /** The kernels of the best build within these features. */
  readonly bind: (allowed: number) => KernelCalls;
}

/** An addon, or why there is none; `refused`: one is there and may not be used. */
export type NativeFound =
  | { readonly addon: NativeAddon; readonly compiler: string }
  | { readonly addon?: never; readonly reason: string; readonly refused: boolean };

export const sha256Hex = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const sourcesFolder = join(kernelsFolder, "src");

/** Digest of names and contents of all C sources; undefined in a release, which comes without them. */
export function sourcesDigest(): string | undefined {
  if (!existsSync(sourcesFolder)) return undefined;
  const hash = createHash("sha256");
  for (const name of readdirSync(sourcesFolder).sort()) {
    if (!/\.[ch]$/.test(name)) continue;
    hash.update(`${name}\n${sha256Hex(readFileSync(join(sourcesFolder, name)))}\n`);
  }
  return hash.digest("hex");
}

const mostNoteBytes = 65_536;
/** A build that watches every access has 16 MB. */
const mostBinaryBytes = 134_217_728;

/**
 * A whole file; undefined for what is none or too large: a pipe would keep us waiting for ever, a device would fill
 * the memory. Throws what the system says.
 */
function readFileUpTo(file: string, mostBytes: number): Buffer | undefined {
  const found = statSync(file);
  return found.isFile() && found.size <= mostBytes ? readFileSync(file) : undefined;
}

function noteIn(folder: string): NativeNote | undefined {
  try {
    const bytes = readFileUpTo(join(folder, noteName), mostNoteBytes);
    const note = JSON.parse(bytes?.toString("utf8") ?? "null") as Partial<NativeNote> | null;
    const { binary, sources, compiler } = note ?? {};
    if (typeof binary !== "string" || typeof sources !== "string") return undefined;
    return { binary, sources, compiler: typeof compiler === "string" ? compiler : "unknown" };
  } catch {
    return undefined;
  }
}

const refused = (reason: string): NativeFound => ({ reason: `${reason}: ${buildCommand}`, refused: true });

/** Whatever the binary is, what it says of itself is looked at before it is used. */
const areFeatures = (features: unknown): features is NativeAddon["features"] =>
  typeof features === "object" &&
  features !== null &&
  Object.values(features).every((bit) => Number.isInteger(bit));

/** The addon in this folder, checked against its note. Never throws. */
export function findAddonIn(folder: string): NativeFound {
  const file = join(folder, binaryName);
  if (!existsSync(file)) {
    if (folder === askedFolder()) return refused(`${folderVariable} is ${folder}, where no ${binaryName} is`);
    return { reason: `the native kernels are not built: ${buildCommand}`, refused: false };
  }
  const note = noteIn(folder);
  if (note === undefined) return refused(`${file} has no note of what it is`);
  try {
    const sources = sourcesDigest();
    if (sources !== undefined && note.sources !== sources)
      return refused(`${file} was built from other sources`);
    const bytes = readFileUpTo(file, mostBinaryBytes);
    if (bytes === undefined || note.binary !== sha256Hex(bytes))
      return refused(`${file} is not what was built: it was changed or cut`);
    const module: { exports: Partial<NativeAddon> } = { exports: {} };
    process.dlopen(module, file);
    const { features, bind } = module.exports;
    if (!areFeatures(features) || typeof bind !== "function")
      return refused(`${file} is no addon of these kernels`);
    return { addon: { features, bind }, compiler: note.compiler };
  } catch (cause) {
    return refused(`${file} does not load (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

/** Where a binary is looked for, in turn: what the environment names, then the folders of this package. */
export function foldersInTurn(): readonly string[] {
  const named = askedFolder();
  return named === undefined ? nativeFolders : [named, ...nativeFolders];
}

/** The first addon that loads, or why there is none; its answers are not checked. Never throws. */
export function findAddon(folders: readonly string[] = foldersInTurn()): NativeFound {
  let worst: Exclude<NativeFound, { readonly addon: NativeAddon }> = {
    reason: "there is no folder to look in",
    refused: false,
  };
  for (const folder of folders) {
    const found = findAddonIn(folder);
    if (found.addon !== undefined) return found;
    if (found.refused || !worst.refused) worst = found;
  }
  return worst;
}
