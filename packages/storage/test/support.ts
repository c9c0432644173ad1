/** What the tests of storage share: pieces with known commitments, storages on every kind of disk. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Address, addressOf, type Disk } from "@holdfast/base";
import { SeededRandom, SimClock, SimDisk } from "@holdfast/base/testing";
import { commP, createProver } from "@holdfast/proofs";
import {
  type AuditedFile,
  type NewPiece,
  openStorage,
  type SealEvent,
  type SectorState,
  type Storage,
  type StorageOptions,
} from "@holdfast/storage";

export const sectorBytes = 1024;
export const networkId = new Uint8Array(32).fill(7);
export const miner: Address = addressOf(1, new Uint8Array(20).fill(9));
export const identity = { networkId, miner };

/** Randomness of the chain at an epoch. */
export function ticketAt(epoch: number): { epoch: number; bytes: Uint8Array } {
  return { epoch, bytes: new SeededRandom(`ticket ${epoch}`).bytes(32) };
}
export function seedAt(epoch: number): Uint8Array {
  return new SeededRandom(`seed ${epoch}`).bytes(32);
}

/** The bytes of a piece follow from its key. */
export function bytesOf(pieceKey: string, userBytes: number): Uint8Array {
  return new SeededRandom(`piece ${pieceKey}`).bytes(userBytes);
}
export function pieceOf(pieceKey: string, userBytes: number): NewPiece & { readonly bytes: Uint8Array } {
  const bytes = bytesOf(pieceKey, userBytes);
  const { commitment, paddedBytes } = commP(bytes);
  return { pieceKey, commP: commitment, paddedBytes, userBytes, source: chunked(bytes), bytes };
}

/** A stream in chunks of many sizes. */
export async function* chunked(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 1;
  for (let at = 0; at < bytes.length; at += size, size = (size * 3) % 200 || 1) {
    yield bytes.subarray(at, at + size);
  }
}

export async function readAll(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts).subarray();
}

/** File systems in memory: most tests cut the power of a simulated disk, so the real one need not sync. */
const memoryFolder = "/dev/shm";

/** A folder for databases and disks of one test file; removed at its end. */
export function scratch(place: "memory" | "disk" = "memory"): {
  readonly folder: string;
  remove(): void;
  next(): string;
} {
  const parent = place === "memory" && existsSync(memoryFolder) ? memoryFolder : tmpdir();
  const folder = mkdtempSync(path.join(parent, "holdfast-storage-"));
  let count = 0;
  return {
    folder,
    next: () => path.join(folder, `${count++}`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const prover = createProver();

export interface Fixture {
  readonly storage: Storage;
  readonly disk: SimDisk;
  readonly clock: SimClock;
  readonly dbPath: string;
}

/** A storage on a simulated disk with a metadata file of its own, or with those of an earlier one. */
export async function simStorage(
  dbPath: string,
  options: Partial<StorageOptions> & { readonly disk?: SimDisk; readonly clock?: SimClock } = {},
): Promise<Fixture> {
  const { disk = new SimDisk(), clock = new SimClock(), ...rest } = options;
  const storage = await openStorage({ disk, dbPath, prover, clock, sectorBytes, ...rest });
  return { storage, disk, clock, dbPath };
}

/** Waits until a sector is in one of the states, by the events alone. */
export async function reaches(
  storage: Storage,
  sectorId: number,
  ...states: SectorState[]
): Promise<SealEvent> {
  for await (const event of storage.events(0)) {
    if (event.sectorId !== sectorId || !states.includes(event.to)) continue;
    if ((await storage.getSector(sectorId)).state === event.to) return event;
  }
  return { cursor: -1, sectorId, from: null, to: "removed", reason: "the storage was closed", atMs: 0 };
}

/** Takes a closed sector to `sealed`, `proved` or `committed`. */
export async function sealTo(
  storage: Storage,
  sectorId: number,
  goal: "sealed" | "proved" | "committed",
): Promise<void> {
  await storage.startSeal(sectorId, ticketAt(5), identity);
  await reaches(storage, sectorId, "sealed", "failed");
  if (goal === "sealed") return;
  await storage.proveSeal(sectorId, seedAt(9));
  await reaches(storage, sectorId, "proved", "failed");
  if (goal === "committed") await storage.confirmCommitted(sectorId);
}

/** A storage with so many sectors on the chain, each with one piece: `p1` in sector 1, and so on. */
export async function committedStorage(folder: string, count: number): Promise<Fixture> {
  const fixture = await simStorage(folder);
  for (let i = 1; i <= count; i++) {
    await fixture.storage.addPiece(pieceOf(`p${i}`, 900));
    await sealTo(fixture.storage, i, "committed");
  }
  return fixture;
}

/** All files of a disk below the storage's folders, sorted. */
export async function filesOn(disk: Disk): Promise<string[]> {
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const name of await disk.list(folder)) {
      const below = folder === "" ? name : `${folder}/${name}`;
      if ((await disk.sizeBytes(below)) === undefined) await walk(below);
      else found.push(below);
    }
  };
  await walk("");
  return found.sort();
}

/** All files of a storage with their owners. */
export async function allFiles(storage: Storage): Promise<AuditedFile[]> {
  const found: AuditedFile[] = [];
  for await (const file of storage.files()) found.push(file);
  return found;
}
