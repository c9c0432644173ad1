/**
 * Third parties' packages as they are installed, for the measurement of a program: each package that one of the
 * program's own depends on, directly or through others, found as Node finds it, with one digest over the names and
 * contents of its files. A package is named by its name and version and not by where it lies, so that two installations
 * of one lockfile measure the same however their folders are arranged. Packages that were made for one platform are
 * there on that platform alone: the measurement is of a platform. What Node cannot load is left out: declarations,
 * maps, texts for people. Optional packages count where they are installed.
 */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { limits } from "../limits.ts";
import { attestationErrors } from "./errors.ts";
import type { MeasuredFile } from "./program.ts";

const unreadable = (path: string, problem: string, cause?: unknown) =>
  attestationErrors.programUnreadable({ path, problem }, cause);

/** Node strips no types below node_modules, and runs neither maps nor texts. */
const notLoaded = /\.(?:map|md|markdown|[cm]?ts)$/i;

interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly dependencies?: Readonly<Record<string, unknown>>;
  readonly optionalDependencies?: Readonly<Record<string, unknown>>;
  readonly peerDependencies?: Readonly<Record<string, unknown>>;
}

function manifestIn(folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  } catch (cause) {
    throw unreadable(join(folder, "package.json"), "it is no package's description", cause);
  }
}

/** As Node looks for it: in the folder's node_modules, then in those of the folders above. */
function findPackage(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (lstatSync(join(candidate, "package.json"), { throwIfNoEntry: false })?.isFile())
      return realpathSync(candidate);
    if (dirname(folder) === folder) return undefined;
  }
}

/** Packages that those in `own` lead to; `own` are not among them. Error `attestation/program-unreadable`. */
export async function installedPackages(own: readonly string[]): Promise<readonly MeasuredFile[]> {
  const roots = own.map((folder) => realpathSync(folder));
  const seen = new Set<string>(roots);
  const queue = [...roots];
  const found = new Map<string, MeasuredFile>();
  let files = 0;
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    const manifest = manifestIn(folder);
    if (!roots.includes(folder)) {
      const { fileCount, ...one } = measurePackage(folder, manifest, limits.programFiles - files);
      files += fileCount;
      found.set(`${one.path} ${one.digest}`, one);
      // Some hundred packages: whoever waits for something else gets a turn between them.
      await setImmediate();
    }
    for (const next of dependenciesOf(manifest, folder)) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(next);
    }
  }
  return [...found.values()];
}

function dependenciesOf(manifest: Manifest, folder: string): readonly string[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = manifest;
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  return names.flatMap((name) => {
    const found = findPackage(name, folder);
    const isNeeded = name in dependencies && !(name in optionalDependencies);
    if (found === undefined && isNeeded) throw unreadable(folder, `${name} is not installed: npm ci`);
    return found === undefined ? [] : [found];
  });
}

function measurePackage(folder: string, { name, version }: Manifest, most: number) {
  const label = `node_modules/${String(name)}@${String(version)}`;
  const lines: string[] = [];
  let sizeBytes = 0;
  const collect = (below: string): void => {
    for (const entry of readdirSync(join(folder, below)).sort()) {
      const path = below === "" ? entry : `${below}/${entry}`;
      const full = join(folder, path);
      const found = lstatSync(full);
      // What lies in there is found through whoever depends on it.
      if (found.isDirectory() && entry === "node_modules") continue;
      if (found.isDirectory()) {
        collect(path);
        continue;
      }
      if (notLoaded.test(entry)) continue;
      if (!found.isFile() || path.includes("\n")) throw unreadable(`${label}/${path}`, "it is no plain file");
      if (lines.length === most) throw unreadable(label, `more than ${limits.programFiles} files`);
      const bytes = readFileSync(full);
      sizeBytes += bytes.length;
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
