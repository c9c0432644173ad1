/** Trees over a layer by both hashes, and the commitment to a piece. */
import { buildTree, commP, poseidonHasher, sha254Hasher } from "@holdfast/proofs";
import { elements } from "../kernels/samples.ts";
import type { Pipeline } from "../pipeline.ts";

const MiB = 2 ** 20;

function leaves(bytes: number): Uint8Array {
  const some = elements(2048);
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += some.length)
    all.set(some.subarray(0, Math.min(some.length, bytes - at)), at);
  return all;
}

export const treePipelines: readonly Pipeline[] = [
  {
    name: "tree by SHA-256",
    of: "bytes",
    sizes: [4 * MiB, 16 * MiB, 64 * MiB, 256 * MiB],
    slowUpTo: 4 * MiB,
    prepare: async (bytes) => {
      const data = leaves(bytes);
      return () => buildTree(sha254Hasher, data);
    },
  },
  {
    name: "tree by Poseidon",
    of: "bytes",
    sizes: [MiB / 4, MiB, 4 * MiB, 16 * MiB],
    slowUpTo: MiB / 4,
    prepare: async (bytes) => {
      const data = leaves(bytes);
      return () => buildTree(poseidonHasher, data);
    },
  },
  {
    name: "piece commitment",
    of: "bytes",
    sizes: [4 * MiB, 16 * MiB, 64 * MiB, 256 * MiB],
    slowUpTo: 4 * MiB,
    prepare: async (bytes) => {
      const piece = leaves(bytes).subarray(0, (bytes * 127) / 128);
      return () => commP(piece);
    },
  },
];
