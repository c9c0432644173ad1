/**
 * The table of hardened idle profiles. A *set* is a stack of labelling layers of one width, one on the other;
 * every `layers`-th of them is a *kept layer*, cut into `files` files of equal size, which are what a miner stores,
 * is challenged on and releases. What a row is worth is computed and measured in docs/IDLE_SPACE.md.
 * Invariant: a row never changes once a network uses it, because its id is part of every label.
 */
import { exactLog2, nodeBytes } from "../../merkle/index.ts";

export interface IdleProfile {
  readonly id: string;
  /** Labels of one file; a power of two. */
  readonly fileNodes: number;
  /** Files of one kept layer; a power of two. */
  readonly files: number;
  /** Kept layers of one set. */
  readonly keptLayers: number;
  /** Labelling layers for one kept layer, which is the last of them; even. */
  readonly layers: number;
  /** How often a label hashes its fourteen parents: what a label costs, without what it reads. */
  readonly passes: number;
  /** Positions that are opened in all layers when a kept layer is committed. */
  readonly commitChallenges: number;
  /** Leaves of four labels that an audit asks of one file. */
  readonly spaceChallenges: number;
  /** Whether its deadline can be kept by a network, and a set of it has been made and proven whole. */
  readonly productionSafe: boolean;
}

/** The largest layer: positions are 26-bit numbers, and their products with words stay exact. */
export const maxLayerNodes = 2 ** 26;
/** Labels under one leaf of a file's tree. */
export const leafLabels = 4;
export const leafBytes = leafLabels * nodeBytes;

const rows: readonly IdleProfile[] = [
  {
    id: "idle-32KiB",
    fileNodes: 2 ** 10,
    files: 2,
    keptLayers: 2,
    layers: 4,
    passes: 1,
    commitChallenges: 8,
    spaceChallenges: 8,
    productionSafe: false,
  },
  {
    id: "idle-1MiB",
    fileNodes: 2 ** 15,
    files: 8,
    keptLayers: 4,
    layers: 8,
    passes: 1,
    commitChallenges: 20,
    spaceChallenges: 8,
    productionSafe: false,
  },
  {
    id: "idle-64MiB",
    fileNodes: 2 ** 21,
    files: 4,
    keptLayers: 16,
    layers: 12,
    passes: 16,
    commitChallenges: 300,
    spaceChallenges: 2,
    productionSafe: false,
  },
  {
    id: "idle-64MiB-wide",
    fileNodes: 2 ** 21,
    files: 16,
    keptLayers: 16,
    layers: 12,
    passes: 4,
    commitChallenges: 300,
    spaceChallenges: 2,
    productionSafe: false,
  },
];

export const idleProfiles: ReadonlyMap<string, IdleProfile> = new Map(rows.map((row) => [row.id, row]));

/** Whether a row has a shape that the construction is defined for. */
export function isIdleProfile(row: IdleProfile): boolean {
  const { fileNodes, files, keptLayers, layers, passes } = row;
  const nodes = fileNodes * files;
  const counts = [keptLayers, layers, passes, row.commitChallenges, row.spaceChallenges];
  return (
    exactLog2(nodes) !== undefined &&
    exactLog2(files) !== undefined &&
    fileNodes >= leafLabels &&
    nodes <= maxLayerNodes &&
    layers % 2 === 0 &&
    layers <= 64 &&
    passes <= 64 &&
    keptLayers <= 2 ** 16 &&
    counts.every((count) => Number.isSafeInteger(count) && count > 0) &&
    row.commitChallenges <= nodes &&
    row.spaceChallenges <= fileNodes / leafLabels
  );
}

type Shape = Pick<IdleProfile, "fileNodes" | "files" | "keptLayers" | "layers" | "passes">;

export const layerNodes = ({ fileNodes, files }: Pick<Shape, "fileNodes" | "files">): number =>
  fileNodes * files;
export const fileBytes = ({ fileNodes }: Pick<Shape, "fileNodes">): number => fileNodes * nodeBytes;
export const layerBytes = (profile: Pick<Shape, "fileNodes" | "files">): number =>
  layerNodes(profile) * nodeBytes;
export const filesPerSet = ({ files, keptLayers }: Pick<Shape, "files" | "keptLayers">): number =>
  files * keptLayers;
export const setBytes = (profile: Pick<Shape, "fileNodes" | "files" | "keptLayers">): number =>
  filesPerSet(profile) * fileBytes(profile);
/** SHA-256 compressions of one label, one after the other, behind the block that all labels of a layer share. */
export const labelBlocks = ({ passes }: Pick<Shape, "passes">): number => 7 * passes + 1;
