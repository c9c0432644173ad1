/**
 * Third parties' packages as they are installed, for the measurement of a program: each package that one of the
 * program's own leads to, directly or through others, found where Node finds it, with one digest over the names and
 * contents of its files. A package leads to those that its description names, in whatever way, and to those that its
 * code asks for without saying so. A package is named by its name and version and not by where it lies, so that two
 * installations of one lockfile measure the same however their folders are arranged. Packages that were made for one
 * platform are there on that platform alone: the measurement is of a platform. What Node cannot load is left out:
 * declarations, maps, texts for people. Optional packages count where they are installed; what nobody put into the
 * lockfile is refused.
 */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { limits } from "../limits.ts";
import { attestationErrors } from "./errors.ts";
import { ModuleFolders } from "./module-folders.ts";
import type { MeasuredFile } from "./program.ts";

const unreadable = (path: string, problem: string, cause?: unknown) =>
  attestationErrors.programUnreadable({ path, problem }, cause);

/** Whatever the measured code asks for has another ending: Node runs neither maps nor texts by itself. */
const notLoaded = /\.(?:map|md|markdown)$/i;
/** Node strips no types below node_modules; in a package that is a link to elsewhere it does. */
const types = /\.[cm]?ts$/i;
const modules = `${sep}node_modules${sep}`;

const code = /(?:\.[cm]?[jt]s|^[^.]+)$/i;
/** Of any way to ask for a package, its name. */
const asking = /(?:[rR]equire\w*(?:\.resolve)?|\bimport|\bresolve|\bfrom)\s*\(?\s*["'`]/;
const packageName = /((?:@[\w.~-]+\/)?[A-Za-z0-9_~][\w.~-]*)(?=["'`/])/;
const asked = new RegExp(asking.source + packageName.source, "g");

interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly dependencies?: Readonly<Record<string, unknown>>;
  readonly optionalDependencies?: Readonly<Record<string, unknown>>;
  readonly peerDependencies?: Readonly<Record<string, unknown>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, unknown>>;
}

export interface Installation {
  /** The program's own packages; they are not among what is found. */
  readonly own: readonly string[];
  /** The program's folder: nothing lies in its folders of modules that is not accounted for. */
  readonly folder: string;
  /** Names of the lockfile. */
  readonly listed: ReadonlySet<string>;
  /** Where CommonJS looks besides, whoever asks: Node's global folders. */
  readonly globalFolders: readonly string[];
}

function manifestIn(folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  } catch (cause) {
    throw unreadable(join(folder, "package.json"), "it is no package's description", cause);
  }
}

/** Errors: `attestation/program-unreadable`, `attestation/unlisted-module`. */
export async function installedPackages(from: Installation): Promise<readonly MeasuredFile[]> {
  const roots = from.own.map((folder) => realpathSync(folder));
  const folders = new ModuleFolders(from.globalFolders);
  const seen = new Set<string>(roots);
  const queue = [...roots];
  const found = new Map<string, MeasuredFile>();
  let files = 0;
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    const manifest = manifestIn(folder);
    const names = new Set<string>();
    if (!roots.includes(folder)) {
      const { fileCount, ...one } = measurePackage(folder, manifest, names, limits.programFiles - files);
      files += fileCount;
      found.set(`${one.path} ${one.digest}`, one);
      // Some hundred packages: whoever waits for something else gets a turn between them.
      await setImmediate();
    }
    for (const next of dependenciesOf(manifest, names, (name) => folders.find(name, folder), folder)) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(next);
    }
  }
  folders.checkEntries([realpathSync(from.folder), ...seen], from.listed, seen);
  return [...found.values()];
}

function dependenciesOf(
  manifest: Manifest,
  asked: ReadonlySet<string>,
  find: (name: string) => readonly string[],
  folder: string,
): readonly string[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies, peerDependenciesMeta } = manifest;
  const declared = { ...dependencies, ...optionalDependencies, ...peerDependencies, ...peerDependenciesMeta };
  return [...new Set([...Object.keys(declared), ...asked])].flatMap((name) => {
    const found = find(name);
    const isNeeded = name in dependencies && !(name in optionalDependencies);
    if (found.length === 0 && isNeeded) throw unreadable(folder, `${name} is not installed: npm ci`);
    return found;
  });
}

/** Adds to `names` what its code asks for. */
function measurePackage(
  folder: string,
  { name, version }: Manifest,
  names: Set<string>,
  most: number,
): MeasuredFile & { readonly fileCount: number } {
  const hasTypes = !`${folder}${sep}`.includes(modules);
  const label = `node_modules/${String(name)}@${String(version)}`;
  const lines: string[] = [];
  let sizeBytes = 0;
  const collect = (below: string): void => {
    for (const entry of readdirSync(join(folder, below)).sort()) {
      const path = below === "" ? entry : `${below}/${entry}`;
      const full = join(folder, path);
      const found = lstatSync(full);
      // What lies in there is found through whoever asks for it. Further down it is this package's own.
      if (found.isDirectory() && path === "node_modules") continue;
      if (found.isDirectory()) {
        collect(path);
        continue;
      }
      if (notLoaded.test(entry) || (types.test(entry) && !hasTypes)) continue;
      if (!found.isFile() || path.includes("\n")) throw unreadable(`${label}/${path}`, "it is no plain file");
      if (lines.length === most) throw unreadable(label, `more than ${limits.programFiles} files`);
      const bytes = readFileSync(full);
      sizeBytes += bytes.length;
      if (code.test(entry))
        for (const [, next = ""] of bytes.toString("latin1").matchAll(asked)) names.add(next);
      lines.push(`${createHash("sha256").update(bytes).digest("hex")} ${bytes.length} ${path}\n`);
    }
  };
  try {
    collect("");
  } catch (cause) {
    if (cause instanceof Error && "syscall" in cause) throw unreadable(label, "it cannot be read", cause);
    throw cause;
  }
  const digest = createHash("sha256").update(lines.join("")).digest("hex");
  return { path: label, sizeBytes, digest, fileCount: lines.length };
}
