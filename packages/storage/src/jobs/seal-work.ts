/**
 * What a worker does with the jobs of a queue sealer. Each claim works in a folder of its own, named by its fencing
 * token, so that a zombie never touches the files of its successor; of a seal the successor takes over what the one
 * before it has left, to go on behind its last whole layer.
 */
import type { Disk } from "@holdfast/base";
import {
  type ExtractJob,
  type PostJob,
  type ProveJob,
  packed,
  type ReplicateJob,
  type ReplicateResult,
  type Sealer,
  unpacked,
} from "../pool/index.ts";
import type { JobHandlers, JobWork } from "./runner.ts";
import type { Job } from "./types.ts";

/** Bytes of a read that travel in the job; larger ones as a file. */
const inlineBytes = 256 * 1024;

export interface SealOutput<Result> {
  /** Where the files lie that the job was to make. */
  readonly folder: string;
  readonly result: Result;
}
export type ReadOutput =
  | { readonly path: null; readonly bytes: Uint8Array }
  | { readonly path: string; readonly bytes: null };

/** Handlers for all kinds of a queue sealer's jobs. */
export function sealHandlers(sealer: Sealer, disk: Disk): JobHandlers {
  const post: JobWork = async (job, options) =>
    packed(await sealer.post(unpacked<PostJob>(job.input), options));
  return {
    seal: async (job, options) => {
      const wanted = unpacked<ReplicateJob>(job.input);
      const folder = await ownFolder(disk, job, folderOf(wanted.replicaPath), true);
      const result = await sealer.replicate(
        {
          ...wanted,
          replicaPath: within(folder, wanted.replicaPath),
          treePath: within(folder, wanted.treePath),
          auxPath: within(folder, wanted.auxPath),
          resumePath: wanted.resumePath === null ? null : within(folder, wanted.resumePath),
        },
        options,
      );
      return packed({ folder, result } satisfies SealOutput<ReplicateResult>);
    },
    "commit-proof": async (job, options) => {
      const wanted = unpacked<ProveJob>(job.input);
      const folder = await ownFolder(disk, job, folderOf(wanted.proofPath), false);
      await sealer.prove({ ...wanted, proofPath: within(folder, wanted.proofPath) }, options);
      return packed({ folder, result: null } satisfies SealOutput<null>);
    },
    unseal: async (job, options) => {
      const bytes = await sealer.extract(unpacked<ExtractJob>(job.input), options);
      if (bytes.length <= inlineBytes) return packed({ path: null, bytes } satisfies ReadOutput);
      const path = `work/read-${job.jobId}-${job.token}/range`;
      await using file = await disk.open(path, "create");
      await file.writeAt(0, bytes);
      return packed({ path, bytes: null } satisfies ReadOutput);
    },
    "window-post": post,
    "winning-post": post,
    check: post,
  };
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function within(folder: string, path: string): string {
  return `${folder}${path.slice(path.lastIndexOf("/"))}`;
}

/** A fresh folder of this claim; with what an earlier claim of the job has left, if that is of use. */
async function ownFolder(disk: Disk, { token }: Job, wanted: string, takesOver: boolean): Promise<string> {
  const room = folderOf(wanted);
  const start = `${wanted.slice(room.length + 1)}-`;
  const own = `${wanted}-${token}`;
  const before = (await disk.list(room))
    .filter((name) => name.startsWith(start) && /^\d+$/.test(name.slice(start.length)))
    .map((name) => Number(name.slice(start.length)))
    .filter((earlier) => earlier < token)
    .sort((one, other) => one - other);
  const newest = takesOver ? before.pop() : undefined;
  if (newest !== undefined) await disk.rename(`${wanted}-${newest}`, own);
  for (const earlier of before) await disk.remove(`${wanted}-${earlier}`);
  return own;
}
