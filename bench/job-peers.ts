/**
 * Queues of others on PostgreSQL beside ours: installed by npm into a folder of their own, with the versions that
 * `bench/peers/jobs` pins, when a benchmark wants peers. The product needs none of them.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { z } from "zod";
import type { Figure } from "./figure.ts";

const peers = ["pg-boss", "graphile-worker"] as const;
/** Who works, and how many jobs each takes at once. */
export interface ClaimedWork {
  readonly workers: number;
  readonly together: number;
}

export function claimedWorkName({ workers, together }: ClaimedWork): string {
  const who = workers === 1 ? "one worker" : `${workers} workers`;
  return `jobs claimed and done by ${who}${together === 1 ? "" : `, ${together} at a time`}`;
}

const answer = z.object({ done: z.number(), value: z.number() });

/** Where they are; undefined if they cannot be had. */
function program(say: (text: string) => void): string | undefined {
  const folder = fileURLToPath(new URL("./peers/jobs", import.meta.url));
  const target = join(folder, "target");
  try {
    mkdirSync(target, { recursive: true });
    for (const file of ["package.json", "run.mjs"]) cpSync(join(folder, file), join(target, file));
    if (!existsSync(join(target, "node_modules/pg-boss"))) {
      const options = ["--no-audit", "--no-fund", "--silent", "--ignore-scripts"];
      execFileSync("npm", ["install", ...options], { cwd: target });
    }
    return join(target, "run.mjs");
  } catch (error) {
    say(`other queues are left out: ${String(error).split("\n")[0]}`);
    return undefined;
  }
}

/** Jobs that each of them claims and does in a second of the clock; what fails is named and left out. */
export async function jobPeers(
  url: string,
  {
    work,
    jobs,
    say,
  }: { readonly work: ClaimedWork; readonly jobs: number; readonly say: (text: string) => void },
): Promise<Figure[]> {
  const path = program(say);
  if (path === undefined) return [];
  const figures: Figure[] = [];
  const { workers, together } = work;
  for (const peer of peers) {
    if (together > 1 && peer === "graphile-worker") continue; // it takes one at a time
    const schema = `peer_${peer.replace("-", "_")}_${process.pid}_${workers}_${together}`;
    try {
      const args = [path, peer, url, schema, `${workers}`, `${together}`, `${jobs}`];
      const said = execFileSync(process.execPath, args, { encoding: "utf8", timeout: 300_000 });
      const { done, value } = answer.parse(JSON.parse(said.trim().split("\n").at(-1) ?? ""));
      figures.push({
        name: claimedWorkName(work),
        by: peer,
        value,
        unit: "/s",
        note: `${done} of ${jobs} jobs`,
      });
    } catch (error) {
      say(`${peer} is left out: ${String(error).split("\n")[0]}`);
    }
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await client.end();
  }
  return figures;
}
