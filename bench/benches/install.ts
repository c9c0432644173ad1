/** What installing costs: a clean clone of the last commit, `npm ci` from npm's cache or the registry. */
import { execFileSync } from "node:child_process";
import { globSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench } from "../figure.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

function installedBytes(folder: string): number {
  return globSync("node_modules/**", { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

export const installBench: Bench = {
  name: "install",
  about: "a clean clone and `npm ci`",
  onlyIfNamed: true,
  async run({ say }) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-install-"));
    await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
    say("cloning");
    execFileSync("git", ["clone", "--quiet", "--depth", "1", `file://${root}`, folder]);
    say("installing");
    const startedMs = performance.now();
    execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--silent"], { cwd: folder, stdio: "inherit" });
    return [
      { name: "npm ci", value: (performance.now() - startedMs) / 1000, unit: "s", target: 60 },
      { name: "node_modules", value: installedBytes(folder) / 1e6, unit: "MB" },
    ];
  },
};
