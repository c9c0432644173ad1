/**
 * How much space sectors take. A sector is counted at its largest from the moment it opens: once a piece is
 * acknowledged, its seal must not fail for want of space. On the chain a sector shrinks to its replica, the
 * replica's tree, and the plain copy if that is kept.
 */
import { auxLengthOf, layerTreeLength, resolveClass, type SectorClass } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { SectorTotal, StorageReader } from "../store/index.ts";
import type { Core } from "./core.ts";
import { landedStates } from "./states.ts";

export interface StorageUsage {
  /** What all sectors may take at their largest. */
  readonly reservedBytes: number;
  /** The quota; undefined: the volume is the limit. */
  readonly maxBytes: number | undefined;
  readonly sectorCount: number;
}

/** A seal proof opens each node of the trees at most once; with many challenges it is far below that. */
const maxProofBytes = 64 * 2 ** 20;

/** Bytes of one sector at its largest (proving the seal), and what it needs for good. */
export function footprint(
  classes: readonly SectorClass[],
  sectorBytes: number,
  keepUnsealed: boolean,
): { peakBytes: number; restBytes: number } {
  const { profile } = resolveClass(classes, sectorBytes);
  const { userBytes } = profile;
  const sealedBytes = sectorBytes + layerTreeLength(profile);
  const auxBytes = auxLengthOf(profile);
  const proofBytes = Math.min(2 * auxBytes, maxProofBytes);
  return {
    peakBytes: userBytes + sealedBytes + auxBytes + proofBytes,
    restBytes: sealedBytes + (keepUnsealed ? userBytes : 0),
  };
}

export class Space {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  async usage(store: StorageReader = this.#core.store): Promise<StorageUsage> {
    const totals = (await store.totals()).filter((total) => total.state !== "removed");
    return {
      reservedBytes: totals.reduce((sum, total) => sum + this.#reservedFor(total), 0),
      maxBytes: this.#core.limits.maxBytes,
      sectorCount: totals.reduce((sum, total) => sum + total.sectorCount, 0),
    };
  }

  /** Throws storage/full when one more sector would pass the quota; in the transaction that opens it. */
  async checkQuota(tx: StorageReader, sectorBytes: number): Promise<void> {
    const { reservedBytes, maxBytes } = await this.usage(tx);
    if (maxBytes === undefined) return;
    const neededBytes = this.#footprint(sectorBytes).peakBytes;
    const availableBytes = Math.max(0, maxBytes - reservedBytes);
    if (neededBytes > availableBytes)
      throw storageErrors.full({ neededBytes, availableBytes, limit: "the quota" });
  }

  /** Throws storage/full when the volume has no space for one more sector. */
  async checkVolume(sectorBytes: number): Promise<void> {
    const availableBytes = await this.#core.disk.freeBytes();
    const neededBytes = this.#footprint(sectorBytes).peakBytes;
    if (neededBytes > availableBytes) {
      throw storageErrors.full({ neededBytes, availableBytes, limit: "the volume" });
    }
  }

  #footprint(sectorBytes: number): { peakBytes: number; restBytes: number } {
    return footprint(this.#core.classes, sectorBytes, this.#core.limits.keepUnsealed);
  }

  #reservedFor({ sectorBytes, state, sectorCount }: SectorTotal): number {
    const { peakBytes, restBytes } = this.#footprint(sectorBytes);
    return sectorCount * (landedStates.includes(state) ? restBytes : peakBytes);
  }
}
