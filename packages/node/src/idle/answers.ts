/** Reads what an audit asks for: 8 KiB for each leaf, file after file. */
import { type Disk, HoldfastError } from "@holdfast/base";
import {
  answerIdleFile,
  type IdleAudit,
  type IdleLayerRoots,
  type IdleRangeTree,
  idleAuditFiles,
  idleAuditSeed,
  idleFilesPerSet,
  idleLayerElements,
  idleSpaceChallenges,
} from "@holdfast/proofs";
import { isUnreadable } from "./errors.ts";
import { fileSource } from "./making.ts";

export interface AnswerSource {
  readonly disk: Disk;
  readonly tree: IdleRangeTree;
  /** Undefined: this layer is not here. */
  layer(layer: number): { readonly folder: string; readonly roots: IdleLayerRoots } | undefined;
}

/** All answers in order, or the first layer of which something cannot be read. */
export async function readAnswers(
  audit: IdleAudit,
  { disk, tree, layer: layerOf }: AnswerSource,
): Promise<
  | { readonly answers: readonly Uint8Array[] }
  | { readonly damaged: number; readonly folder: string | undefined; readonly cause?: HoldfastError }
> {
  const { profile, state } = audit;
  const { networkId, miner, nonce } = state;
  const seed = idleAuditSeed(audit);
  const answers: Uint8Array[] = [];
  for (const file of idleAuditFiles(audit)) {
    const layer = Math.floor(file / profile.files);
    const own = layerOf(layer);
    const place = file % profile.files;
    const root = own?.roots.fileRoots[place];
    if (own === undefined || root === undefined) return { damaged: layer, folder: own?.folder };
    const identity = { networkId, miner, nonce, set: Math.floor(file / idleFilesPerSet(profile)) };
    const leaves = idleSpaceChallenges({ profile, identity, file, root, seed });
    const elements = idleLayerElements(profile, identity, layer * profile.files, own.roots.fileRoots);
    const path = tree.path(file, elements, state.rear);
    try {
      const source = await fileSource(disk, profile, own.folder, place, leaves);
      answers.push(answerIdleFile(audit, file, { root, path }, source));
    } catch (error) {
      if (!(error instanceof HoldfastError && (isGone(error.code) || isUnreadable(error)))) throw error;
      return { damaged: layer, folder: own.folder, cause: error };
    }
  }
  return { answers };
}

const isGone = (code: string): boolean => code === "idle/damaged" || code === "disk/not-found";
