/**
 * Files of one kept layer on a disk: made, proven, opened. A layer has a folder with its files `0`, `1`, … and their
 * trees `0.aux`, … and, until it is certified, the layers below it, `layer-1`, …, which the proof of its commitment
 * reads. Everything is written through one disk and synced; only who calls knows when a folder counts.
 */
import { concatBytes, type Disk, equalBytes } from "@holdfast/base";
import {
  firstIdleFileOf,
  generateIdleSets,
  type IdleCommitSource,
  type IdleFileSource,
  type IdleLayerRoots,
  type IdleProfile,
  type IdleSetIdentity,
  idleAuxBytes,
  idleFileBytes,
  idleFileTree,
  idleLayerBytes,
} from "@holdfast/proofs";
import { idleErrors } from "./errors.ts";
import type { Scratch } from "./store.ts";

/** Where the files of a kept layer are, and of the one below it in its set. */
export interface LayerFiles {
  readonly profile: IdleProfile;
  readonly folder: string;
  /** Null: the lowest of its set. */
  readonly below: string | null;
}

export interface LayerTask extends Omit<LayerFiles, "below"> {
  readonly identity: IdleSetIdentity;
  readonly keptLayer: number;
  /** The layer below, to go on from; null: the set is made from its bottom. */
  readonly resume: { readonly folder: string; readonly commitment: Uint8Array } | null;
  /** What is kept for the proof of the commitment. */
  readonly scratch: Scratch;
}

export interface MadeLayer {
  readonly roots: IdleLayerRoots;
  /** To this layer, and to the one below it; zeros for the lowest. */
  readonly commitment: Uint8Array;
  readonly previous: Uint8Array;
}

const labelBytes = 32;
/** Labels of an opened leaf's group: what one leaf reads (trees.ts of proofs). */
const groupLabels = 256;
const chunkBytes = 2 ** 22;

export const fileName = (folder: string, file: number): string => `${folder}/${file}`;
/** Where the files of the kept layer below are, if its own folder has them no more. */
export const belowFolder = (folder: string): string => `${folder}/below`;
export const auxName = (folder: string, file: number): string => `${folder}/${file}.aux`;
const layerName = (folder: string, layer: number): string => `${folder}/layer-${layer}`;

/** What the files of a kept layer take. */
export const keptFileBytes = (profile: IdleProfile): number => idleFileBytes(profile) + idleAuxBytes(profile);
/** What is there beside them until the layer is certified. */
export const scratchBytes = (profile: IdleProfile): number => (profile.layers - 1) * idleLayerBytes(profile);
/** What making a set takes of memory: three layers, their parents, a file's tree. */
export const setMemoryBytes = (profile: IdleProfile): number => 4 * idleLayerBytes(profile) + 2 ** 24;

async function write(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await using file = await disk.open(path, "create");
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    await file.writeAt(at, bytes.slice(at, at + chunkBytes));
  }
  await file.sync();
}

async function readWhole(disk: Disk, path: string, length: number): Promise<Uint8Array> {
  const bytes = await disk.readFile(path);
  if (bytes?.length !== length) throw idleErrors.damaged({ path });
  return bytes;
}

/** Makes a kept layer. Between two steps it hears whether it has been given up. */
export async function makeLayer(
  disk: Disk,
  { profile, identity, keptLayer, folder, resume, scratch }: LayerTask,
  { signal, progress }: { readonly signal?: AbortSignal; readonly progress?: (ratio: number) => void } = {},
): Promise<MadeLayer> {
  const writes: (() => Promise<void>)[] = [];
  const first = firstIdleFileOf(profile, identity.set, keptLayer);
  let made: MadeLayer | undefined;
  let previous = resume?.commitment ?? new Uint8Array(labelBytes);
  const sink = {
    layer: (kept: number, layer: number, labels: Uint8Array) => {
      if (kept !== keptLayer || scratch === "none" || layer === profile.layers) return;
      writes.push(() => write(disk, layerName(folder, layer), labels)); // they stay as they are for one layer more
    },
    file: (file: number, labels: Uint8Array, aux: Uint8Array) => {
      const isBelow = scratch === "layers-and-below" && file < first && file >= first - profile.files;
      if (!isBelow && (file < first || file >= first + profile.files)) return;
      const [within, from] = isBelow ? [belowFolder(folder), first - profile.files] : [folder, first];
      const own = aux.slice();
      writes.push(async () => {
        await write(disk, fileName(within, file - from), labels);
        await write(disk, auxName(within, file - from), own);
      });
    },
    keptLayer: (kept: number, roots: IdleLayerRoots, commitment: Uint8Array) => {
      if (kept === keptLayer) made = { roots, commitment, previous };
      else previous = commitment;
    },
  };
  const from = resume === null ? undefined : await resumeFrom(disk, profile, keptLayer, resume);
  const steps = generateIdleSets(profile, [{ identity, sink }], from);
  for (let step = steps.next(); step.done !== true && made === undefined; step = steps.next()) {
    for (const one of writes.splice(0)) await one();
    signal?.throwIfAborted();
    if (typeof step.value === "number") progress?.(step.value);
  }
  for (const one of writes.splice(0)) await one();
  if (made === undefined) throw idleErrors.damaged({ path: folder });
  return made;
}

async function resumeFrom(
  disk: Disk,
  profile: IdleProfile,
  keptLayer: number,
  { folder, commitment }: NonNullable<LayerTask["resume"]>,
): Promise<{ keptLayer: number; below: Uint8Array; commitment: Uint8Array }> {
  const parts: Uint8Array[] = [];
  for (let file = 0; file < profile.files; file += 1) {
    parts.push(await readWhole(disk, fileName(folder, file), idleFileBytes(profile)));
  }
  return { keptLayer, below: concatBytes(...parts), commitment };
}

/** Reads so many bytes of a file, at once. */
export type ReadNow = (path: string, offset: number, length: number) => Uint8Array;

/** What the proof of a commitment reads, by a reader that does not wait. */
export function commitSource({ profile, folder, below }: LayerFiles, read: ReadNow): IdleCommitSource {
  const { fileNodes, layers } = profile;
  const ofFiles = (within: string, low: number, count: number): Uint8Array => {
    const parts: Uint8Array[] = [];
    for (let at = low; at < low + count; ) {
      const file = Math.floor(at / fileNodes);
      const take = Math.min(low + count, (file + 1) * fileNodes) - at;
      const offset = (at - file * fileNodes) * labelBytes;
      parts.push(read(fileName(within, file), offset, take * labelBytes));
      at += take;
    }
    return parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(...parts);
  };
  return {
    labels: (layer, low, count) => {
      if (layer === layers) return ofFiles(folder, low, count);
      if (layer === 0) return ofFiles(below ?? folder, low, count);
      return read(layerName(folder, layer), low * labelBytes, count * labelBytes);
    },
    aux: (file, isBelow) =>
      read(auxName(isBelow ? (below ?? folder) : folder, file), 0, idleAuxBytes(profile)),
  };
}

/** A reader over files that are read whole first: for small profiles. */
export async function readAhead(disk: Disk, { profile, folder, below }: LayerFiles): Promise<ReadNow> {
  const files = new Map<string, Uint8Array>();
  const take = async (path: string, length: number): Promise<void> => {
    files.set(path, await readWhole(disk, path, length));
  };
  for (const within of [folder, ...(below === null ? [] : [below])]) {
    for (let file = 0; file < profile.files; file += 1) {
      await take(fileName(within, file), idleFileBytes(profile));
      await take(auxName(within, file), idleAuxBytes(profile));
    }
  }
  for (let layer = 1; layer < profile.layers; layer += 1) {
    await take(layerName(folder, layer), idleLayerBytes(profile));
  }
  return (path, offset, length) => (files.get(path) ?? new Uint8Array(0)).subarray(offset, offset + length);
}

/** What opening these leaves of a file reads: its aux, and the groups of labels that the leaves lie in. */
export async function fileSource(
  disk: Disk,
  profile: IdleProfile,
  folder: string,
  file: number,
  leaves: readonly number[],
): Promise<IdleFileSource> {
  const aux = await readWhole(disk, auxName(folder, file), idleAuxBytes(profile));
  const size = Math.min(groupLabels, profile.fileNodes);
  const groups = new Map<number, Uint8Array>();
  await using labels = await disk.open(fileName(folder, file), "read");
  for (const leaf of leaves) {
    const group = Math.floor((4 * leaf) / size);
    if (groups.has(group)) continue;
    const bytes = await labels.readAt(group * size * labelBytes, size * labelBytes);
    if (bytes.length !== size * labelBytes) throw idleErrors.damaged({ path: fileName(folder, file) });
    groups.set(group, bytes);
  }
  return {
    aux,
    labels: (low, count) => {
      const group = Math.floor(low / size);
      const bytes = groups.get(group) ?? new Uint8Array(0);
      return bytes.subarray((low - group * size) * labelBytes, (low - group * size + count) * labelBytes);
    },
  };
}

/** Whether the files of a layer from one on are there with their lengths. */
export async function isWhole(
  disk: Disk,
  { profile, folder }: Pick<LayerFiles, "profile" | "folder">,
  from: number,
): Promise<boolean> {
  for (let file = from; file < profile.files; file += 1) {
    if ((await disk.sizeBytes(fileName(folder, file))) !== idleFileBytes(profile)) return false;
    if ((await disk.sizeBytes(auxName(folder, file))) !== idleAuxBytes(profile)) return false;
  }
  return true;
}

export interface LayerCheck extends Pick<LayerFiles, "profile" | "folder"> {
  readonly roots: readonly Uint8Array[];
}

/** Reads whole files; the places of those that are not there, or not what was made. A disk that fails is thrown. */
export async function damagedFiles(
  disk: Disk,
  { profile, folder, roots }: LayerCheck,
  signal?: AbortSignal,
): Promise<readonly number[]> {
  const damaged: number[] = [];
  for (const [file, root] of roots.entries()) {
    signal?.throwIfAborted();
    const labels = await disk.readFile(fileName(folder, file));
    const aux = await disk.readFile(auxName(folder, file));
    const tree = labels?.length === idleFileBytes(profile) ? idleFileTree(labels) : undefined;
    const isGood =
      tree !== undefined && aux !== undefined && equalBytes(tree.root, root) && equalBytes(tree.aux, aux);
    if (!isGood) damaged.push(file);
  }
  return damaged;
}

/** Takes the layers away that only the proof of the commitment needs. */
export async function dropScratch(disk: Disk, profile: IdleProfile, folder: string): Promise<void> {
  for (let layer = 1; layer < profile.layers; layer += 1) await disk.remove(layerName(folder, layer));
  await disk.remove(belowFolder(folder));
}
