/** Reading all of a sector to say what is wrong with it; nothing is changed. */
import { type Address, equalBytes, HoldfastError, sectorId as sectorIdOf } from "@holdfast/base";
import { CommPStream, layerTreeLength, resolveClass, vanillaClass } from "@holdfast/proofs";
import type { FileRow, PieceRow, SectorRow } from "../store/index.ts";
import type { Core } from "./core.ts";
import { filePath } from "./files.ts";
import { userOffset } from "./options.ts";
import { commPAtSize } from "./packing.ts";
import type { FileRole } from "./roles.ts";

const chunkBytes = 2 ** 20;
/** Any seed does: it chooses which nodes a check opens. */
const checkSeed = new Uint8Array(32).fill(0xa5);

export interface FileTrouble {
  readonly role: FileRole;
  readonly problem: string;
}
export interface SectorCheck {
  readonly sectorId: number;
  readonly troubles: readonly FileTrouble[];
}
/** What is wrong with the files of a sector: all of them are read. */
export async function troublesOf(core: Core, row: SectorRow, signal: AbortSignal): Promise<FileTrouble[]> {
  const { store, limits } = core;
  const { keepTrees, keepUnsealed } = limits;
  const files = await store.volumes.filesOf(row.sectorId);
  const { profile } = resolveClass(core.classes, row.sectorBytes);
  const troubles: FileTrouble[] = [];
  const say = (role: FileRole, problem: string | undefined) => {
    if (problem !== undefined) troubles.push({ role, problem });
  };
  say("sealed", await sizeTrouble(core, files.get("sealed"), row.sectorBytes));
  const has = (role: FileRole) => !troubles.some((trouble) => trouble.role === role);
  if (keepTrees) {
    say("tree", await sizeTrouble(core, files.get("tree"), layerTreeLength(profile)));
    if (has("tree")) say("tree", await proofTrouble(core, row, { tree: files.get("tree") }, signal));
  } else if (has("sealed")) {
    // All of the replica is under the root that this compares.
    say("sealed", await proofTrouble(core, row, { sealed: files.get("sealed") }, signal));
  }
  if (keepTrees && has("tree") && has("sealed"))
    say("sealed", await leafTrouble(core, files.get("sealed"), files.get("tree"), signal));
  const pieces = await store.piecesOf(row.sectorId);
  if (keepUnsealed && pieces.length > 0) {
    say("unsealed", await plainTrouble(core, files.get("unsealed"), pieces, signal));
  }
  return troubles;
}

async function sizeTrouble(
  core: Core,
  file: FileRow | undefined,
  wantedBytes: number,
): Promise<string | undefined> {
  if (file === undefined) return "it is on no volume";
  try {
    const sizeBytes = await core.disk.sizeBytes(filePath(file));
    if (sizeBytes === undefined) return "it is missing";
    return sizeBytes === wantedBytes ? undefined : `it has ${sizeBytes} bytes, not ${wantedBytes}`;
  } catch (error) {
    if (error instanceof HoldfastError) return error.message;
    throw error;
  }
}

/** Whether what a proof of spacetime opens can be read and belongs to the commitment. */
async function proofTrouble(
  core: Core,
  row: SectorRow,
  { tree, sealed }: { readonly tree?: FileRow | undefined; readonly sealed?: FileRow | undefined },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { classes, sealer } = core;
  const { sectorId, sectorBytes, commitments, ticket } = row;
  const file = tree ?? sealed;
  if (file === undefined || commitments === null || ticket === null) return "nothing is known of it";
  const { profile } = resolveClass(classes, sectorBytes);
  const sector = {
    sectorId: sectorIdOf(sectorId),
    sectorBytes,
    commR: commitments.commR,
    treePath: tree === undefined ? null : filePath(tree),
    replicaPath: filePath(file),
  };
  const miner = ticket.miner as Address;
  const job = {
    classes: [vanillaClass(profile)],
    postKind: "window",
    seed: checkSeed,
    miner,
    sectors: [sector],
  } as const;
  const { proof, faults } = await sealer.post(job, { signal });
  return proof === null ? (faults[0]?.message ?? "it cannot be proven") : undefined;
}

/** The tree's leaves are the replica: where they differ, one of both has rotted. */
async function leafTrouble(
  core: Core,
  sealed: FileRow | undefined,
  tree: FileRow | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { disk } = core;
  if (sealed === undefined || tree === undefined) return undefined;
  try {
    await using replica = await disk.open(filePath(sealed), "read");
    await using leaves = await disk.open(filePath(tree), "read");
    for (let at = 0; at < sealed.sizeBytes; at += chunkBytes) {
      signal.throwIfAborted();
      const length = Math.min(chunkBytes, sealed.sizeBytes - at);
      const [a, b] = await Promise.all([replica.readAt(at, length), leaves.readAt(at, length)]);
      if (!equalBytes(a, b)) return `it differs from the leaves of its tree between ${at} and ${at + length}`;
    }
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HoldfastError) return error.message;
    throw error;
  }
}

async function plainTrouble(
  core: Core,
  file: FileRow | undefined,
  pieces: readonly PieceRow[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const size = await sizeTrouble(core, file, file?.sizeBytes ?? 0);
  if (size !== undefined || file === undefined) return size;
  try {
    await using plain = await core.disk.open(filePath(file), "read");
    for (const piece of pieces) {
      const stream = new CommPStream();
      const start = userOffset(piece.offsetPaddedBytes);
      for (let at = 0; at < piece.userBytes; at += chunkBytes) {
        signal.throwIfAborted();
        stream.write(await plain.readAt(start + at, Math.min(chunkBytes, piece.userBytes - at)));
      }
      if (stream.userBytes !== piece.userBytes) return `piece ${piece.pieceKey} is cut off`;
      if (!equalBytes(commPAtSize(stream.finish(), piece.paddedBytes), piece.commP)) {
        return `piece ${piece.pieceKey} has rotted`;
      }
    }
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HoldfastError) return error.message;
    throw error;
  }
}
