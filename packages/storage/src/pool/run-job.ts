/**
 * What each job does, over a disk and a prover. Runs alike in the caller's thread and in a worker. Nothing is
 * written but below the output paths that the job names.
 */
import { type Disk, HoldfastError, toHex } from "@holdfast/base";
import {
  auxLengthOf,
  layerTreeLength,
  type Prover,
  proofsErrors,
  resolveClass,
  type SealHooks,
  type StoredSector,
} from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { ExtractJob, PostJob, PostResult, ProveJob, ReplicateJob, ReplicateResult } from "./jobs.ts";
import { type RebuiltTree, RebuiltTrees } from "./rebuilt-tree.ts";
import { fileSource, SealFiles, stagedInput, TreeFile } from "./seal-files.ts";

export interface JobTools {
  readonly disk: Disk;
  readonly prover: Prover;
}

/** Seals; see `Sealer.replicate`. */
export async function replicate(
  { disk, prover }: JobTools,
  job: ReplicateJob,
  hooks: SealHooks,
): Promise<ReplicateResult> {
  const { classes, sectorBytes, identity, stagedPath } = job;
  const { profile } = resolveClass(classes, sectorBytes);
  await using staged = stagedPath === null ? null : await disk.open(stagedPath, "read");
  await using store = await SealFiles.open(disk, job, profile);
  try {
    const input = stagedInput(staged ?? undefined, job);
    const sealed = await prover.seal({ classes, sectorBytes, identity, input, store }, hooks);
    await store.sync();
    return sealed;
  } catch (error) {
    if (!hasCode(error, "proofs/comm-d-mismatch")) throw error;
    const found = String(error.data.found);
    throw storageErrors.stagedCorrupt(
      { sectorId: identity.sectorId, expected: toHex(identity.commD), found },
      error,
    );
  }
}

/** Proves a seal; see `Sealer.prove`. */
export async function prove({ disk, prover }: JobTools, job: ProveJob, hooks: SealHooks): Promise<void> {
  const { classes, sectorBytes, identity, commR, commRStar, seed, auxPath } = job;
  const { profile } = resolveClass(classes, sectorBytes);
  const [length, expected] = [await sizeOf(disk, identity.sectorId, auxPath), auxLengthOf(profile)];
  if (length !== expected) {
    throw proofsErrors.badLength({ what: "the seal's auxiliary data", length, expected });
  }
  await using file = await disk.open(auxPath, "read");
  const request = { classes, sectorBytes, identity, aux: fileSource(file), commR, commRStar, seed };
  const proof = await prover.proveSeal(request, hooks);
  await writeOutput(disk, job.proofPath, proof);
}

/** Unseals a range, reading and decoding what it depends on; see `Sealer.extract`. */
export async function extract(
  { disk, prover }: JobTools,
  job: ExtractJob,
  hooks: SealHooks,
): Promise<Uint8Array> {
  const { classes, sectorBytes, identity, range, replicaPath } = job;
  const { sectorId } = identity;
  const replicaBytes = await disk.sizeBytes(replicaPath);
  if (replicaBytes === undefined) throw storageErrors.missingFile({ sectorId, path: replicaPath });
  await using file = await disk.open(replicaPath, "read");
  try {
    // A file of another length is damaged, also where the range does not reach.
    if (replicaBytes !== sectorBytes) {
      const detail = `its replica has ${replicaBytes} bytes, not ${sectorBytes}`;
      throw storageErrors.replicaCorrupt({ sectorId, detail });
    }
    const bytes = new Uint8Array(range.userBytes);
    let done = 0;
    const read = (offset: number, length: number) => file.readAt(offset, length);
    const request = { classes, sectorBytes, identity, read, ...range };
    for await (const chunk of prover.extractRange(request, hooks)) {
      bytes.set(chunk, done);
      done += chunk.length;
    }
    return bytes;
  } catch (error) {
    if (!hasCode(error, "proofs/not-a-replica", "proofs/bad-length", "fr32/not-padded")) throw error;
    throw storageErrors.replicaCorrupt({ sectorId, detail: error.message }, error);
  }
}

/** One proof over all sectors that can be proven: a damaged one is named and left out. */
export async function post({ disk, prover }: JobTools, job: PostJob, hooks: SealHooks): Promise<PostResult> {
  const faults: { sectorId: number; code: string; message: string }[] = [];
  let able: (StoredSector & { readonly replicaTree: TreeFile | RebuiltTree })[] = [];
  const rebuilt = new RebuiltTrees(disk, hooks.cancel);
  const leaveOut = (id: number, { code, message }: HoldfastError) => {
    faults.push({ sectorId: id, code, message });
    able = able.filter((sector) => sector.sectorId !== id);
  };
  for (const { treePath, replicaPath = "", ...sector } of job.sectors) {
    hooks.cancel?.throwIfAborted();
    const { sectorId, sectorBytes } = sector;
    const expected =
      treePath === null ? sectorBytes : layerTreeLength(resolveClass(job.classes, sectorBytes).profile);
    const file = { what: treePath === null ? "replica" : "tree", path: treePath ?? replicaPath, expected };
    const refused = await fileFault(disk, sectorId, file);
    const source = (): TreeFile | RebuiltTree =>
      treePath === null
        ? rebuilt.of({ sectorId, sectorBytes, path: replicaPath })
        : new TreeFile(disk, treePath);
    if (refused !== undefined) leaveOut(sectorId, refused);
    else able.push({ ...sector, replicaTree: source() });
  }
  while (able.length > 0) {
    try {
      const { classes, postKind: kind, seed, miner } = job;
      const proof = await prover.provePost({ classes, kind, seed, miner, sectors: able }, hooks);
      return { proof, proven: able.map((sector) => sector.sectorId), faults };
    } catch (error) {
      hooks.cancel?.throwIfAborted(); // a tree that was called off while it was hashed is no sector's fault
      const unread = able.find(({ replicaTree }) => replicaTree.failure === error);
      const damaged = hasCode(error, "proofs/comm-r-mismatch") ? Number(error.data.sectorId) : undefined;
      const id = unread?.sectorId ?? damaged;
      if (id === undefined || !(error instanceof HoldfastError)) throw error;
      leaveOut(id, error);
    }
  }
  return { proof: null, proven: [], faults };
}

/** Why a file cannot be read, if so: the disk's error is the sector's fault, not the proof's. */
async function fileFault(
  disk: Disk,
  id: number,
  { what, path, expected }: { readonly what: string; readonly path: string; readonly expected: number },
): Promise<HoldfastError | undefined> {
  try {
    const length = await sizeOf(disk, id, path);
    if (length === expected) return undefined;
    const detail = `its ${what} has ${length} bytes, not ${expected}`;
    return storageErrors.replicaCorrupt({ sectorId: id, detail });
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
}

/** An output needs no atomic replacement: nobody looks at it before its job is done. */
async function writeOutput(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await using file = await disk.open(path, "create");
  await file.writeAt(0, bytes);
  await file.sync();
}

async function sizeOf(disk: Disk, sectorId: number, path: string): Promise<number> {
  const sizeBytes = await disk.sizeBytes(path);
  if (sizeBytes === undefined) throw storageErrors.missingFile({ sectorId, path });
  return sizeBytes;
}

function hasCode(error: unknown, ...codes: readonly string[]): error is HoldfastError {
  return error instanceof HoldfastError && codes.includes(error.code);
}
