/**
 * Type-checks every package by its own tsconfig (the pure ones without any ambient globals) and then tests,
 * tools and benchmarks by the root one. Prints the compiler's findings and one summary line per project.
 * Invariant: a package with sources and no tsconfig.json is a finding, so that nothing goes unchecked.
 */
import { spawn } from "node:child_process";
import { existsSync, globSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
/** The compiler is parallel inside; two at once hide its start-up without crowding a small machine. */
const parallelProjects = 2;

interface Outcome {
  readonly project: string;
  readonly ok: boolean;
  readonly text: string;
  readonly tookMs: number;
}

function hasSources(folder: string): boolean {
  return globSync("src/**/*.{ts,tsx}", { cwd: folder }).length > 0;
}

function projects(): string[] {
  const packages = readdirSync(join(root, "packages"))
    .sort()
    .map((name) => `packages/${name}`)
    .filter((folder) => hasSources(join(root, folder)));
  // A folder of a package with a tsconfig.json of its own runs elsewhere than the package: kernels, on Node.
  const folders = globSync("packages/*/*/tsconfig.json", { cwd: root, exclude: ["**/node_modules"] }).map(
    dirname,
  );
  return [...packages, ...folders, "."];
}

async function check(project: string): Promise<Outcome> {
  const startedMs = performance.now();
  const done = (ok: boolean, text: string): Outcome => ({
    project,
    ok,
    text,
    tookMs: Math.round(performance.now() - startedMs),
  });
  if (!existsSync(join(root, project, "tsconfig.json"))) {
    return done(false, `${project}: no tsconfig.json, so nothing checks it; copy a sister's.\n`);
  }
  return await new Promise((resolve) => {
    const child = spawn(process.execPath, [tsc, "-p", project, "--pretty", "false"], { cwd: root });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    child.stderr.on("data", (chunk) => (text += chunk));
    child.on("error", (error) => resolve(done(false, `${error.message}\n`)));
    child.on("close", (code) => resolve(done(code === 0, text)));
  });
}

const queue = projects();
const outcomes: Outcome[] = [];
async function worker(): Promise<void> {
  for (let project = queue.shift(); project !== undefined; project = queue.shift()) {
    outcomes.push(await check(project));
  }
}
await Promise.all(Array.from({ length: parallelProjects }, worker));

for (const { text } of outcomes) process.stdout.write(text);
for (const { project, ok, text, tookMs } of outcomes) {
  const errors = text.match(/error TS\d+/g)?.length ?? 1;
  console.log(`${ok ? "ok  " : "FAIL"} ${project} ${ok ? "" : `${errors} errors `}(${tookMs} ms)`);
}
const failed = outcomes.filter(({ ok }) => !ok).length;
console.log(`typecheck: ${outcomes.length - failed} projects clean, ${failed} with errors`);
process.exitCode = failed === 0 ? 0 : 1;
