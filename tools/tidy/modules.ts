/**
 * Who may import whom, inside a package: rooms of the node stand apart, no file is dead, and no two files
 * need each other at load.
 */
import { manifests, packageOf } from "./packages.ts";
import type { Finding, Import, Rule, Source, Tree } from "./source.ts";
import { resolveRelative } from "./source.ts";

const nodeRoot = "packages/node/src/";
/** Folders at the root of the node that introduce rooms to each other. */
const introducers = new Set(["testing", "compose"]);

/** The room of a path, or undefined at the root and outside the node. */
function roomOf(path: string): string | undefined {
  if (!path.startsWith(nodeRoot)) return undefined;
  const [room, ...rest] = path.slice(nodeRoot.length).split("/");
  return rest.length === 0 || room === undefined || introducers.has(room) ? undefined : room;
}

export const rooms: Rule = (tree) => {
  const findings: Finding[] = [];
  const names = new Set<string>();
  for (const source of tree.sources) {
    const from = roomOf(source.path);
    if (from !== undefined) names.add(from);
    if (!source.path.startsWith(nodeRoot)) continue;
    for (const { specifier, line } of source.imports) {
      if (!specifier.startsWith(".")) continue;
      const target = resolveRelative(source.path, specifier);
      const to = roomOf(target);
      const report = (what: string, remedy: string): void => {
        findings.push({ path: source.path, line, rule: "rooms", what, remedy });
      };
      if (from !== undefined && to !== undefined && from !== to) {
        report(
          `${from} imports ${to}`,
          `state the need in ${from}/needs.ts and let compose.ts introduce them`,
        );
      } else if (from !== undefined && /^compose(\.ts|\/)/.test(target.slice(nodeRoot.length))) {
        report(`${from} imports compose`, "compose knows the rooms, never the reverse");
      } else if (from === undefined && to !== undefined && target !== `${nodeRoot}${to}/index.ts`) {
        report(`${specifier} is behind the door of ${to}`, `import ${to}/index.ts`);
      }
    }
  }
  for (const room of names) {
    for (const file of ["index.ts", "needs.ts", "errors.ts"]) {
      if (tree.files.has(`${nodeRoot}${room}/${file}`)) continue;
      const what = `the room ${room} has no ${file}`;
      const remedy = "index.ts gives, needs.ts asks, errors.ts names what can go wrong";
      findings.push({ path: `${nodeRoot}${room}`, line: 1, rule: "rooms", what, remedy });
    }
  }
  return findings;
};

function edges(tree: Tree, wanted: (one: Import) => boolean): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const { path, imports } of tree.sources) {
    const targets = imports
      .filter((one) => one.specifier.startsWith(".") && wanted(one))
      .map(({ specifier }) => resolveRelative(path, specifier));
    graph.set(path, targets);
  }
  return graph;
}

/** Files in packages that no door, program or tool reaches. */
export const deadFiles: Rule = (tree) => {
  const graph = edges(tree, () => true);
  const queue: string[] = [];
  for (const { folder, doors, text } of manifests(tree)) {
    const programs: unknown = JSON.parse(text).bin ?? {};
    const paths = typeof programs === "string" ? [programs] : Object.values(programs ?? {});
    for (const path of [...doors.values(), ...paths])
      queue.push(resolveRelative(`${folder}/x`, String(path)));
  }
  for (const { path } of tree.sources) if (!inSource(path)) queue.push(path);
  const reached = new Set<string>();
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    queue.push(...(graph.get(path) ?? []));
  }
  return tree.sources
    .filter(({ path }) => inSource(path) && !reached.has(path) && !path.endsWith(".d.ts"))
    .map(({ path }) => ({
      path,
      line: 1,
      rule: "dead-files",
      what: "no door or program reaches this file",
      remedy: "import it where it is needed, or remove it",
    }));
};

function inSource(path: string): boolean {
  return packageOf(path) !== undefined && path.includes("/src/");
}

/** Tarjan's strongly connected components over the imports that run at load. */
export const cycles: Rule = (tree) => {
  const graph = edges(tree, ({ kind }) => kind === "value");
  const state = { index: new Map<string, number>(), low: new Map<string, number>(), stack: [] as string[] };
  const found: string[][] = [];
  const visit = (path: string): number => {
    const mine = state.index.size;
    state.index.set(path, mine);
    state.low.set(path, mine);
    state.stack.push(path);
    let low = mine;
    for (const next of graph.get(path) ?? []) {
      if (next === path) found.push([path]);
      if (!graph.has(next)) continue;
      if (!state.index.has(next)) low = Math.min(low, visit(next));
      else if (state.stack.includes(next)) low = Math.min(low, state.index.get(next) ?? low);
    }
    state.low.set(path, low);
    if (low === mine) {
      const circle = state.stack.splice(state.stack.indexOf(path));
      if (circle.length > 1) found.push(circle);
    }
    return low;
  };
  for (const path of graph.keys()) if (!state.index.has(path)) visit(path);
  return found.map((circle) => cycleFinding(tree, circle));
};

function cycleFinding(tree: Tree, circle: readonly string[]): Finding {
  const [first = ""] = circle;
  const source = tree.sources.find(({ path }) => path === first);
  const line = source === undefined ? 1 : lineOfEdge(source, new Set(circle));
  return {
    path: first,
    line,
    rule: "cycles",
    what: `value imports go in a circle: ${circle.join(" → ")}`,
    remedy: "move the shared part below both, or use `import type`",
  };
}

function lineOfEdge({ path, imports }: Source, circle: ReadonlySet<string>): number {
  const edge = imports.find(
    ({ specifier, kind }) => kind === "value" && circle.has(resolveRelative(path, specifier)),
  );
  return edge?.line ?? 1;
}
