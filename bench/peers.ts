/**
 * Programs in other languages that do the same work as our kernels (`bench/peers/rust`, `bench/peers/go`): built by
 * `--peers` where their compilers are, with the versions that their lockfiles pin, and run beside ours. Each prints
 * one line of JSON for each work: `{"work", "name", "value", "spread"}`, units a second of processor time of one
 * thread. Nothing of the product needs them.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "@holdfast/base";
import { z } from "zod";

const line = z.object({
  work: z.string(),
  name: z.string(),
  value: z.number(),
  spread: z.number().optional(),
});

export interface ForeignRate {
  readonly name: string;
  readonly value: number;
  readonly spread?: number;
}

/** By the name of the work. */
export type ForeignRates = ReadonlyMap<string, readonly ForeignRate[]>;

interface PeerProgram {
  readonly language: string;
  readonly folder: string;
  readonly compiler: string;
  readonly build: readonly string[];
  readonly binary: string;
}

/**
 * A stock Kubo, built from its module with the versions that `bench/peers/kubo` pins: a peer of the benchmark of files
 * and of the tests beside it. Where the program is, or why it is not there.
 */
export function kuboProgram(): { readonly path: string } | { readonly problem: string } {
  const named = process.env.HOLDFAST_KUBO;
  if (named !== undefined) return { path: named };
  const folder = folderOf("kubo");
  const path = join(folder, "target/ipfs");
  if (existsSync(path)) return { path };
  const args = ["build", "-mod=readonly", "-o", "target/ipfs", "github.com/ipfs/kubo/cmd/ipfs"];
  const done = spawnSync("go", args, { cwd: folder, encoding: "utf8" });
  if (done.error !== undefined) return { problem: "there is no go here" };
  if (done.status !== 0) return { problem: done.stderr.trim().split("\n").slice(-3).join(" ") };
  return { path };
}

const folderOf = (name: string): string => fileURLToPath(new URL(`./peers/${name}`, import.meta.url));

const programs: readonly PeerProgram[] = [
  {
    language: "Rust",
    folder: folderOf("rust"),
    compiler: "cargo",
    build: ["build", "--release", "--locked", "--quiet"],
    binary: "target/release/holdfast-peers",
  },
  {
    language: "Go",
    folder: folderOf("go"),
    compiler: "go",
    build: ["build", "-mod=readonly", "-o", "target/holdfast-peers"],
    binary: "target/holdfast-peers",
  },
];

/** Why the program is not there; undefined if it is. */
function build({ folder, compiler, build: args, binary }: PeerProgram): string | undefined {
  if (!existsSync(folder)) return "its sources are not here";
  const done = spawnSync(compiler, args, { cwd: folder, encoding: "utf8" });
  if (done.error !== undefined) return `there is no ${compiler} here`;
  if (done.status !== 0) return done.stderr.trim().split("\n").slice(-3).join(" ");
  return existsSync(join(folder, binary)) ? undefined : `${compiler} made no ${binary}`;
}

async function outputOf(path: string, args: readonly string[]): Promise<string> {
  const child = spawn(path, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  const ended = once(child, "close");
  for await (const part of child.stdout) text += String(part);
  const [code] = await ended;
  assert(code === 0, `${path} ended with ${code}`);
  return text;
}

function read(text: string, into: Map<string, ForeignRate[]>): void {
  for (const one of text.split("\n")) {
    if (one.trim() === "") continue;
    const { work, name, value, spread } = line.parse(JSON.parse(one));
    into.set(work, [...(into.get(work) ?? []), { name, value, ...(spread === undefined ? {} : { spread }) }]);
  }
}

export interface ForeignOptions {
  /** Default: all. */
  readonly languages?: readonly string[];
  readonly args?: readonly string[];
}

/** What the peers do in a second, of the works whose name begins so. A peer that is missing is named, and left out. */
export async function foreignRates(
  kind: string,
  say: (text: string) => void,
  { languages, args = [] }: ForeignOptions = {},
): Promise<ForeignRates> {
  const rates = new Map<string, ForeignRate[]>();
  for (const program of programs) {
    if (languages?.includes(program.language) === false) continue;
    say(`peers in ${program.language}: building`);
    const missing = build(program);
    if (missing !== undefined) {
      say(`no peers in ${program.language}: ${missing}`);
      continue;
    }
    say(`peers in ${program.language}: measuring`);
    try {
      read(await outputOf(join(program.folder, program.binary), [kind, ...args]), rates);
    } catch (error) {
      say(`peers in ${program.language} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return rates;
}
