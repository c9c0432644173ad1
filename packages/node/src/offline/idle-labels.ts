/**
 * A set of idle files of the compatibility profile by hand, on a thread of its own and its helpers: its roots, and if
 * a folder is named the files (idle-files.ts).
 */
import { fromHex, type Json, toHex } from "@holdfast/base";
import { type CessSetOptions, cessSetSteps, planCessSet, runSteps } from "@holdfast/proofs";
import { cessRootBlocks, crewCessBlocks } from "@holdfast/proofs/kernels";
import { threadCrew } from "../proof-kernels.ts";
import { offlineErrors } from "./errors.ts";
import { finishFolder, idleFileBlocks, prepareFolder, sinkInto } from "./idle-files.ts";

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
  const threads = threadCrew?.threads ?? 1;
  const neededBytes = allTableBytes + Math.max(hotBytes, threads * blockBytes) + rowBytes;
  if (neededBytes > mostBytes) throw offlineErrors.tooMuchIdle({ neededBytes, mostBytes });
  let told = 0;
  const progress = (doneRatio: number): void => {
    if (doneRatio < told + leastStep) return;
    told = doneRatio;
    report(doneRatio);
  };
  if (folder !== undefined) prepareFolder(folder, set);
  const sink = folder === undefined ? { write: () => undefined } : sinkInto(folder);
  const made = runSteps(cessSetSteps(set, sink, blocksBy(folder)), { progress });
  if (folder !== undefined) finishFolder(folder, set, made);
  return { roots: pieces(made.roots, 32).map(toHex), commitHash: toHex(made.commitHash) };
}

/** Blocks on all threads, which write to the folder themselves. */
function blocksBy(folder: string | undefined): CessSetOptions {
  if (threadCrew === undefined) return {};
  const start =
    folder === undefined
      ? crewCessBlocks(threadCrew, cessRootBlocks, null)
      : crewCessBlocks(threadCrew, idleFileBlocks, folder);
  return { start };
}

const pieces = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: bytes.length / size }, (_none, i) => bytes.subarray(i * size, (i + 1) * size));
