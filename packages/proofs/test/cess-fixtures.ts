/** Sets of idle files of the original, and the same made here. */
import { fromHex } from "@holdfast/base";
import { type CessSet, cessLabelBytes, cessSetSteps, runSteps } from "@holdfast/proofs";
import { readVectors } from "./vectors.ts";

export interface CessSetVector {
  readonly k: number;
  readonly n: number;
  readonly d: number;
  readonly startCluster: number;
  readonly clusters: number;
  readonly commitHash: string;
  readonly roots?: readonly string[];
  readonly filesSha256?: string;
  readonly files?: readonly {
    readonly root: string;
    readonly sha256: string;
    readonly auxSha256: string;
    readonly labels: { readonly [position: string]: string };
  }[];
}

const vectors = readVectors<{ minerId: string; sets: readonly CessSetVector[] }>("idle", "cess-labels");
export const cessSets = vectors.sets;
export const minerId = fromHex(vectors.minerId);

export function setOf({ k, n, d, startCluster, clusters }: CessSetVector): CessSet {
  return { minerId, shape: { layers: k, nodes: n, degree: d }, startCluster, clusters };
}

/** All files of a set, intermediate layers with them, and its roots. */
export function madeSet(vector: CessSetVector, blockNodes?: number) {
  const set = setOf(vector);
  const files: Uint8Array[] = Array.from({ length: 2 * vector.k * vector.clusters }, () => new Uint8Array(0));
  const roots = runSteps(
    cessSetSteps(
      set,
      {
        intermediate: true,
        write: ({ cluster, realLayer }, offset, bytes) => {
          const index = realLayer * set.clusters + cluster - set.startCluster;
          const file = files[index]?.length ? files[index] : new Uint8Array(vector.n * cessLabelBytes);
          file?.set(bytes, offset);
          files[index] = file as Uint8Array;
        },
      },
      blockNodes === undefined ? {} : { blockNodes },
    ),
  );
  return { files, roots };
}
