/**
 * How much space sectors take, and where. A sector is counted at its largest from the moment it opens: once a piece is
 * acknowledged, its seal must not fail for want of space. On the chain a sector shrinks to its replica, the
 * replica's tree, and the plain copy if that is kept.
 */
import { HoldfastError } from "@holdfast/base";
import { auxLengthOf, layerTreeLength, resolveClass, type SectorClass } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { SectorPlace, SectorRow, StorageReader, StorageWriter, VolumeRow } from "../store/index.ts";
import {
  chooseVolume,
  homeVolumeId,
  roomBytes,
  type VolumeRole,
  type VolumeRoom,
  volumeErrors,
} from "../volumes/index.ts";
import type { Core } from "./core.ts";
import { fileName } from "./files.ts";
import type { SizeCounts } from "./packing.ts";

export interface StorageUsage {
  /** What all sectors may take at their largest. */
  readonly reservedBytes: number;
  /** The quota of the storage's own folder; undefined: its disk is the limit. */
  readonly maxBytes: number | undefined;
  readonly sectorCount: number;
}

/** A seal proof opens each node of the trees at most once; with many challenges it is far below that. */
const maxProofBytes = 64 * 2 ** 20;

/** What else runs in this thread has its turn after so many that were looked at. */
const sectorsInATurn = 256;

/** What the files of a sector take. */
export interface Footprint {
  readonly plainBytes: number;
  /** Replica and tree. */
  readonly sealedBytes: number;
  /** What only a seal and its proof need. */
  readonly scratchBytes: number;
  /** At its largest (proving the seal), and for good. */
  readonly peakBytes: number;
  readonly restBytes: number;
}

export function footprint(
  classes: readonly SectorClass[],
  sectorBytes: number,
  keepUnsealed: boolean,
  keepTrees = true,
): Footprint {
  const { profile } = resolveClass(classes, sectorBytes);
  const { userBytes: plainBytes } = profile;
  const sealedBytes = sectorBytes + layerTreeLength(profile);
  const auxBytes = auxLengthOf(profile);
  const scratchBytes = auxBytes + Math.min(2 * auxBytes, maxProofBytes);
  return {
    plainBytes,
    sealedBytes,
    scratchBytes,
    peakBytes: plainBytes + sealedBytes + scratchBytes,
    restBytes: (keepTrees ? sealedBytes : sectorBytes) + (keepUnsealed ? plainBytes : 0),
  };
}

/** The volumes when these are promised besides. */
function withPromises<Room extends VolumeRoom>(
  rooms: readonly Room[],
  promises: readonly { readonly volumeId: number; readonly bytes: number }[],
): readonly Room[] {
  return rooms.map((room) => {
    const own = promises.filter(({ volumeId }) => volumeId === room.volumeId);
    return { ...room, reservedBytes: own.reduce((sum, { bytes }) => sum + bytes, room.reservedBytes) };
  });
}

export class Space {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  async usage(store: StorageReader = this.#core.store): Promise<StorageUsage> {
    const totals = (await store.totals()).filter((total) => total.state !== "removed");
    return {
      reservedBytes: (await store.volumes.all()).reduce((sum, volume) => sum + volume.reservedBytes, 0),
      maxBytes: this.#core.limits.maxBytes,
      sectorCount: totals.reduce((sum, total) => sum + total.sectorCount, 0),
    };
  }

  /** Why no more sector of the usual size may be opened, if so; its disks are not looked at. */
  async refusal(): Promise<HoldfastError | undefined> {
    const { store, limits } = this.#core;
    const one = { sectorBytes: limits.sectorBytes, state: "staging", sectorCount: 1 } as const;
    try {
      limits.checkSectors?.([...(await store.totals()), one]);
      return undefined;
    } catch (error) {
      if (error instanceof HoldfastError) return error;
      throw error;
    }
  }

  /**
   * Why no volumes have room for so many more sectors of these sizes, each at its largest; undefined: they have. What
   * idle space takes is counted as free, since it makes way. Nothing is promised, and no disk is looked at: strangers
   * may ask this as often as they like, and a look at a bucket is a request.
   */
  async refusalOf(sizes: SizeCounts): Promise<HoldfastError | undefined> {
    const { store, volumes } = this.#core;
    const tenants = await store.volumes.tenants();
    let rooms: readonly (VolumeRow & VolumeRoom)[] = (await volumes.rooms(store)).map((room) => {
      const { usedBytes, reservedBytes } = tenants.get(room.volumeId) ?? { usedBytes: 0, reservedBytes: 0 };
      return {
        ...room,
        usedBytes: room.usedBytes - usedBytes,
        reservedBytes: room.reservedBytes - reservedBytes,
        freeBytes: room.freeBytes + usedBytes,
      };
    });
    try {
      for (const [sectorBytes, count] of sizes) {
        for (let opened = 1; opened <= count; opened += 1) {
          const { stage, seal, store: stays } = this.#chooseIn(rooms, sectorBytes);
          rooms = withPromises(rooms, [stage, seal, stays]);
          if (opened % sectorsInATurn === 0) await new Promise((later) => setImmediate(later));
        }
      }
      return undefined;
    } catch (error) {
      if (error instanceof HoldfastError) return error;
      throw error;
    }
  }

  /** Looks at the disks, for the transaction that follows. */
  async look(): Promise<void> {
    await this.#core.volumes.look();
  }

  /**
   * Where the files of one more sector go: what it needs there is promised to it. In the transaction that opens it.
   * Throws storage/full, storage/no-volume, and what `checkSectors` throws.
   */
  async place(tx: StorageWriter, sectorId: number, sectorBytes: number): Promise<SectorPlace> {
    this.#core.limits.checkSectors?.(await tx.totals());
    const place = await this.#choose(tx, sectorId, sectorBytes);
    await tx.volumes.setPlace(place);
    return place;
  }

  /** As `place`, with the file that its pieces go to. */
  async placeStaged(tx: StorageWriter, sectorId: number, sectorBytes: number): Promise<void> {
    const { stage } = await this.place(tx, sectorId, sectorBytes);
    const path = fileName({ sectorId, attempt: 0 }, "staged", this.#core.store.generation);
    await tx.volumes.putFile({ sectorId, role: "staged", volumeId: stage.volumeId, path, sizeBytes: 0 });
  }

  /** Another place for a sector that begins a seal, if where it was to go cannot be used now. Its pieces stay. */
  async placeAnew(tx: StorageWriter, { sectorId, sectorBytes }: SectorRow): Promise<void> {
    const place = await tx.volumes.placeOf(sectorId);
    if (place === undefined) return;
    await tx.volumes.dropPlace(sectorId);
    const rooms = await this.#core.volumes.rooms(tx);
    const files = [...(await tx.volumes.filesOf(sectorId)).values()];
    const isUsable = (volumeId: number) => {
      const room = rooms.find((one) => one.volumeId === volumeId);
      if (room === undefined || !room.isWritable || room.mode !== "open") return false;
      const shares = [place.stage, place.seal, place.store].filter((share) => share.volumeId === volumeId);
      const neededBytes = shares.reduce((sum, share) => sum + share.bytes, 0);
      const there = files.filter((file) => file.volumeId === volumeId);
      return roomBytes(room) >= neededBytes - there.reduce((sum, file) => sum + file.sizeBytes, 0);
    };
    if (isUsable(place.seal.volumeId) && isUsable(place.store.volumeId))
      return await tx.volumes.setPlace(place);
    await tx.volumes.setPlace({
      ...(await this.#chooseOr(tx, sectorId, sectorBytes, place)),
      stage: place.stage,
    });
  }

  /** With no better place it stays where it is: its seal then says what is in the way. */
  async #chooseOr(
    tx: StorageReader,
    sectorId: number,
    sectorBytes: number,
    place: SectorPlace,
  ): Promise<SectorPlace> {
    try {
      return await this.#choose(tx, sectorId, sectorBytes);
    } catch (error) {
      if (error instanceof HoldfastError) return place;
      throw error;
    }
  }

  /** What a sector on the chain takes. */
  async settlePlace(tx: StorageWriter, sectorId: number, sectorBytes: number): Promise<void> {
    const place = await tx.volumes.placeOf(sectorId);
    if (place === undefined) return;
    const { restBytes } = this.#footprint(sectorBytes);
    const { volumeId } = place.store;
    const none = { volumeId, bytes: 0 };
    await tx.volumes.setPlace({ sectorId, stage: none, seal: none, store: { volumeId, bytes: restBytes } });
  }

  /** A sector that arrived whole in the storage's own folder. */
  async placeAtHome(tx: StorageWriter, sectorId: number, sectorBytes: number): Promise<void> {
    const none = { volumeId: homeVolumeId, bytes: 0 };
    const { restBytes } = this.#footprint(sectorBytes);
    const store = { volumeId: homeVolumeId, bytes: restBytes };
    await tx.volumes.setPlace({ sectorId, stage: none, seal: none, store });
  }

  async #choose(tx: StorageReader, sectorId: number, sectorBytes: number): Promise<SectorPlace> {
    return { sectorId, ...this.#chooseIn(await this.#core.volumes.rooms(tx), sectorBytes) };
  }

  #chooseIn(
    rooms: readonly (VolumeRoom & Pick<VolumeRow, "place">)[],
    sectorBytes: number,
  ): Omit<SectorPlace, "sectorId"> {
    const { plainBytes, sealedBytes, scratchBytes, restBytes } = this.#footprint(sectorBytes);
    const seal = this.#find(rooms, "seal", plainBytes + scratchBytes + sealedBytes); // moved when they are whole
    const isFolder = rooms.some(({ volumeId, place }) => volumeId === seal && place.kind === "folder");
    const stage = isFolder ? seal : homeVolumeId;
    const left = withPromises(rooms, [
      { volumeId: seal, bytes: scratchBytes },
      { volumeId: stage, bytes: plainBytes },
    ]);
    const stays = (volumeId: number) => (volumeId === stage ? sealedBytes : restBytes);
    const store = this.#find(left, "store", Math.max(sealedBytes, restBytes), stays);
    const onWay = store === seal ? 0 : sealedBytes;
    return {
      stage: { volumeId: stage, bytes: plainBytes },
      seal: { volumeId: seal, bytes: scratchBytes + onWay },
      store: { volumeId: store, bytes: stays(store) },
    };
  }

  /** Throws storage/full, storage/no-volume. */
  #find(
    rooms: readonly VolumeRoom[],
    role: VolumeRole,
    mostBytes: number,
    bytesOn: (volumeId: number) => number = () => mostBytes,
  ): number {
    const able = rooms.filter((room) => roomBytes(room) >= bytesOn(room.volumeId));
    const choice = chooseVolume(able, role, 0);
    if ("volumeId" in choice) return choice.volumeId;
    const [home] = rooms;
    const refused = chooseVolume(rooms, role, mostBytes);
    if (rooms.length === 1 && home !== undefined && home.isWritable) throw this.#full(home);
    const reasons = "reasons" in refused ? [...refused.reasons].map(([id, why]) => `${id} ${why}`) : [];
    throw volumeErrors.noVolume({ neededBytes: mostBytes, role, reasons: reasons.join(", ") });
  }

  /** With one volume, what the whole sector needs and which limit is in its way. */
  #full(home: VolumeRoom): Error {
    const neededBytes = this.#footprint(this.#core.limits.sectorBytes).peakBytes;
    const byQuota = home.maxBytes !== null && home.maxBytes - home.reservedBytes < home.freeBytes;
    const availableBytes = roomBytes(home);
    return storageErrors.full({ neededBytes, availableBytes, limit: byQuota ? "the quota" : "the volume" });
  }

  #footprint(sectorBytes: number): Footprint {
    const { keepUnsealed, keepTrees } = this.#core.limits;
    return footprint(this.#core.classes, sectorBytes, keepUnsealed, keepTrees);
  }
}
