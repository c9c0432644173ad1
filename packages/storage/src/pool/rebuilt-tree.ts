/**
 * Trees of replicas that are not kept: time for space. The leaves are the replica's own bytes; the rows above them, a
 * seventh of it, are hashed anew when a proof first asks for one of their nodes, and live in memory until another
 * sector's are asked for. Invariant: what comes out is byte for byte the file that would have been kept; the proof
 * checks it against commR like any other.
 */
import type { Cancel, Disk, DiskFile } from "@holdfast/base";
import { poseidonHasher, rowsLength, type SealSource, startRows } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";

/** Bytes read at once. */
const chunkBytes = 4 * 2 ** 20;
/** Of a sector: the replica and the rows above it, while they are hashed. */
export const rebuildShare = 8 / 7;

export interface Replica {
  readonly sectorId: number;
  readonly sectorBytes: number;
  readonly path: string;
}

/** Of one job: the rows of one sector at a time, the last that was asked for. */
export class RebuiltTrees {
  readonly #disk: Disk;
  readonly #cancel: Cancel | undefined;
  #last: { readonly path: string; readonly rows: Promise<Uint8Array> } | undefined;

  constructor(disk: Disk, cancel: Cancel | undefined) {
    this.#disk = disk;
    this.#cancel = cancel;
  }

  of(replica: Replica): RebuiltTree {
    return new RebuiltTree(replica, {
      disk: this.#disk,
      rows: () => this.#rowsOf(replica),
    });
  }

  async #rowsOf(replica: Replica): Promise<Uint8Array> {
    if (this.#last?.path !== replica.path) {
      this.#last = undefined; // what it held is free before the next is made
      this.#last = { path: replica.path, rows: this.#hash(replica) };
    }
    return await this.#last.rows;
  }

  async #hash({ sectorId, sectorBytes, path }: Replica): Promise<Uint8Array> {
    const leaves = new Uint8Array(sectorBytes);
    {
      await using file = await this.#disk.open(path, "read");
      for (let at = 0; at < sectorBytes; ) {
        this.#cancel?.throwIfAborted();
        const bytes = await file.readAt(at, Math.min(chunkBytes, sectorBytes - at));
        if (bytes.length === 0) throw cutOff(sectorId, at, sectorBytes);
        leaves.set(bytes, at);
        at += bytes.length;
      }
    }
    const rows = new Uint8Array(rowsLength(poseidonHasher, sectorBytes / 32));
    const pass = startRows(poseidonHasher, leaves, rows);
    try {
      while (pass.advance()) {
        await new Promise((resolve) => setImmediate(resolve)); // whoever calls it off is heard
        this.#cancel?.throwIfAborted();
      }
      pass.finish();
      return rows;
    } catch (error) {
      pass.stop();
      throw error;
    }
  }
}

export class RebuiltTree implements SealSource {
  readonly #replica: Replica;
  readonly #from: { readonly disk: Disk; readonly rows: () => Promise<Uint8Array> };
  /** What the last read has failed with. */
  failure: unknown;

  constructor(replica: Replica, from: { readonly disk: Disk; readonly rows: () => Promise<Uint8Array> }) {
    this.#replica = replica;
    this.#from = from;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const { path, sectorBytes } = this.#replica;
    try {
      const inLeaves = Math.max(0, Math.min(length, sectorBytes - offset));
      const bytes = new Uint8Array(length);
      if (inLeaves > 0) {
        await using file = await this.#from.disk.open(path, "read");
        bytes.set(await this.#leaves(file, offset, inLeaves));
      }
      if (inLeaves < length) {
        const rows = await this.#from.rows();
        const from = offset + inLeaves - sectorBytes;
        bytes.set(rows.subarray(from, from + length - inLeaves), inLeaves);
      }
      return bytes;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  async #leaves(file: DiskFile, offset: number, length: number): Promise<Uint8Array> {
    const bytes = await file.readAt(offset, length);
    if (bytes.length < length)
      throw cutOff(this.#replica.sectorId, offset + bytes.length, this.#replica.sectorBytes);
    return bytes;
  }
}

function cutOff(sectorId: number, at: number, sectorBytes: number) {
  return storageErrors.replicaCorrupt({
    sectorId,
    detail: `its replica ends at ${at}, not at ${sectorBytes}`,
  });
}
