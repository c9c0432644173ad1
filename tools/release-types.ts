/**
 * The types of the released proofs as a tree of declarations that stands alone: ours as the compiler writes them, and
 * those of the libraries whose types they name, copied beside them, because nothing is installed with the package.
 * Every name of a module becomes the path to its declarations; only modules of Node keep theirs.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "@holdfast/base";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = join(root, "node_modules/typescript/bin/tsc");
const basePath = join(root, "packages/base/src/index.ts");
const modulesFolder = `${sep}node_modules${sep}`;

/** `from "x"`, `import("x")` and `import "x"`, with what is around the name. */
const moduleName = /((?:\bfrom|\bimport)\s*\(?\s*["'])([^"'\n]+)(["'])/g;

/** Declarations of these sources and of all that they reach of ours, as the compiler writes them. */
function emit(to: string, sources: readonly string[]): void {
  const config = join(to, "tsconfig.json");
  const compilerOptions = {
    ...{ noEmit: false, declaration: true, emitDeclarationOnly: true },
    ...{ rootDir: join(root, "packages"), outDir: to },
    ...{ types: ["node"], typeRoots: [join(root, "node_modules/@types")] },
  };
  const extended = join(root, "tsconfig.base.json");
  writeFileSync(config, JSON.stringify({ extends: extended, compilerOptions, files: sources }));
  const done = spawnSync(process.execPath, [tsc, "-p", config], { encoding: "utf8" });
  assert(done.status === 0, `the declarations are written: ${done.stdout}${done.stderr}`);
  rmSync(config);
}

/** A library's declarations lie beside its code. */
function declarationsOf(name: string): string {
  const path = fileURLToPath(import.meta.resolve(name)).replace(/js$/, "d.ts");
  assert(existsSync(path) && path.includes(modulesFolder), `${name} has declarations`);
  return path;
}

/** Other names for modules; comments stay as they are, because examples in them are no imports. */
function renamed(text: string, nameIn: (name: string) => string): string {
  const parts = text.replaceAll(/^\/\/# sourceMappingURL=.*$/gm, "").split(/(\/\*[\s\S]*?\*\/)/);
  const names = (part: string): string =>
    part.replaceAll(moduleName, (_all, before, name, after) => `${before}${nameIn(name)}${after}`);
  return parts.map((part, i) => (i % 2 === 0 ? names(part) : part)).join("");
}

/** Writes a tree of declarations for these sources, which are the doors of the proofs, into an empty folder. */
export function stageTypes(to: string, sources: readonly string[]): void {
  mkdirSync(to, { recursive: true });
  emit(to, sources);
  // The sources find base as an installed package, which the compiler leaves out, or (one time in eight) only half.
  emit(to, [basePath]);
  const copied = new Set<string>();
  const queue = globSync("**/*.d.ts", { cwd: to }).map((name) => join(to, name));
  /** Where the declarations of a library are here; copied at the first time. */
  const placeOf = (path: string): string => {
    const place = join(to, "libraries", path.slice(path.lastIndexOf(modulesFolder) + modulesFolder.length));
    if (!copied.has(path)) {
      copied.add(path);
      mkdirSync(dirname(place), { recursive: true });
      copyFileSync(path, place);
      queue.push(place);
      origins.set(place, path);
    }
    return place;
  };
  const origins = new Map<string, string>();
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const [place, origin] = [path, origins.get(path)];
    const pathTo = (target: string): string => {
      const way = relative(dirname(place), target)
        .split(sep)
        .join("/")
        .replace(/d\.ts$/, "js");
      return way.startsWith(".") ? way : `./${way}`;
    };
    const nameIn = (name: string): string => {
      if (name.startsWith("node:")) return name;
      if (name === "@holdfast/base") return pathTo(join(to, "base/src/index.d.ts"));
      if (!name.startsWith(".")) return pathTo(placeOf(declarationsOf(name)));
      if (origin === undefined) return name.replace(/ts$/, "js");
      return pathTo(placeOf(join(dirname(origin), name.replace(/[jt]s$/, "d.ts"))));
    };
    writeFileSync(place, renamed(readFileSync(place, "utf8"), nameIn));
  }
}
