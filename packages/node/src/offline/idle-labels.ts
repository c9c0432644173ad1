/**
 * A set of idle files of the compatibility profile by hand, on a thread of its own: its roots, and if a folder is
 * named the files, where the original has them: `file-cluster-C/sub-file-L` and `aux-file-L`, and `file-roots` last.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fromHex, type Json, toHex } from "@holdfast/base";
import {
  type CessSet,
  type CessSink,
  cessAuxBytes,
  cessSetSteps,
  planCessSet,
  runSteps,
} from "@holdfast/proofs";
import { offlineErrors } from "./errors.ts";

export interface IdleLabelsRequest {
  /** 32 bytes in hex. */
  readonly minerId: string;
  readonly layers: number;
  readonly nodes: number;
  readonly degree: number;
  readonly clusters: number;
  readonly startCluster: number;
  /** Where the files are kept; it is there, and empty but for a mark (idle-folder.ts). */
  readonly folder?: string;
}

export interface IdleLabelsReport {
  /** Layer after layer, in each cluster after cluster. */
  readonly roots: readonly string[];
  readonly commitHash: string;
}

/** Memory of the public network's sets, and some. */
const mostBytes = 2 ** 31;
const leastStep = 0.002;

/** Errors `cess/…`, `proof/too-much-idle`, `proof/folder-failed`. */
export async function work(
  request: IdleLabelsRequest,
  report: (doneRatio: Json) => void,
): Promise<IdleLabelsReport> {
  const { layers, nodes, degree, clusters, startCluster, folder } = request;
  const set = { minerId: fromHex(request.minerId), shape: { layers, nodes, degree }, clusters, startCluster };
  const { allTableBytes, hotBytes, blockBytes, rowBytes } = planCessSet(set);
  const neededBytes = allTableBytes + hotBytes + blockBytes + rowBytes;
  if (neededBytes > mostBytes) throw offlineErrors.tooMuchIdle({ neededBytes, mostBytes });
  let told = 0;
  const progress = (doneRatio: number): void => {
    if (doneRatio < told + leastStep) return;
    told = doneRatio;
    report(doneRatio);
  };
  const files = folder === undefined ? undefined : inFolder(folder, set);
  const made = runSteps(cessSetSteps(set, files?.sink ?? { write: () => undefined }), { progress });
  files?.finish(made);
  return { roots: pieces(made.roots, 32).map(toHex), commitHash: toHex(made.commitHash) };
}

const pieces = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: bytes.length / size }, (_none, i) => bytes.subarray(i * size, (i + 1) * size));

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

function inFolder(folder: string, set: CessSet) {
  const clusterFolder = (cluster: number): string => join(folder, `file-cluster-${cluster}`);
  const offsets = Array.from({ length: set.clusters }, (_none, i) => set.startCluster + i);
  writing(folder, () => {
    for (const cluster of offsets) mkdirSync(clusterFolder(cluster));
  });
  const put = (path: string, bytes: Uint8Array, offset = 0, last = true): void =>
    writing(folder, () => {
      const file = openSync(path, offset === 0 ? "w" : "r+");
      try {
        writeAll(file, bytes, offset);
        if (last) fsyncSync(file);
      } finally {
        closeSync(file);
      }
    });
  const sink: CessSink = {
    intermediate: true,
    write: ({ cluster, realLayer }, offset, bytes) => {
      const last = offset + bytes.length === set.shape.nodes * 64;
      put(join(clusterFolder(cluster), `sub-file-${realLayer}`), bytes, offset, last);
    },
  };
  const finish = (made: { roots: Uint8Array; aux: Uint8Array; commitHash: Uint8Array }): void => {
    pieces(made.aux, cessAuxBytes).forEach((aux, index) => {
      const [layer, offset] = [Math.floor(index / set.clusters), index % set.clusters];
      put(join(clusterFolder(set.startCluster + offset), `aux-file-${layer}`), aux);
    });
    put(join(folder, "file-roots"), Buffer.concat([made.roots, made.commitHash]));
  };
  return { sink, finish };
}
