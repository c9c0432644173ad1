/**
 * Walks the README's "Five-minute tour" as a newcomer would, or a section of another document that the command line
 * names (`docs/PINNING.md "Try it"`): every ```sh tour block of that section, in one bash, in an empty folder with an
 * empty home. Each block stays on its own lines, so a failure names the line of the document. Fails on any command that
 * fails, in the background too, and when the time is over; whatever still runs at the end is stopped.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const readmeTour = { document: "README.md", heading: "Five-minute tour" };
const defaultTimeoutMs = 600_000; // 10 minutes, twice what the heading promises
const stopGraceMs = 10_000;

export interface Tour {
  /** As many lines as the document up to the last block. */
  readonly script: string;
  readonly blocks: number;
}

/** The blocks marked `sh tour` between the heading and the next one of its level. */
export function tourOf(markdown: string, heading = readmeTour.heading): Tour {
  const script: string[] = [];
  let blocks = 0;
  let level = 0;
  let fence: string | undefined;
  let isTour = false;
  for (const line of markdown.split("\n")) {
    const mark = /^(`{3,}|~{3,})\s*(.*)$/.exec(line);
    let kept = "";
    if (fence !== undefined) {
      if (line.trim() === fence) fence = undefined;
      else if (isTour) kept = line;
    } else if (mark !== null) {
      fence = mark[1];
      isTour = level > 0 && /^(sh|bash) tour$/.test(mark[2]?.trim() ?? "");
      if (isTour) blocks++;
    } else {
      const title = /^(#+)\s+(.*?)\s*$/.exec(line);
      if (title !== null) level = nextLevel(level, title[1]?.length ?? 0, title[2] === heading);
    }
    script.push(kept);
  }
  return { script: script.join("\n").trimEnd(), blocks };
}

/** The level of the tour's heading while inside its section, else 0. */
function nextLevel(current: number, level: number, isTour: boolean): number {
  if (isTour) return level;
  return current > 0 && level > current ? current : 0;
}

/** Remembers every background command, since one that has ended by the end must have ended well. */
const runner = `
set -eEuTo pipefail
started=() last=
trap '[ "\${!-}" = "$last" ] || { last=$!; started+=("$last"); }' DEBUG
trap 'echo "tour: line $LINENO of $2 failed: $BASH_COMMAND" >&2' ERR
source "$1"
for job in \${started[@]+"\${started[@]}"}; do kill -0 "$job" 2>/dev/null || wait "$job"; done
`;

export interface TourOptions {
  /** What a failure names. */
  readonly document?: string;
  readonly timeoutMs?: number;
  /** Its programs come first on the path, and `npx` finds them. */
  readonly nodeModules: string;
  readonly output: "inherit" | "ignore";
}

/** True if every command ended well in time. */
export async function runTour(tour: Tour, options: TourOptions): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-tour-"));
  const home = join(folder, "home");
  const work = join(folder, "work");
  try {
    await mkdir(home);
    await mkdir(work);
    await symlink(options.nodeModules, join(folder, "node_modules"));
    await writeFile(join(folder, "tour.sh"), `${tour.script}\n`);
    const child = spawn("bash", ["-c", runner, "tour", join(folder, "tour.sh"), options.document ?? ""], {
      cwd: work,
      env: environment(home, join(options.nodeModules, ".bin")),
      stdio: ["ignore", options.output, options.output],
      detached: true,
    });
    return await ended(child, options.timeoutMs ?? defaultTimeoutMs);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function environment(home: string, programs: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(HOLDFAST_|npm_|XDG_|NODE_OPTIONS$)/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    PATH: `${programs}:${process.env.PATH ?? ""}`,
    CI: "true",
  };
}

async function ended(child: ChildProcess, timeoutMs: number): Promise<boolean> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    const [code] = await once(child, "exit", { signal: late.signal });
    return code === 0;
  } catch (error) {
    const cause = late.signal.aborted ? `not over after ${timeoutMs / 1000} s` : String(error);
    process.stderr.write(`tour: ${cause}\n`);
    return false;
  } finally {
    clearTimeout(timer);
    await stopGroup(child.pid);
  }
}

/** Asks the whole process group to stop, waits, and makes sure. */
async function stopGroup(group: number | undefined): Promise<void> {
  if (group === undefined || !signalGroup(group, "SIGTERM")) return;
  const untilMs = performance.now() + stopGraceMs;
  while (performance.now() < untilMs) {
    if (!signalGroup(group, 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  signalGroup(group, "SIGKILL");
}

/** False if nothing of the group is left. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

async function main([document = readmeTour.document, heading = readmeTour.heading]: readonly string[]) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const file = join(root, document);
  const tour = existsSync(file) ? tourOf(await readFile(file, "utf8"), heading) : { script: "", blocks: 0 };
  if (tour.blocks === 0) {
    console.error(`tour: ${document} has no \`\`\`sh tour blocks under "${heading}"`);
    return false;
  }
  const startedMs = performance.now();
  const nodeModules = join(root, "node_modules");
  const ok = await runTour(tour, { document, nodeModules, output: "inherit" });
  const tookS = Math.round((performance.now() - startedMs) / 1000);
  console.log(`tour of ${document}: ${tour.blocks} blocks ${ok ? "passed" : "FAILED"} in ${tookS} s`);
  return ok;
}

if (import.meta.main) process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
