/**
 * The storage of one miner: pieces in, sectors sealed, proofs out (the SectorBuilder of go-filecoin 2019,
 * with every step recorded). It knows no chain: randomness, and the word that something is on the chain, come
 * from the caller between the steps.
 */
import { assert, type Clock, type Disk, type Logger, silentLogger } from "@holdfast/base";
import { defaultClasses, maxUserBytes, type Prover, resolveClass, type SectorClass } from "@holdfast/proofs";
import { openDb, SilenceWatch } from "../db/index.ts";
import { storageErrors } from "../errors.ts";
import { createInlineSealer, type SealingPool } from "../pool/index.ts";
import { checkOpenable, emptyFill, openStore, type SectorRow, type StorageStore } from "../store/index.ts";
import { checkPlace, mountVolumes, openPlace, spoolFolder, type VolumePlace } from "../volumes/index.ts";
import { Collector } from "./collector.ts";
import { type Core, ensureOpen, sectorOrThrow } from "./core.ts";
import { Doubts } from "./doubts.ts";
import { EventFeed } from "./feed.ts";
import { Lifecycle } from "./lifecycle.ts";
import { KeyedLocks } from "./locks.ts";
import { Moving } from "./moving.ts";
import { defaultLimits, pageCounts, type StorageLimits, sectorSizesOf } from "./options.ts";
import { importPresealed } from "./presealed.ts";
import { Proving } from "./proving.ts";
import { Reading } from "./reading.ts";
import { recover } from "./recovery.ts";
import { Repair } from "./repair.ts";
import { Sealing } from "./sealing.ts";
import { Space } from "./space.ts";
import { Staging } from "./staging.ts";
import type { Storage } from "./storage.ts";
import { Sweep } from "./sweep.ts";
import type { SectorInfo } from "./types.ts";
import { FileUses } from "./uses.ts";
import { infoOf, storedPiece } from "./views.ts";
import { VolumeAdmin, type VolumeAdminParts } from "./volume-admin.ts";
import { volumesOf } from "./volume-door.ts";
import { VolumeKeeper } from "./volume-keeper.ts";
import { WorkFolders } from "./work.ts";

export interface StorageOptions extends Partial<Omit<StorageLimits, "sectorBytes">> {
  /** Padded bytes of new sectors: one of the network's sizes. */
  readonly sectorBytes: number;
  /** The sizes of the network; every size of the default kind when left out. */
  readonly classes?: readonly SectorClass[];
  /** Where sectors live; nobody else writes there. */
  readonly disk: Disk;
  /** Where the metadata is: the path of an SQLite file, or a URL of PostgreSQL. */
  readonly dbPath: string;
  /** The file that has the metadata where no database is named: what is in it is not to be started without. */
  readonly recordsPath?: string;
  /** Whose sectors they are to be; not asked when left out. */
  readonly miner?: string;
  /** Computes in this thread (a prover) or in worker threads (a pool, which the caller ends). */
  readonly prover: Prover | SealingPool;
  readonly clock: Clock;
  readonly logger?: Logger;
  /** How volumes are opened that are attached; for real when left out, with keys from the environment. */
  readonly openPlace?: (place: VolumePlace) => Disk;
}

/**
 * Opens the storage, undoes what a crash left half done, and goes on with the seals that were running.
 * Whoever opens it takes it over: an older process can no longer change it (storage/taken-over).
 * Throws storage/foreign-database, others-records, records-left, database-moved, schema-too-new, database-damaged,
 * proofs/unknown-sector-size and disk/….
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { disk: home, prover, clock, openPlace = reallyOpen(options) } = options;
  const { logger = silentLogger, classes = defaultClasses } = options;
  const limits = limitsOf(options);
  const disk = mountVolumes(home);
  for (const size of sectorSizesOf(limitsOf(options))) resolveClass(classes, size);
  await using stack = new AsyncDisposableStack();
  const end = new AbortController();
  const feed: { announce(): void } = { announce: () => undefined };
  const silence = new SilenceWatch("sectors", { clock, logger });
  const store = await openMetadata(options, () => feed.announce(), silence);
  stack.use(store);
  const sealer = stack.use(
    "sealerFor" in prover ? prover.sealerFor(disk, logger) : createInlineSealer(disk, prover),
  );
  const core: Core = {
    disk,
    store,
    clock,
    logger,
    classes,
    limits,
    volumes: new VolumeKeeper({
      ...{ disk, store, clock, logger, openPlace },
      maxHomeBytes: limits.maxBytes,
      end: end.signal,
    }),
    uses: new FileUses(),
    doubts: new Doubts(clock),
    sealer,
    locks: new KeyedLocks(),
    work: new WorkFolders(),
    end: end.signal,
  };
  const events = new EventFeed(store, end.signal);
  feed.announce = () => events.announce();
  const parts = partsOf(core, {
    openPlace,
    checkPlace: options.openPlace === undefined ? checkPlace : async () => {},
  });
  await core.volumes.open();
  await recover(core, parts.lifecycle);
  await parts.sealing.resume();
  await parts.staging.resume();
  parts.moving.resume();
  parts.sweep.start();
  const held = stack.move();
  return storageOf({ ...core, silence }, parts, events, async () => {
    end.abort(storageErrors.closed({}));
    await parts.staging.settled();
    await parts.sealing.settled();
    await parts.moving.settled();
    await parts.repair.settled();
    await parts.sweep.settled();
    await core.volumes.settled();
    await held.disposeAsync();
  });
}

function reallyOpen({ disk, clock }: StorageOptions): (place: VolumePlace) => Disk {
  const scratch = { disk, folder: spoolFolder };
  return (place) => openPlace(place, { clock, scratch, env: process.env });
}

function limitsOf(options: StorageOptions): StorageLimits {
  const {
    disk: _disk,
    dbPath: _db,
    recordsPath: _records,
    miner: _miner,
    prover: _prover,
    clock: _clock,
    ...rest
  } = options;
  const { logger: _logger, classes: _classes, openPlace: _open, ...limits } = rest;
  return { ...defaultLimits, ...limits };
}

/** The database is closed again when it cannot be used. */
async function openMetadata(
  options: StorageOptions,
  onEvents: () => void,
  silence: SilenceWatch,
): Promise<StorageStore> {
  await using stack = new AsyncDisposableStack();
  const db = stack.use(await openDb(options.dbPath));
  await checkOpenable(db, options);
  const store = await openStore(db, onEvents, silence.told);
  stack.move();
  return store;
}

function partsOf(core: Core, places: Pick<VolumeAdminParts, "openPlace" | "checkPlace">) {
  const space = new Space(core);
  const reading = new Reading(core);
  const collector = new Collector(core);
  const staging = new Staging(core, space);
  const sealing = new Sealing(core, {
    sweep: (sectorId) => collector.sweep(sectorId),
    placeAnew: (tx, row) => space.placeAnew(tx, row),
    discard: (path) => collector.discard(path),
  });
  const proving = new Proving(core, reading);
  const lifecycle = new Lifecycle(core, { staging, sealing, reading, collector, space });
  const moving = new Moving(core, { collector, staging, whenIdle: (sectorId) => sealing.idle(sectorId) });
  const admin = new VolumeAdmin(core, {
    ...places,
    drain: () => moving.resume(),
    moved: () => moving.moved(),
  });
  const repair = new Repair(core, { reading, space, collector });
  core.doubts.otherwise = (sectorId) => repair.mend(sectorId);
  const sweep = new Sweep(core, { lifecycle, collector });
  return { space, reading, collector, staging, sealing, proving, lifecycle, moving, admin, repair, sweep };
}

type Parts = ReturnType<typeof partsOf>;

function storageOf(
  { silence, ...core }: Core & { readonly silence: SilenceWatch },
  parts: Parts,
  events: EventFeed,
  end: () => Promise<void>,
): Storage {
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= end();
    return closing;
  };
  return {
    ...piecesOf(core, parts),
    ...sealsOf(core, parts),
    ...sectorsOf(core, parts),
    events: (after, signal) => events.events(after, signal),
    cursorOf: (consumer) => core.store.cursorOf(consumer),
    saveCursor: (consumer, cursor) => core.store.transaction((tx) => tx.saveCursor(consumer, cursor)),
    volumes: volumesOf(core, parts),
    get metadataPlace() {
      return core.store.place;
    },
    get metadataSilence() {
      return silence.now;
    },
    moveMetadata: async (address) => {
      ensureOpen(core);
      return await core.store.moveTo(address);
    },
    usage: () => parts.space.usage(),
    refusal: async (pieces) =>
      (await parts.space.refusal()) ?? (await parts.staging.refusalOf(pieces ?? new Map())),
    audit: async () => {
      await parts.sweep.settled();
      return await parts.collector.audit();
    },
    async *files() {
      await parts.sweep.settled();
      yield* parts.collector.files();
    },
    collectGarbage: async () => {
      await parts.sweep.settled();
      return await parts.collector.collect();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

type PieceMethods =
  | "addPiece"
  | "readPiece"
  | "readPieceFromSealedSector"
  | "verifyPiece"
  | "hasPlainCopy"
  | "doubtPiece"
  | "onDoubt"
  | "settleDoubt"
  | "getPiece"
  | "listPieces"
  | "unfinishedPieces"
  | "dropUnfinished"
  | "dropPiece"
  | "provePieceInclusion"
  | "maxUserBytesPerStagedSector";

function piecesOf(core: Core, parts: Parts): Pick<Storage, PieceMethods> {
  const { staging, reading, lifecycle, proving } = parts;
  return {
    addPiece: (piece, signal) => staging.add(piece, signal),
    readPiece: (pieceKey, range = {}) => reading.read(pieceKey, range),
    readPieceFromSealedSector: (pieceKey, signal) => reading.unseal(pieceKey, signal),
    verifyPiece: (pieceKey) => reading.verify(pieceKey),
    hasPlainCopy: (pieceKey) => reading.isPlain(pieceKey),
    doubtPiece: (pieceKey) => reading.doubt(pieceKey),
    onDoubt: (listener) => core.doubts.onDoubt(listener),
    settleDoubt: (sectorId) => core.doubts.settle(sectorId),
    getPiece: async (pieceKey) => {
      ensureOpen(core);
      const row = await core.store.piece(pieceKey);
      return row?.stage === "kept" ? storedPiece(row) : undefined;
    },
    listPieces: async ({ sectorId, after, limit } = {}) => {
      ensureOpen(core);
      const { store } = core;
      const rows =
        sectorId === undefined
          ? await store.pieces({ after, limit: pageOf(limit) })
          : await store.piecesOf(sectorId);
      return rows.filter((row) => row.stage === "kept").map(storedPiece);
    },
    unfinishedPieces: (limit) => staging.unfinished(pageOf(limit)),
    dropUnfinished: (pieceKey) => staging.dropUnfinished(pieceKey),
    dropPiece: (pieceKey) => lifecycle.dropPiece(pieceKey),
    provePieceInclusion: (pieceKey) => proving.inclusion(pieceKey),
    maxUserBytesPerStagedSector: () => maxUserBytes(Math.max(...sectorSizesOf(core.limits))),
  };
}

type SealMethods =
  | "sealStagedSector"
  | "sealAllStagedSectors"
  | "addCommittedCapacity"
  | "importPresealed"
  | "nextToSeal"
  | "startSeal"
  | "proveSeal"
  | "setDue"
  | "readSealProof"
  | "retrySector"
  | "restartSeal"
  | "whenIdle";

function sealsOf(core: Core, parts: Parts): Pick<Storage, SealMethods> {
  const { staging, sealing, space } = parts;
  return {
    sealStagedSector: (sectorId) => staging.close(sectorId),
    sealAllStagedSectors: () => staging.closeAll(),
    addCommittedCapacity: async (sectorBytes = core.limits.sectorBytes) => {
      resolveClass(core.classes, sectorBytes);
      ensureOpen(core);
      await space.look();
      ensureOpen(core);
      return await core.store.transaction(async (tx) => {
        const row = await tx.openSector(sectorBytes, "capacity", "closing", core.clock.nowMs());
        await space.place(tx, row.sectorId, sectorBytes);
        return row.sectorId;
      });
    },
    importPresealed: (sector) => importPresealed(core, space, sector),
    nextToSeal: async () => {
      ensureOpen(core);
      const row = await sealing.next();
      return row === undefined ? undefined : infoOf(row, await core.store.fill(row.sectorId), null);
    },
    startSeal: (sectorId, ticket, identity) => sealing.startSeal(sectorId, ticket, identity),
    proveSeal: (sectorId, seed) => sealing.proveSeal(sectorId, seed),
    readSealProof: (sectorId) => sealing.readProof(sectorId),
    setDue: (sectorId, dueMs) => sealing.dues.set(sectorId, dueMs),
    retrySector: (sectorId) => sealing.retry(sectorId),
    restartSeal: (sectorId, reason) => sealing.restart(sectorId, reason),
    whenIdle: (sectorId) => sealing.idle(sectorId),
  };
}

type SectorMethods =
  | "getSector"
  | "listSectors"
  | "everySector"
  | "countSectors"
  | "confirmCommitted"
  | "markFaulty"
  | "markRecovered"
  | "markExpired"
  | "dropSector"
  | "generatePost";

function sectorsOf(core: Core, parts: Parts): Pick<Storage, SectorMethods> {
  const { sealing, lifecycle, proving } = parts;
  const { store } = core;
  const infosOf = async (rows: readonly SectorRow[]) => {
    const fills = await store.fills(rows.map((row) => row.sectorId));
    return rows.map((row) =>
      infoOf(row, fills.get(row.sectorId) ?? emptyFill, sealing.progress(row.sectorId)),
    );
  };
  const listSectors: Storage["listSectors"] = async ({ states, after, limit } = {}) => {
    ensureOpen(core);
    return await infosOf(await store.sectors({ states, after, limit: pageOf(limit) }));
  };
  return {
    getSector: async (sectorId) => {
      ensureOpen(core);
      const row = await sectorOrThrow(store, sectorId);
      return infoOf(row, await store.fill(sectorId), sealing.progress(sectorId));
    },
    listSectors,
    everySector: (states) => everyPage((after) => listSectors({ states, after, limit: pageCounts.usual })),
    countSectors: async () => {
      ensureOpen(core);
      return await store.totals();
    },
    confirmCommitted: (sectorId) => lifecycle.confirmCommitted(sectorId),
    markFaulty: (sectorId, reason) => lifecycle.markFaulty(sectorId, reason),
    markRecovered: (sectorId) => lifecycle.markRecovered(sectorId),
    markExpired: (sectorId) => lifecycle.markExpired(sectorId),
    dropSector: (sectorId, reason = "dropped") => lifecycle.dropSector(sectorId, reason),
    generatePost: (kind, seed, sectorIds, signal) => {
      assert(seed.length === 32, "a seed has 32 bytes");
      return proving.post(kind, seed, sectorIds, signal);
    },
  };
}

function pageOf(limit: number = pageCounts.usual): number {
  return Math.max(0, Math.min(limit, pageCounts.most));
}

/** All sectors of pages that begin after the last id of the page before. */
async function* everyPage(
  pageAfter: (sectorId: number | undefined) => Promise<SectorInfo[]>,
): AsyncGenerator<SectorInfo, void, undefined> {
  for (let after: number | undefined; ; ) {
    const page = await pageAfter(after);
    yield* page;
    after = page.at(-1)?.sectorId;
    if (after === undefined || page.length < pageCounts.usual) return;
  }
}
