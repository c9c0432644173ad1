/**
 * What a worker does with the jobs of a queue sealer. Each claim works in a folder of its own, named by its fencing
 * token, so that a zombie never touches the files of its successor; of a seal the successor takes over what the one
 * before it has left, to go on behind its last whole layer.
 */
import type { Disk, Logger } from "@holdfast/base";
import {
  type ExtractJob,
  type PostJob,
  type ProveJob,
  packed,
  type ReplicateJob,
  type ReplicateResult,
  type Sealer,
  type SealingPool,
  unpacked,
} from "../pool/index.ts";
import { homeVolumeId, locate, openVolumesHere, pathOn, type VolumeTable } from "../volumes/index.ts";
import type { Reach } from "./reach.ts";
import type { JobHandlers, JobWork } from "./runner.ts";
import type { Job } from "./types.ts";

/** Bytes of a read that travel in the job; larger ones as a file. */
const inlineBytes = 256 * 1024;

/** What a job of a queue sealer says to its worker. */
export interface SealInput<Asked> {
  /** Where the files are. */
  readonly table: VolumeTable;
  readonly job: Asked;
}
export interface SealOutput<Result> {
  /** Of the claim whose files are the job's. */
  readonly token: number;
  readonly result: Result;
}
export type ReadOutput =
  | { readonly path: null; readonly bytes: Uint8Array }
  | { readonly path: string; readonly bytes: null };

/** The files of a table of volumes, and who computes over them. */
export interface SealTools {
  readonly disk: Disk;
  readonly sealer: Sealer;
}

/** What a row of the queue wants opened; whoever may write rows has written it. */
export interface Asked {
  readonly claimed: Job;
  readonly table: VolumeTable;
  /** All that the work opens by name. */
  readonly paths: readonly string[];
  readonly signal: AbortSignal;
}
export type ToolsOf = (asked: Asked) => SealTools | Promise<SealTools>;

/** Tools over the threads of a pool and what is reached; they are kept while the volumes stay the same. */
export function pooledTools(
  pool: Pick<SealingPool, "sealerFor">,
  logger: Logger,
  reach: Pick<Reach, "narrow">,
): ToolsOf {
  let known: { readonly name: string; readonly tools: SealTools } | undefined;
  return async (asked) => {
    const table = await reach.narrow(asked.table, asked.paths);
    const name = JSON.stringify(table);
    if (known?.name === name) return known.tools;
    const disk = openVolumesHere(table);
    known = { name, tools: { disk, sealer: pool.sealerFor(disk, logger) } };
    return known.tools;
  };
}

/** Handlers for all kinds of a queue sealer's jobs; with `reach` for a worker that may not reach every volume. */
export function sealHandlers(toolsOf: ToolsOf, reach?: Pick<Reach, "confirm">): JobHandlers {
  const post: JobWork = async (claimed, options) => {
    const { table, job } = unpacked<SealInput<PostJob>>(claimed.input);
    const paths = job.sectors.flatMap(({ treePath, replicaPath }) =>
      [treePath, replicaPath].filter((path) => typeof path === "string"),
    );
    const { sealer } = await toolsOf({ claimed, table, paths, signal: options.signal });
    const result = await sealer.post(job, options);
    await reach?.confirm(claimed.volumes, result.faults);
    return packed(result);
  };
  return {
    seal: async (claimed, options) => {
      const { table, job } = unpacked<SealInput<ReplicateJob>>(claimed.input);
      const { token } = claimed;
      const own = (path: string): string => ownPath(path, token);
      const named = filesOfSeal(job);
      const paths = [...named, ...named.map(own), ...(job.stagedPath === null ? [] : [job.stagedPath])];
      const { disk, sealer } = await toolsOf({ claimed, table, paths, signal: options.signal });
      await takeOver(disk, named, token);
      const result = await sealer.replicate(
        {
          ...job,
          replicaPath: own(job.replicaPath),
          treePath: own(job.treePath),
          auxPath: own(job.auxPath),
          resumePath: job.resumePath === null ? null : own(job.resumePath),
        },
        options,
      );
      return packed({ token, result } satisfies SealOutput<ReplicateResult>);
    },
    "commit-proof": async (claimed, options) => {
      const { table, job } = unpacked<SealInput<ProveJob>>(claimed.input);
      const { token } = claimed;
      const proofPath = ownPath(job.proofPath, token);
      const paths = [job.auxPath, proofPath];
      const { sealer } = await toolsOf({ claimed, table, paths, signal: options.signal });
      await sealer.prove({ ...job, proofPath }, options);
      return packed({ token, result: null } satisfies SealOutput<null>);
    },
    unseal: async (claimed, options) => {
      const { jobId, token } = claimed;
      const { table, job } = unpacked<SealInput<ExtractJob>>(claimed.input);
      const paths = [job.replicaPath];
      const { disk, sealer } = await toolsOf({ claimed, table, paths, signal: options.signal });
      const bytes = await sealer.extract(job, options);
      // Where the replica lies the node reads too; a home that nobody else reaches is a simulated one.
      const { volumeId } = locate(job.replicaPath);
      const isInline = bytes.length <= inlineBytes || (volumeId === homeVolumeId && table.home === null);
      if (isInline) return packed({ path: null, bytes } satisfies ReadOutput);
      const path = pathOn(volumeId, `work/${job.identity.sectorId}-read-${jobId}-${token}/range`);
      await using file = await disk.open(path, "create");
      await file.writeAt(0, bytes);
      return packed({ path, bytes: null } satisfies ReadOutput);
    },
    "window-post": post,
    "winning-post": post,
    check: post,
  };
}

/** The files that a seal makes. */
export function filesOfSeal({ replicaPath, treePath, auxPath, resumePath }: ReplicateJob): readonly string[] {
  return [replicaPath, treePath, auxPath, ...(resumePath === null ? [] : [resumePath])];
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** The folders of some files, each once. */
export function foldersOf(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.map(folderOf))];
}

/** Where the claim with this token has the folder that its job names. */
export function ownFolder(folder: string, token: number): string {
  return `${folder}-${token}`;
}
function ownPath(path: string, token: number): string {
  const folder = folderOf(path);
  return `${ownFolder(folder, token)}${path.slice(folder.length)}`;
}

/** Makes what the claim before has left this one's own, and clears away what those before it have. */
async function takeOver(disk: Disk, paths: readonly string[], token: number): Promise<void> {
  for (const folder of foldersOf(paths)) {
    const room = folderOf(folder);
    const start = `${folder.slice(room.length + 1)}-`;
    const before = (await disk.list(room))
      .filter((name) => name.startsWith(start) && /^\d+$/.test(name.slice(start.length)))
      .map((name) => Number(name.slice(start.length)))
      .filter((earlier) => earlier < token)
      .sort((one, other) => one - other);
    const newest = before.pop();
    if (newest !== undefined) await disk.rename(ownFolder(folder, newest), ownFolder(folder, token));
    for (const earlier of before) await disk.remove(ownFolder(folder, earlier));
  }
}
