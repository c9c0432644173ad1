/**
 * `npm run sim:planted`: shows that the simulator finds bugs. Each bug of the table is planted into the sources as they
 * are loaded, and a simulation of one of CI's seeds must break an invariant; without the bug all of these seeds hold
 * (that is CI's run of them). The bug's own seed is tried first, then those that find most. `--search` looks for the
 * seed of each bug anew among all of CI's, `--among 1003,1017` among these; `--only NAME` takes one bug. Ends with exit
 * code 1 if a bug is not found.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Bug, bugs, ciSeeds, richSeeds } from "./planted/bugs.ts";

interface Found {
  readonly seed: number;
  readonly invariant: string;
  readonly detail: string;
  readonly atMinutes: number;
}

const { values } = parseArgs({
  options: {
    search: { type: "boolean", default: false },
    among: { type: "string" },
    only: { type: "string" },
  },
});

/** Reports, and the compiled sources: all runs load the same ones but for one file. */
const folder = mkdtempSync(join(tmpdir(), "planted-"));

/** One simulation with the bug in it; what it broke, or undefined if nothing. */
function simulateWith(bug: Bug, seed: number): Promise<Found | undefined> {
  const out = join(folder, `${bug.name.replaceAll(" ", "-")}.json`);
  const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
  const given = ["--seed", String(seed), "--hours", String(ciSeeds.hours), "--json", "--out", out];
  const child = spawn(process.execPath, ["--import", path("planted/load.ts"), path("sim.ts"), ...given], {
    env: { NODE_COMPILE_CACHE: join(folder, "compiled"), ...process.env, HOLDFAST_PLANTED: bug.name },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      texts[stream] += text;
    });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      const line = texts.stdout.split("\n").find((one) => one.startsWith("{"));
      if (line === undefined) return reject(new TypeError(`${bug.name}, seed ${seed}: ${texts.stderr}`));
      const { violation } = JSON.parse(line) as {
        readonly violation?: { readonly invariant: string; readonly detail: string; readonly atMs: number };
      };
      if (violation === undefined) return resolve(undefined);
      const { invariant, detail, atMs } = violation;
      resolve({ seed, invariant, detail, atMinutes: Math.round(atMs / 60_000) });
    });
  });
}

function seedsFor({ seed }: Bug): readonly number[] {
  if (values.among !== undefined) return values.among.split(",").map(Number);
  if (!values.search) return [...new Set([...(seed === undefined ? [] : [seed]), ...richSeeds])];
  return Array.from({ length: ciSeeds.count }, (_, index) => ciSeeds.from + index);
}

async function find(bug: Bug): Promise<Found | undefined> {
  for (const seed of seedsFor(bug)) {
    const found = await simulateWith(bug, seed);
    if (found !== undefined) return found;
  }
  return undefined;
}

const isWanted = ({ name, seed, behind }: Bug): boolean => {
  if (values.only !== undefined) return name === values.only;
  return values.search || values.among !== undefined ? behind === undefined : seed !== undefined;
};
const wanted = bugs.filter(isWanted);
if (wanted.length === 0) throw new TypeError(`there is no bug named ${values.only}`);
const queue = [...wanted];
let found = 0;
const work = async (): Promise<void> => {
  for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
    const result = await find(bug);
    if (result === undefined) {
      console.log(`MISSED ${bug.name}`);
      continue;
    }
    found += 1;
    const { seed, invariant, detail, atMinutes } = result;
    console.log(
      `found  ${bug.name}\n       seed ${seed}, minute ${atMinutes}: ${invariant}: ${detail.slice(0, 160)}`,
    );
  }
};
try {
  await Promise.all(Array.from({ length: availableParallelism() }, work));
} finally {
  rmSync(folder, { recursive: true });
}
console.log(`${found} of ${wanted.length} planted bugs found`);
if (found < wanted.length) process.exitCode = 1;
