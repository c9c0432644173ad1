/**
 * The process that the kill test kills: opens the storage of a folder, checks every piece that was ever
 * acknowledged, and works until all pieces are committed. It tells on its standard output, with writes that
 * do not wait: "kept <key>" before anything else happens after an acknowledgement.
 * Arguments: folder, seed, number of pieces, mode ("inline", "pool", or "liar": acknowledges too early), n,
 * and the acknowledged keys. At its n-th operation on the disk since its start it kills itself, with the
 * operation already on its way; at the n-th since it began to work for "n+"; 0 never.
 */
import { writeSync } from "node:fs";
import path from "node:path";
import type { Disk, DiskFile } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { createSealingPool, openNodeDisk, openStorage } from "@holdfast/storage";
import { prover, sectorBytes } from "../support.ts";
import { drive, pieceSpecs } from "./drive.ts";

const [folder = "", seed = "", count = "0", mode = "inline", fatal = "0"] = process.argv.slice(2);
const acknowledged = process.argv.slice(7);

const tell = (line: string): void => void writeSync(1, `${line}\n`);

let left = fatal.endsWith("+") ? 0 : Number(fatal);
async function mortal<T>(operation: Promise<T>): Promise<T> {
  if (--left === 0) process.kill(process.pid, "SIGKILL");
  return await operation;
}
const mortalFile = (file: DiskFile): DiskFile => ({
  readAt: (offset, length) => mortal(file.readAt(offset, length)),
  writeAt: (offset, bytes) => mortal(file.writeAt(offset, bytes)),
  sizeBytes: () => mortal(file.sizeBytes()),
  truncate: (length) => mortal(file.truncate(length)),
  sync: () => mortal(file.sync()),
  [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
});
function mortalDisk(disk: Disk): Disk {
  return {
    readFile: (name) => mortal(disk.readFile(name)),
    writeFile: (name, bytes) => mortal(disk.writeFile(name, bytes)),
    open: async (name, how) => mortalFile(await mortal(disk.open(name, how))),
    list: (name) => mortal(disk.list(name)),
    remove: (name) => mortal(disk.remove(name)),
    rename: (from, to) => mortal(disk.rename(from, to)),
    sizeBytes: (name) => mortal(disk.sizeBytes(name)),
    freeBytes: () => mortal(disk.freeBytes()),
    nativePath: (name) => disk.nativePath(name),
  };
}

const pool = mode === "pool" ? createSealingPool({ threads: 1 }) : undefined;
const storage = await openStorage({
  disk: mortalDisk(openNodeDisk(path.join(folder, "sectors"))),
  dbPath: path.join(folder, "storage.db"),
  prover: pool ?? prover,
  clock: new SimClock(),
  sectorBytes,
});
for (const pieceKey of acknowledged) {
  if ((await storage.getPiece(pieceKey)) === undefined) tell(`lost ${pieceKey}`);
  else if (!(await storage.verifyPiece(pieceKey)).intact) tell(`rotten ${pieceKey}`);
}
for (const { path: name } of (await storage.audit()).missing) tell(`missing ${name}`);
const specs = pieceSpecs(seed, Number(count), 1016);
const known = new Set(acknowledged);
if (mode === "liar") for (const { pieceKey } of specs) tell(`kept ${pieceKey}`);
if (fatal.endsWith("+")) left = Number.parseInt(fatal, 10);
await drive(storage, specs, (pieceKey) => {
  if (!known.has(pieceKey)) tell(`kept ${pieceKey}`);
  known.add(pieceKey);
});
await storage.close();
await pool?.[Symbol.asyncDispose]();
tell("done");
