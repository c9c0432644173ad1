/**
 * The files of a set of the compatibility profile, where the original has them: `file-cluster-C/sub-file-L` and
 * `aux-file-L`, and `file-roots` last. Several threads write parts of one file, each at its own place; whatever order
 * they have, a file is on the disk before `file-roots` says that the set is there.
 */
import { closeSync, constants, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type CessSet, type CessSetRoots, type CessSink, cessAuxBytes } from "@holdfast/proofs";
import { cessBlocksKind } from "@holdfast/proofs/kernels";
import { offlineErrors } from "./errors.ts";

/** What the system says, under the folder's name. */
function writing<Result>(folder: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw offlineErrors.folderFailed({ folder, detail: code ?? message }, cause);
  }
}

/** All of the bytes: one call may write fewer. */
function writeAll(file: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, offset + done);
  }
}

const clusterFolder = (folder: string, cluster: number): string => join(folder, `file-cluster-${cluster}`);
const filePath = (folder: string, cluster: number, layer: number): string =>
  join(clusterFolder(folder, cluster), `sub-file-${layer}`);

function inFile(folder: string, path: string, act: (file: number) => void): void {
  writing(folder, () => {
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
    try {
      act(file);
    } finally {
      closeSync(file);
    }
  });
}

const put = (folder: string, path: string, bytes: Uint8Array): void =>
  inFile(folder, path, (file) => {
    writeAll(file, bytes, 0);
    fsyncSync(file);
  });

const clustersOf = ({ startCluster, clusters }: CessSet): readonly number[] =>
  Array.from({ length: clusters }, (_none, i) => startCluster + i);

/** Makes the folders of the clusters. Error `proof/folder-failed`, as of all here. */
export function prepareFolder(folder: string, set: CessSet): void {
  writing(folder, () => {
    for (const cluster of clustersOf(set)) mkdirSync(clusterFolder(folder, cluster));
  });
}

export function sinkInto(folder: string): CessSink {
  return {
    intermediate: true,
    write: ({ cluster, realLayer }, offset, bytes) =>
      inFile(folder, filePath(folder, cluster, realLayer), (file) => writeAll(file, bytes, offset)),
  };
}

/** Blocks that every thread writes into the folder. */
export const idleFileBlocks = cessBlocksKind<string>(import.meta.url, "idleFileBlocks", sinkInto);

/** When all blocks are written. */
export function finishFolder(folder: string, set: CessSet, { roots, aux, commitHash }: CessSetRoots): void {
  const clusters = clustersOf(set);
  for (let layer = 0; layer < 2 * set.shape.layers; layer += 1) {
    for (const [i, cluster] of clusters.entries()) {
      inFile(folder, filePath(folder, cluster, layer), fsyncSync);
      const at = (layer * clusters.length + i) * cessAuxBytes;
      put(
        folder,
        join(clusterFolder(folder, cluster), `aux-file-${layer}`),
        aux.subarray(at, at + cessAuxBytes),
      );
    }
  }
  put(folder, join(folder, "file-roots"), Buffer.concat([roots, commitHash]));
}
