/** The records of a miner's sectors move to another database, and the folder's configuration follows. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { createProver } from "@holdfast/proofs";
import { openStorage } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { storageDoorOf } from "../src/compose-volumes.ts";
import { recordsFile, recordsMover } from "../src/records.ts";
import { readConfig } from "../src/repo/index.ts";

const never = new AbortController().signal;
const all = { check: true, lacking: false };
const folder = mkdtempSync(join(tmpdir(), "holdfast-records-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("moving a miner's records", () => {
  it("writes the new place into the configuration, and nothing else of it", async () => {
    const path = join(folder, "config.toml");
    const before = '# mine\n[mining]\n# a note\nminer = ""\n\n[log]\nlevel = "warn" # quiet\n';
    writeFileSync(path, before);
    await using storage = await openStorage({
      ...{ disk: new SimDisk(), dbPath: recordsFile(folder), prover: createProver() },
      ...{ clock: new SimClock(), sectorBytes: 1024 },
    });
    await storage.addCommittedCapacity();
    const move = recordsMover(folder, storage);
    const there = join(folder, "elsewhere.db");
    expect(await move(there)).toMatchObject({ from: recordsFile(folder), place: there });
    expect(readConfig(readFileSync(path, "utf8"), path).mining.database).toBe(there);
    expect(await storage.listSectors()).toHaveLength(1);
    const [again, meanwhile] = await Promise.all([move(there), move(there)]);
    expect(again).toBe(meanwhile); // who asks for what is under way hears how it ends
    expect(again).toEqual({ from: there, place: there, rowCount: 0, passCount: 0, wasThere: true });
    const [moved, after] = await Promise.all([move(recordsFile(folder)), move(there)]);
    expect([moved.place, moved.wasThere, after.from, after.wasThere]).toEqual([
      ...[recordsFile(folder), false],
      ...[recordsFile(folder), false],
    ]);
    const { records, folder: parts } = await storageDoorOf(storage, folder)["storage.ls"](all, never);
    expect(records).toBe(there);
    expect(parts?.find(({ name }) => name === "storage.db")?.about).toBe(
      `left behind: its records are in ${there} now`,
    );
    await move("files");
    expect((await storageDoorOf(storage, folder)["storage.ls"](all, never)).records).toBe(
      recordsFile(folder),
    );
    expect(readConfig(readFileSync(path, "utf8"), path).mining.database).toBe("");
    expect(readFileSync(path, "utf8")).toBe(before.replace("[mining]\n", '[mining]\ndatabase = ""\n'));
    writeFileSync(path, '[log]\nlevel = "warn"\n');
    await move(there);
    expect(readConfig(readFileSync(path, "utf8"), path).mining.database).toBe(there);
  });
});
