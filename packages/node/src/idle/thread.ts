/** What a thread of its own does for idle space: makes, proves or reads one layer, over the volumes of its table. */
import type { Json } from "@holdfast/base";
import type { IdleCommitStatement } from "@holdfast/proofs";
import { openVolumesHere, type VolumeTable } from "@holdfast/storage";
import { idleErrors } from "./errors.ts";
import { proveFromFiles } from "./makers.ts";
import {
  damagedFiles,
  type LayerCheck,
  type LayerFiles,
  type LayerTask,
  type MadeLayer,
  makeLayer,
} from "./making.ts";

export type IdleJob =
  | { readonly kind: "make"; readonly table: VolumeTable; readonly task: LayerTask }
  | { readonly kind: "check"; readonly table: VolumeTable; readonly layer: LayerCheck }
  | {
      readonly kind: "prove";
      readonly table: VolumeTable;
      readonly statement: IdleCommitStatement;
      readonly files: LayerFiles;
    };

const leastStep = 0.01;

/** Errors `idle/damaged`, `disk/…`, `storage/volume-away`. */
export async function work(
  job: IdleJob,
  report: (ratio: Json) => void,
): Promise<MadeLayer | Uint8Array | readonly number[]> {
  const disk = openVolumesHere(job.table);
  if (job.kind === "check") return await damagedFiles(disk, job.layer);
  if (job.kind === "prove") {
    return proveFromFiles(job.statement, job.files, (path) => {
      const native = disk.nativePath(path);
      if (native === undefined) throw idleErrors.damaged({ path });
      return native;
    });
  }
  let told = 0;
  const progress = (ratio: number): void => {
    if (ratio < told + leastStep) return;
    told = ratio;
    report(ratio);
  };
  return await makeLayer(disk, job.task, { progress });
}
