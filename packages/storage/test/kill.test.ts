/**
 * kill -9, for real: a process on a real disk with a real database is killed again and again, at an operation
 * of the disk that the seed draws or at a moment that it draws, and started again until its work is done.
 * Every piece that it has acknowledged must be there, in every life and at the end; no sector may be lost and
 * nothing left over.
 */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { equalBytes } from "@holdfast/base";
import { SeededRandom, SimClock } from "@holdfast/base/testing";
import { markerFile, openNodeDisk, openStorage, type Storage } from "@holdfast/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allFiles, filesOn, pieceOf, prover, readAll, scratch, sectorBytes } from "./support.ts";
import { type PieceSpec, pieceSpecs } from "./workers/drive.ts";

const files = scratch("disk");
afterAll(() => files.remove());

/** Each seed is a whole life with this many kills; a failure names its seed. */
const lives = [
  { seed: "kill-1", kills: 9, mode: "inline" },
  { seed: "kill-2", kills: 8, mode: "inline" },
  { seed: "kill-3", kills: 4, mode: "pool" },
] as const;

/** The operation of the disk that kills is drawn up to this one, since the start or since the work began. */
const lastOperation = 55;
/** Milliseconds from the start of a process to the kill, at most. */
const longestLifeMs = 600;
/** Compiled once, by a first process without work: a start then takes a third of the time. */
const env = { ...process.env, NODE_COMPILE_CACHE: files.next() };

const victim = new URL("./workers/victim.ts", import.meta.url).pathname;

interface Death {
  readonly done: boolean;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** Runs the victim until it is killed or done. `killAfterMs` counts from its first output or its start. */
async function live(args: readonly string[], killAfterMs: number | undefined): Promise<Death> {
  const child = spawn(process.execPath, [victim, ...args], { stdio: ["ignore", "pipe", "pipe"], env });
  let output = "";
  let errors = "";
  child.stdout.on("data", (bytes: Buffer) => {
    output += bytes.toString();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    errors += bytes.toString();
  });
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on("close", (code) => resolve(code));
  const code = await promise;
  clearTimeout(timer);
  const lines = output.split("\n").filter((line) => line !== "");
  return { done: code === 0 && lines.includes("done"), lines, errors: code === null ? "" : errors };
}

async function checkEnd(storage: Storage, specs: readonly PieceSpec[]): Promise<void> {
  for (const { pieceKey, userBytes } of specs) {
    const { bytes } = pieceOf(pieceKey, userBytes);
    expect(equalBytes(await readAll(storage.readPiece(pieceKey)), bytes), pieceKey).toBe(true);
    expect(equalBytes(await storage.readPieceFromSealedSector(pieceKey), bytes), pieceKey).toBe(true);
  }
  const sectors = await storage.listSectors();
  expect(new Set(sectors.map((sector) => sector.state))).toEqual(new Set(["committed"]));
  expect(sectors.reduce((sum, sector) => sum + sector.pieceCount, 0)).toBe(specs.length);
}

beforeAll(async () => {
  const folder = files.next();
  mkdirSync(folder);
  expect((await live([folder, "first", "0", "inline", "0"], undefined)).done).toBe(true);
});

describe("a process that is killed at random points", () => {
  it.each(lives)("and started until it is done has lost nothing ($seed, $mode)", async (life) => {
    const { seed, kills, mode } = life;
    const random = new SeededRandom(seed);
    const folder = files.next();
    mkdirSync(folder);
    const acknowledged = new Set<string>();
    let pieces = 3;
    for (let killed = 0, done = false; killed < kills || !done; ) {
      const byOperation = killed < kills && random.chance(0.7);
      const since = random.chance(0.3) ? "" : "+";
      const fatal = byOperation ? `${random.between(1, lastOperation)}${since}` : "0";
      const killAfterMs = killed < kills && !byOperation ? random.between(60, longestLifeMs) : undefined;
      const args = [folder, seed, `${pieces}`, mode, fatal, ...acknowledged];
      const where = `seed ${seed}, kill ${killed}, fatal operation ${fatal}, killed after ${killAfterMs} ms`;
      const death = await live(args, killAfterMs);
      expect(death.errors, where).toBe("");
      for (const line of death.lines) {
        const [word = "", key = ""] = line.split(" ");
        expect(["kept", "done"], `${where}: ${line}`).toContain(word);
        if (word === "kept") acknowledged.add(key);
      }
      done = death.done;
      if (!done) killed++;
      else if (killed < kills) pieces += 2; // too quick for the kill: more work
    }
    const specs = pieceSpecs(seed, pieces, 1016);
    expect([...acknowledged].sort()).toEqual(specs.map((spec) => spec.pieceKey).sort());
    const disk = openNodeDisk(path.join(folder, "sectors"));
    const dbPath = path.join(folder, "storage.db");
    await using storage = await openStorage({ disk, dbPath, prover, clock: new SimClock(), sectorBytes });
    await checkEnd(storage, specs);
    const audit = await storage.audit();
    expect({ orphans: audit.orphans, missing: audit.missing }).toEqual({ orphans: [], missing: [] });
    const known = (await allFiles(storage)).map((file) => file.path);
    expect([...known, markerFile].sort()).toEqual(await filesOn(disk));
  });

  it("canary: is caught when it acknowledges too early", async () => {
    const folder = files.next();
    mkdirSync(folder);
    const first = await live([folder, "liar", "3", "liar", "3+"], undefined);
    expect(first.done).toBe(false);
    const acknowledged = first.lines.map((line) => line.replace("kept ", ""));
    const second = await live([folder, "liar", "3", "inline", "0", ...acknowledged], undefined);
    expect(second.lines.filter((line) => line.startsWith("lost "))).not.toEqual([]);
  });
});
