/**
 * Who may import whom, between packages. The table is the architecture; package.json files and imports are
 * checked against it and against each other.
 */
import type { Finding, Import, Rule, Source, Tree } from "./source.ts";
import { resolveRelative } from "./source.ts";

/** Lowest first. "a/door" allows that door alone; "a" every door of a except `testing`. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  proofs: ["base"],
  consensus: ["base", "proofs/attestation", "proofs/idle", "proofs/verify"],
  storage: ["base", "proofs"],
  api: ["base"],
  node: ["base", "proofs", "consensus", "storage", "api"],
  cli: ["base", "api", "node/daemon", "node/offline", "dashboard"],
  dashboard: ["base", "api"],
};

interface Manifest {
  readonly name: string;
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly doors: ReadonlyMap<string, string>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

export function manifests(tree: Tree): Manifest[] {
  const found: Manifest[] = [];
  for (const [path, text] of tree.files) {
    if (path !== "package.json" && !/^packages\/[^/]+\/package\.json$/.test(path)) continue;
    const json = JSON.parse(text);
    const optional: Record<string, string> = json.optionalDependencies ?? {};
    found.push({
      name: json.name,
      path,
      folder: path.split("/").slice(0, -1).join("/"),
      text,
      doors: new Map(Object.entries(json.exports ?? {})),
      dependencies: { ...json.dependencies, ...json.peerDependencies, ...optional },
      devDependencies: json.devDependencies ?? {},
    });
  }
  return found;
}

/** "@holdfast/proofs/verify" → { short: "proofs", door: "./verify" }. */
export function ownPackage(specifier: string): { short: string; door: string } | undefined {
  const match = /^(?:@holdfast\/([^/]+)|(holdfast))(\/.+)?$/.exec(specifier);
  if (match === null) return undefined;
  return { short: match[1] ?? "cli", door: `.${match[3] ?? ""}` };
}

export function packageOf(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1];
}

const isTest = (path: string): boolean =>
  /(^|\/)(test|tests|bench|tools)\//.test(path) || /\.test\.ts$/.test(path);
const isTesting = (path: string): boolean => isTest(path) || path.includes("/src/testing/");

function finding(source: Source, { line }: Import, rule: string, what: string, remedy: string): Finding {
  return { path: source.path, line, rule, what, remedy };
}

/** Everything below a package in the table; tests may use what the package stands on, through any door. */
function below(short: string, seen = new Set<string>([short])): Set<string> {
  for (const entry of mayImport[short] ?? []) {
    const name = entry.split("/")[0] ?? entry;
    if (seen.has(name)) continue;
    seen.add(name);
    below(name, seen);
  }
  return seen;
}

function allowed(from: string, to: { short: string; door: string }): boolean {
  const table = mayImport[from] ?? [];
  return table.includes(to.short) || table.includes(`${to.short}${to.door.slice(1)}`);
}

export const layers: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const source of tree.sources) {
    const from = packageOf(source.path);
    if (from === undefined) continue;
    for (const one of source.imports) {
      const to = ownPackage(one.specifier);
      if (to === undefined || (to.short === from && isTest(source.path))) continue;
      const fine = isTest(source.path) ? below(from).has(to.short) : allowed(from, to);
      if (!fine) {
        const may = (mayImport[from] ?? []).join(", ") || "no package of ours";
        const what = `${from} imports ${one.specifier}`;
        findings.push(finding(source, one, "layers", what, `${from} may import ${may}`));
      } else if (to.door === "./testing" && !isTesting(source.path)) {
        findings.push(
          finding(
            source,
            one,
            "layers",
            `the product imports ${one.specifier}`,
            "testing doors are for tests",
          ),
        );
      }
    }
  }
  return findings;
};

/**
 * Rooms of the node are no packages: the test of a room, in a folder or file of its name, enters through the
 * room's files; the test of a file beside the rooms imports that file.
 */
function testsOneRoom(test: string, target: string): boolean {
  const name = /^packages\/node\/test\/([a-z0-9-]+)/.exec(test)?.[1];
  const place = /^packages\/node\/src\/([a-z0-9-]+)/.exec(target)?.[1];
  const shared = /^packages\/node\/src\/[a-z0-9-]+\.ts$/.test(target);
  return name !== undefined && (shared || name === place || target.endsWith("/index.ts"));
}

export const doors: Rule = (tree) => {
  const byShort = new Map(manifests(tree).map((manifest) => [manifest.folder.split("/")[1], manifest]));
  const findings: Finding[] = [];
  for (const source of tree.sources) {
    for (const one of source.imports) {
      const to = ownPackage(one.specifier);
      if (to !== undefined && byShort.get(to.short)?.doors.has(to.door) !== true) {
        const remedy = `import an entry of "exports" in packages/${to.short}/package.json`;
        findings.push(finding(source, one, "doors", `${one.specifier} is no door`, remedy));
      }
      const from = packageOf(source.path);
      if (!one.specifier.startsWith(".") || from === undefined) continue;
      const target = resolveRelative(source.path, one.specifier);
      const targetPackage = packageOf(target);
      if (targetPackage !== undefined && targetPackage !== from) {
        const what = `a relative path into packages/${targetPackage}`;
        findings.push(finding(source, one, "doors", what, `import "@holdfast/${targetPackage}"`));
      } else if (
        isTest(source.path) &&
        target.startsWith(`packages/${from}/src/`) &&
        !target.endsWith(".json") &&
        !testsOneRoom(source.path, target)
      ) {
        const what = "a test behind its package's door";
        findings.push(finding(source, one, "doors", what, `import "@holdfast/${from}", as users do`));
      }
    }
  }
  return findings;
};

/**
 * The command line opens each door of the node in one file and with `import()`, so that `holdfast deals` never
 * loads libp2p and `holdfast piece commp` starts at once.
 */
export const daemonDoor: Rule = (tree) => {
  const opened = new Map<string, { source: Source; one: Import }[]>();
  for (const source of tree.sources.filter(({ path }) => path.startsWith("packages/cli/src/"))) {
    for (const one of source.imports) {
      if (one.kind === "type" || ownPackage(one.specifier)?.short !== "node") continue;
      opened.set(one.specifier, [...(opened.get(one.specifier) ?? []), { source, one }]);
    }
  }
  return [...opened.values()].flatMap((uses) => {
    const files = new Set(uses.map(({ source }) => source.path)).size;
    return uses
      .filter(({ one }) => one.kind === "value" || files > 1)
      .map(({ source, one }) => {
        const remedy = "load it with import() in one file";
        return finding(source, one, "daemon-door", "the node's code is loaded here", remedy);
      });
  });
};

/** "@a/b/c" → "@a/b"; undefined for relative paths and Node's own modules. */
function npmName(specifier: string): string | undefined {
  if (/^(\.|node:|\/)/.test(specifier)) return undefined;
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0];
}

export const dependencies: Rule = (tree) => {
  const all = manifests(tree);
  const rootDev = all.find(({ folder }) => folder === "")?.devDependencies ?? {};
  return all.flatMap((manifest) => dependencyFindings(tree, manifest, rootDev));
};

function dependencyFindings(
  tree: Tree,
  manifest: Manifest,
  rootDev: Readonly<Record<string, string>>,
): Finding[] {
  const findings: Finding[] = [];
  const at = (name: string, what: string, remedy: string): void => {
    const line = 1 + manifest.text.split("\n").findIndex((text) => text.includes(`"${name}"`));
    findings.push({ path: manifest.path, line: Math.max(1, line), rule: "dependencies", what, remedy });
  };
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
      at(name, `${name} is "${version}"`, "state one exact version");
    }
  }
  if (manifest.folder === "") return findings;
  const used = new Set<string>();
  for (const source of tree.sources) {
    if (packageOf(source.path) !== packageOf(manifest.path)) continue;
    const test = isTest(source.path) || /\.config\.ts$/.test(source.path);
    // A package that is loaded through createRequire is named in a string only.
    for (const [, name] of source.text.matchAll(/\brequire\("([^"]+)"\)/g)) {
      const required = name === undefined ? undefined : npmName(name);
      if (required !== undefined && !test) used.add(required);
    }
    for (const one of source.imports) {
      const name = npmName(one.specifier);
      if (name === undefined || one.kind === "url" || (test && name === manifest.name)) continue;
      if (!test) used.add(name);
      const inTests =
        test && (name in manifest.devDependencies || name in rootDev || name.startsWith("@holdfast/"));
      if (!(name in manifest.dependencies) && !inTests) {
        const remedy = `add it to ${manifest.path}`;
        findings.push(finding(source, one, "dependencies", `${name} is not a dependency here`, remedy));
      }
    }
  }
  for (const name of Object.keys(manifest.dependencies)) {
    if (!used.has(name)) at(name, `${name} is imported nowhere in src`, "remove it");
  }
  return findings;
}
