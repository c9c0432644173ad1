/**
 * `proof seal` killed without warning, when its replica gets a place, when all of that is written, and when the proof
 * has its name and the replica has not: what has a name is whole, and the next start leaves nothing of those before.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, statSync, watch } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const launcher = fileURLToPath(new URL("../packages/cli/bin/holdfast.js", import.meta.url));
const sectorBytes = 65_536;

let folder = "";
let whole: { readonly replica: string; readonly proof: string };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-seal-kill-"));
  await writeFile(join(folder, "data"), new Uint8Array(60_000).fill(7));
  const place = await placeOf("whole");
  expect(await seal(place, () => false)).toBe(0);
  whole = { replica: await digestOf(place.replica), proof: await digestOf(place.proof) };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Place {
  readonly folder: string;
  readonly replica: string;
  readonly proof: string;
}

async function placeOf(name: string): Promise<Place> {
  const own = join(folder, name);
  await mkdir(own);
  return { folder: own, replica: join(own, "replica"), proof: join(own, "proof") };
}

const digestOf = async (path: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

/** Seals in a process of its own, which is killed as soon as `isTime`; its exit code, null if it was killed. */
async function seal(place: Place, isTime: (pid: number) => boolean): Promise<number | null> {
  const ids = { "prover-id": `00000${"1".repeat(39)}`, "sector-id": "3", seed: "09".repeat(32) };
  const files = { data: join(folder, "data"), "out-replica": place.replica, out: place.proof };
  const options = { kind: "zigzag", "sector-bytes": String(sectorBytes), ...ids, ...files };
  const argv = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(process.execPath, [launcher, "proof", "seal", ...argv, "--force", "--json"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const watcher = watch(place.folder, () => {
    if (child.pid !== undefined && isTime(child.pid)) child.kill("SIGKILL");
  });
  const [code] = await once(child, "exit");
  watcher.close();
  return code;
}

const partOf = ({ replica }: Place, pid: number): string => `${replica}.${pid}.part`;
const hasPlace = (place: Place) => (pid: number) => existsSync(partOf(place, pid));
const isWritten = (place: Place) => (pid: number) =>
  statSync(partOf(place, pid), { throwIfNoEntry: false })?.size === sectorBytes;
const isProven = (place: Place) => () => existsSync(place.proof);

describe("a seal that is killed", () => {
  it("leaves whole files or none, and nothing that the next one does not take away", async () => {
    const place = await placeOf("killed");
    const moments = [hasPlace(place), isWritten(place), isProven(place)];
    for (const moment of moments) {
      const code = await seal(place, moment);
      if (moment === moments[0]) expect(code).toBe(null);
      if (existsSync(place.replica)) expect(await digestOf(place.replica)).toBe(whole.replica);
      if (existsSync(place.proof)) expect(await digestOf(place.proof)).toBe(whole.proof);
      const left = (await readdir(place.folder)).filter((name) => name.endsWith(".part"));
      expect(left.length).toBeLessThanOrEqual(1);
    }
    expect(await seal(place, () => false)).toBe(0);
    expect(await digestOf(place.replica)).toBe(whole.replica);
    expect(await digestOf(place.proof)).toBe(whole.proof);
    expect((await readdir(place.folder)).toSorted()).toEqual(["proof", "replica"]);
  });
});
