/**
 * What Node could find of a name: every `node_modules` from a folder up to the root of the file system, and the folders
 * where CommonJS looks for anybody. Found is what lies there under the name, whether Node would take the first of them
 * or, where that one has not what was asked for, a later one. Anything that is no package with a description is
 * refused: Node would load it, and nobody could say what it is.
 */
import { lstatSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { attestationErrors } from "./errors.ts";

/** Node takes a file for a package too; the endings that it tries, and those that it may be told to try. */
const fileEndings = [".js", ".json", ".node", ".cjs", ".mjs", ".ts", ".cts", ".mts"];

const nothing: ReadonlySet<string> = new Set();

export class ModuleFolders {
  readonly #globalFolders: readonly string[];
  readonly #entries = new Map<string, ReadonlySet<string>>();

  constructor(globalFolders: readonly string[]) {
    this.#globalFolders = globalFolders;
  }

  /** Real folders of packages, nearest first. Error `attestation/unlisted-module`. */
  find(name: string, from: string): readonly string[] {
    const found: string[] = [];
    for (const place of this.#placesFrom(from)) {
      const entries = this.#entriesOf(place);
      for (const ending of fileEndings) if (entries.has(name + ending)) throw noPackage(place, name + ending);
      if (!entries.has(name)) continue;
      const folder = join(place, name);
      const manifest = lstatSync(join(folder, "package.json"), { throwIfNoEntry: false });
      if (manifest?.isFile() !== true) throw noPackage(place, name);
      found.push(realpathSync(folder));
    }
    return found;
  }

  /**
   * Every entry of the folders of modules in these that were looked at is a package that was measured, or one that the
   * lockfile names and nobody asks for. Error `attestation/unlisted-module`.
   */
  checkEntries(inside: readonly string[], listed: ReadonlySet<string>, measured: ReadonlySet<string>): void {
    for (const [place, entries] of this.#entries) {
      if (!inside.some((folder) => place.startsWith(folder + sep))) continue;
      for (const entry of entries) {
        // Node's own names for folders begin with no dot; package managers' do.
        if (entry.startsWith(".") || listed.has(entry) || measured.has(realOf(join(place, entry)))) continue;
        throw attestationErrors.unlistedModule({ path: join(place, entry), problem: "no lockfile names it" });
      }
    }
  }

  *#placesFrom(from: string): Iterable<string> {
    for (let folder = from; ; folder = dirname(folder)) {
      yield join(folder, "node_modules");
      if (dirname(folder) === folder) break;
    }
    yield* this.#globalFolders;
  }

  #entriesOf(place: string): ReadonlySet<string> {
    let entries = this.#entries.get(place);
    if (entries === undefined) {
      entries = entriesOf(place);
      this.#entries.set(place, entries);
    }
    return entries;
  }
}

/** Names as programs ask for them: scopes are no packages. */
function entriesOf(place: string): ReadonlySet<string> {
  const names = namesIn(place);
  if (names === undefined) return nothing;
  return new Set(
    names.flatMap((name) => {
      if (!name.startsWith("@")) return [name];
      return namesIn(join(place, name))?.map((entry) => `${name}/${entry}`) ?? [name];
    }),
  );
}

/** Undefined: it is no folder. */
function namesIn(folder: string): readonly string[] | undefined {
  try {
    return readdirSync(folder).sort();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw attestationErrors.unlistedModule({ path: folder, problem: "the folder cannot be read" }, cause);
  }
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // a link that leads nowhere
  }
}

const noPackage = (place: string, entry: string) =>
  attestationErrors.unlistedModule({
    path: join(place, entry),
    problem: "Node would load it, and it is no package with a description",
  });
