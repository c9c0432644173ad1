/**
 * The benchmarks: `npm run bench [-- name…] [--only word] [--peers] [--json] [--write]
 * [--profile] [--quick]`. Nothing is asserted:
 * figures are for reading, beside a target, a peer or a limit. One that fails says why; the others still run.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benches } from "./benches/index.ts";
import type { Bench } from "./figure.ts";
import {
  machineNote,
  plainStyle,
  type Result,
  resultOf,
  section,
  terminalStyle,
  textTable,
  updateDocument,
} from "./report.ts";

const document = fileURLToPath(new URL("../docs/PERFORMANCE.md", import.meta.url));

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    install: { type: "boolean", default: false },
    peers: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
  },
});

function chosen(): readonly Bench[] {
  const wanted = flags.install ? [...names, "install"] : names;
  if (wanted.length === 0) return benches.filter(({ onlyIfNamed }) => onlyIfNamed !== true);
  return benches.filter(({ name }) => wanted.includes(name));
}

function unknownNames(): readonly string[] {
  return names.filter((name) => !benches.some((bench) => bench.name === name));
}

function oldDocument(): string {
  try {
    return readFileSync(document, "utf8");
  } catch {
    return "";
  }
}

function write(results: readonly Result[]): void {
  const day = new Date().toISOString().slice(0, 10);
  const sections = new Map(results.map((result) => [result.bench, section(result, day, machineNote())]));
  mkdirSync(new URL("../docs", import.meta.url), { recursive: true });
  writeFileSync(
    document,
    updateDocument(
      oldDocument(),
      sections,
      benches.map(({ name }) => name),
    ),
  );
}

async function run(bench: Bench): Promise<Result | undefined> {
  const say = (text: string): void => {
    if (!flags.json) console.error(`  ${text}`);
  };
  try {
    const { profile, quick, peers, only } = flags;
    return resultOf(bench, await bench.run({ profile, quick, peers, only, say }));
  } catch (error) {
    console.error(`${bench.name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    process.exitCode = 1;
    return undefined;
  }
}

const unknown = unknownNames();
if (unknown.length > 0) {
  console.error(
    `no benchmark is called ${unknown.join(", ")}; there are ${benches.map(({ name }) => name).join(", ")}`,
  );
  process.exitCode = 2;
} else {
  const results: Result[] = [];
  const style = process.stdout.isTTY ? terminalStyle : plainStyle;
  for (const bench of chosen()) {
    const result = await run(bench);
    if (result === undefined) continue;
    results.push(result);
    if (!flags.json) console.log(textTable(result, style));
  }
  if (flags.json) console.log(JSON.stringify({ machine: machineNote(), results }, null, 2));
  else console.log(machineNote());
  if (flags.write) write(results);
}
