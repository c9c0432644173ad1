/**
 * Every rule of tidy meets a planted fault in a small healthy tree and must report it, at its line, and
 * nothing else. A healthy tree has no findings, so no rule cries wolf either.
 */
import { describe, expect, it } from "vitest";
import { treeOf } from "./tidy/source.ts";
import { tidy } from "./tidy.ts";

const manifest = (name: string, more: object): string =>
  JSON.stringify({ name, exports: { ".": "./src/index.ts" }, ...more }, null, 2);

const healthy: Readonly<Record<string, string>> = {
  "package.json": manifest("workspace", { exports: undefined, devDependencies: { vitest: "4.1.12" } }),
  "docs/ARCHITECTURE.md": "# The map\n\nSee [base](../packages/base/src/index.ts), [here](#the-map).\n",
  "vectors/a.json": '{"origin":"public","licence":"CC0-1.0","cases":[]}',
  "packages/base/package.json": manifest("@holdfast/base", {
    exports: { ".": "./src/index.ts", "./testing": "./src/testing/index.ts" },
    dependencies: { multiformats: "14.0.5" },
  }),
  "packages/base/src/index.ts":
    '/** Door. */\nexport { CID } from "multiformats/cid";\nexport * from "./units.ts";\n',
  "packages/base/src/units.ts": "/** Units. */\nexport const unit = 1; // a process. is a word here\n",
  "packages/base/src/testing/index.ts": "/** Doubles. */\nexport const clock = 1;\n",
  "packages/base/test/units.test.ts":
    '/** Units. */\nimport { it } from "vitest";\nimport { unit } from "@holdfast/base";\n',
  "packages/proofs/package.json": manifest("@holdfast/proofs", {
    exports: { ".": "./src/index.ts", "./verify": "./src/verify.ts" },
    dependencies: { "@holdfast/base": "0.1.0" },
  }),
  "packages/proofs/src/index.ts": '/** Door. */\nexport * from "./verify.ts";\n',
  "packages/proofs/src/verify.ts":
    '/** Door. */\nimport { unit } from "@holdfast/base";\nexport const two = unit;\n',
  "packages/consensus/package.json": manifest("@holdfast/consensus", {
    dependencies: { "@holdfast/proofs": "0.1.0" },
  }),
  "packages/consensus/src/index.ts": '/** Door. */\nexport { two } from "@holdfast/proofs/verify";\n',
  "packages/node/package.json": manifest("@holdfast/node", {
    exports: { ".": "./src/index.ts", "./daemon": "./src/compose.ts", "./offline": "./src/limits.ts" },
    dependencies: {},
  }),
  "packages/node/src/index.ts": '/** Door. */\nexport * from "./compose.ts";\n',
  "packages/node/src/limits.ts": "/** Limits. */\nexport const limits = 1;\n",
  "packages/node/src/compose.ts": '/** Start. */\nimport "./chain/index.ts";\nimport "./market/index.ts";\n',
  ...Object.fromEntries(
    ["chain", "market"].flatMap((room) => [
      [
        `packages/node/src/${room}/index.ts`,
        `/** ${room}. */\nimport "./errors.ts";\nimport "../limits.ts";\n`,
      ],
      [`packages/node/src/${room}/needs.ts`, `/** Needs. */\nexport const ${room}Needs = 1;\n`],
      [`packages/node/src/${room}/errors.ts`, '/** Errors. */\nimport type { X } from "./needs.ts";\n'],
    ]),
  ),
  "packages/cli/package.json": manifest("holdfast", {
    bin: { holdfast: "bin/holdfast.js" },
    dependencies: { "@holdfast/node": "0.1.0" },
  }),
  "packages/cli/bin/holdfast.js": '#!/usr/bin/env node\n/** Start. */\nawait import("../src/index.ts");\n',
  "packages/cli/src/index.ts": '/** Door. */\nimport "./launch.ts";\nconsole.log("hello");\n',
  "packages/cli/src/launch.ts": '/** The one file. */\nawait import("@holdfast/node/daemon");\n',
  "tools/run.ts": '/** A tool. */\nconsole.log(/["\'`]/, `${1}`, "as any", "export enum A");\n',
};

/** Adds or replaces one file; the new text stands at the given line after an opening comment. */
function planted(path: string, body: string): string[] {
  const files = new Map(Object.entries(healthy));
  const text = path.endsWith(".ts") && !body.startsWith("/") ? `/** A file. */\n${body}\n` : body;
  files.set(path, text);
  return tidy(treeOf(files)).map((found) => `${found.path}:${found.line} ${found.rule}`);
}

/** Adds code to a file of the healthy tree, as its last line. */
function appended(path: string, code: string): string[] {
  return planted(path, `${healthy[path]}${code}\n`);
}

const unitsFile = "packages/base/src/units.ts";
const units = `${unitsFile}:3`;

describe("tidy", () => {
  it("finds nothing in a healthy tree", () => {
    expect(tidy(treeOf(healthy))).toEqual([]);
  });

  it("prints the cause and the remedy", () => {
    const files = { ...healthy, [unitsFile]: `${healthy[unitsFile]}export const now = Date.now();\n` };
    expect(tidy(treeOf(files))).toEqual([
      {
        path: unitsFile,
        line: 3,
        rule: "purity",
        what: "the wall clock",
        remedy: "take the time as a parameter or a Clock",
      },
    ]);
  });
});

describe("the layer table", () => {
  it.each([
    ["packages/consensus/src/index.ts", 'import "@holdfast/node";', ["layers", "dependencies"]],
    ["packages/consensus/src/index.ts", 'import "@holdfast/proofs";', ["layers"]],
    [
      "packages/proofs/src/verify.ts",
      'import type { A } from "@holdfast/consensus";',
      ["layers", "dependencies"],
    ],
    ["packages/proofs/src/verify.ts", 'import "@holdfast/base/testing";', ["layers"]],
    ["packages/proofs/src/verify.ts", 'export * from "@holdfast/base/src/units.ts";', ["doors"]],
    ["packages/proofs/src/verify.ts", 'import "../../base/src/index.ts";', ["doors"]],
    ["packages/base/test/units.test.ts", 'import "../src/units.ts";', ["doors"]],
    ["packages/base/test/units.test.ts", 'import "@holdfast/consensus";', ["layers"]],
    ["packages/proofs/src/verify.ts", 'import "left-pad";', ["dependencies"]],
    ["packages/cli/src/launch.ts", 'import "@holdfast/node/daemon";', ["daemon-door"]],
  ])("%s: %s", (path, code, expected) => {
    const line = (healthy[path] ?? "").split("\n").length;
    expect(appended(path, code).sort()).toEqual(expected.map((rule) => `${path}:${line} ${rule}`).sort());
  });

  it("a second file that loads the node", () => {
    const found = appended("packages/cli/src/index.ts", 'await import("@holdfast/node/daemon");');
    expect(found).toEqual([
      "packages/cli/src/index.ts:4 daemon-door",
      "packages/cli/src/launch.ts:2 daemon-door",
    ]);
  });

  it("no file that loads another door of the node", () => {
    expect(appended("packages/cli/src/index.ts", 'await import("@holdfast/node/offline");')).toEqual([]);
  });

  it("a dependency that nothing imports, and one without an exact version", () => {
    const path = "packages/base/package.json";
    const text = healthy[path] ?? "";
    expect(planted(path, text.replace('"multiformats"', '"zod": "1.0.0",\n    "multiformats"'))).toEqual([
      `${path}:8 dependencies`,
    ]);
    expect(planted(path, text.replace("14.0.5", "^14.0.5"))).toEqual([`${path}:8 dependencies`]);
  });
});

describe("rooms and files", () => {
  const room = "packages/node/src/chain/index.ts";
  it.each([
    [room, 'import type { M } from "../market/index.ts";', [`${room}:4 rooms`]],
    [room, 'import type { C } from "../compose.ts";', [`${room}:4 rooms`]],
    ["packages/node/src/compose.ts", 'import "./chain/errors.ts";', ["packages/node/src/compose.ts:4 rooms"]],
  ])("%s: %s", (path, code, expected) => {
    expect(appended(path, code)).toEqual(expected);
  });

  it("a room without its three files", () => {
    const path = "packages/node/src/wallet/index.ts";
    const files = {
      ...healthy,
      [path]: "/** W. */\n",
      "packages/node/src/index.ts": '/** D. */\nimport "./wallet/index.ts";\nimport "./compose.ts";\n',
    };
    const found = tidy(treeOf(files)).map(({ path, rule, what }) => `${path} ${rule} ${what}`);
    expect(found).toEqual([
      "packages/node/src/wallet rooms the room wallet has no needs.ts",
      "packages/node/src/wallet rooms the room wallet has no errors.ts",
    ]);
  });

  it("a file nobody imports, also when only a test does", () => {
    expect(planted("packages/base/src/old.ts", "export const old = 1;")).toEqual([
      "packages/base/src/old.ts:1 dead-files",
    ]);
  });

  it("a worker's file is alive by its URL", () => {
    const launch = "packages/cli/src/launch.ts";
    const files = {
      ...healthy,
      "packages/cli/src/worker.ts": "/** W. */\n",
      [launch]: `${healthy[launch]}new URL("./worker.ts", import.meta.url);\n`,
    };
    expect(tidy(treeOf(files))).toEqual([]);
  });

  it("a circle of value imports, not of types", () => {
    expect(appended(unitsFile, 'import "./index.ts";')).toEqual(["packages/base/src/index.ts:3 cycles"]);
    expect(appended(unitsFile, 'import type { CID } from "./index.ts";')).toEqual([]);
  });
});

describe("purity of base, proofs and consensus", () => {
  it.each([
    "export const a = Date.now();",
    "export const a = new Date();",
    "export const a = new Date(0);",
    "export const a = Math.random();",
    "export const a = performance.now();",
    "export const a = crypto.getRandomValues(b);",
    "setTimeout(f, 1);",
    "setInterval(f, 1);",
    'import { readFileSync } from "node:fs";',
    'import { load } from "../kernels/index.ts";',
    "export const a = process.env;",
    "export const a = globalThis.a;",
    "export const a = Buffer.alloc(1);",
    "export const a = new TextEncoder();",
  ])("%s", (code) => {
    expect(appended(unitsFile, code)).toEqual([`${units} purity`]);
  });

  it("is not asked of others, nor of comments, strings and members", () => {
    expect(appended("packages/cli/src/index.ts", "setTimeout(() => process.hrtime(), 1);")).toEqual([]);
    for (const code of [
      "// Date.now()",
      'export const a = "Date.now()";',
      "a.process.run();",
      "`${b} Date.now()`;",
    ]) {
      expect(appended(unitsFile, code)).toEqual([]);
    }
    expect(appended(unitsFile, "export const a = `${Date.now()}`;")).toEqual([`${units} purity`]);
    expect(appended(unitsFile, 'export const a = /[/"]/.test(b) && Date.now();')).toEqual([
      `${units} purity`,
    ]);
  });

  it("console is for the command line and tools", () => {
    expect(appended("packages/node/src/limits.ts", "console.log(1);")).toEqual([
      "packages/node/src/limits.ts:3 constructs",
    ]);
  });
});

describe("words and constructs", () => {
  it.each(["TODO", "FIXME", "XXX", "not implemented", "for now", "Simplified", "placeholder", "stub"])(
    "%s",
    (word) => {
      expect(appended(unitsFile, `// ${word}: later`)).toEqual([`${units} words`]);
      expect(appended(unitsFile, `export const a = "${word}";`)).toEqual([`${units} words`]);
    },
  );

  it.each(["@ts-ignore", "@ts-expect-error", "@ts-nocheck"])("%s", (word) => {
    expect(appended(unitsFile, `// ${word}`)).toEqual([`${units} words`]);
  });

  it.each([
    "export const a = b as any;",
    'throw new Error("x");',
    "process.exit(1);",
    "export default 1;",
    "export enum A { B }",
    "declare namespace A {}",
    "it.only(1);",
    "describe.skip(1);",
  ])("%s", (code) => {
    const path = "packages/node/src/limits.ts";
    expect(appended(path, code)).toEqual([`${path}:3 constructs`]);
  });

  it("a configuration may have its default export, a test may throw", () => {
    expect(planted("vitest.config.ts", "export default {};")).toEqual([]);
    expect(appended("packages/base/test/units.test.ts", 'throw new Error("x");')).toEqual([]);
  });
});

describe("sizes", () => {
  const lines = (count: number, text: string): string => Array(count).fill(text).join("\n");

  it("files, lines and functions", () => {
    expect(appended(unitsFile, lines(398, "//"))).toEqual([]);
    expect(appended(unitsFile, lines(399, "//"))).toEqual([`${unitsFile}:401 file-size`]);
    expect(appended(unitsFile, `// ${"x".repeat(117)}`)).toEqual([]);
    expect(appended(unitsFile, `// ${"x".repeat(118)}`)).toEqual([`${units} line-size`]);
    expect(appended(unitsFile, `  message: "${"x".repeat(118)}",`)).toEqual([]);
  });

  it.each([
    ["function a() {", "}"],
    ["export async function a(\n  b: C,\n): Promise<{ d: E }> {", "}"],
    ["export const a = (b: C): D => {", "};"],
    ["export const a = (\n  b: C,\n): D => {", "};"],
    ["class A {\n  async *b<T>(c: T) {", "  }\n}"],
    ["class A {\n  #b({ c }: D): E {", "  }\n}"],
    ["class A {\n  b({\n    c,\n  }: D): E {", "  }\n}"],
    ['  it("works", async () => {', "  });"],
  ])("a long function: %s", (head, tail) => {
    const inside = 70 - head.replace(/^class.*\n/, "").split("\n").length - 1;
    const body = lines(inside, "      x;\n").replaceAll("\n\n", "\n").trimEnd();
    expect(appended(unitsFile, `${head}\n${body}\n${tail}`)).toEqual([]);
    const rules = appended(unitsFile, `${head}\n      x;\n${body}\n${tail}`).map(
      (found) => found.split(" ")[1],
    );
    expect(rules).toEqual(["function-size"]);
  });

  it("a group of tests is no function, and text in a template closes none", () => {
    const body = lines(100, "  x;");
    expect(appended(unitsFile, `describe("a", () => {\n${body}\n});`)).toEqual([]);
    const found = appended(unitsFile, `function a() {\n  b(\`\n}\n\`);\n${body}\n}`);
    expect(found).toEqual([`${units} function-size`]);
  });
});

describe("documents", () => {
  it.each([
    ["packages/base/src/utils/a.md", "", "names"],
    ["docs/common.ts", "", "names"],
    ["packages/base/src/units.spec.ts", "", "test-places"],
    ["docs/units.test.ts", "", "test-places"],
    ["docs/a.md", "\n[x](gone.md)", "links"],
    ["docs/a.md", "\n[x](ARCHITECTURE.md#gone)", "links"],
    ["vectors/b.json", '{"origin":"x"}', "vectors"],
    ["vectors/b.json", "{", "vectors"],
    ["vectors/b.bin", "", "vectors"],
    // Put together here, so that this file itself names no such place.
    ["docs/a.md", `\nas ${["", "work", "plan"].join("/")} says`, "workplace"],
    ["docs/a.md", `\nas ${["..", "shared", "x"].join("/")} says`, "workplace"],
    ["docs/a.md", "\nas .library says", "workplace"],
    ["docs/a.md", "\nclosed by Issue #7", "workplace"],
    ["docs/a.md", "\nas contracts.md says", "workplace"],
  ])("%s %j", (path, text, rule) => {
    const line = text.startsWith("\n") ? 2 : 1;
    expect(planted(path, text)).toContain(`${path}:${line} ${rule}`);
  });

  it("links in fences and to the web are left alone; a README vouches for binary vectors", () => {
    expect(planted("docs/a.md", "```\n[x](gone.md)\n```\n[y](https://example.com/a)\n")).toEqual([]);
    const files = {
      ...healthy,
      "vectors/a/b.bin": "",
      "vectors/README.md": "Origin and licence: ours, CC0-1.0.",
    };
    expect(tidy(treeOf(files))).toEqual([]);
  });

  it("a file that does not open with a comment", () => {
    const text = "#!/usr/bin/env node\nconsole.log(1);\n";
    expect(planted("tools/x.js", text)).toEqual(["tools/x.js:1 openings"]);
  });
});
